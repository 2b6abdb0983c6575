"""Exercises of lesson 6, tampering."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import requests

from dpop_lab.exercises.exercise import Exercise, Steps
from dpop_lab.exercises.find_and_repair import KID_BELIEVED
from dpop_lab.exercises.scene import Scene, Trial, lacking
from dpop_lab.exercises.text_filter import a_captured_call, replayed_past_the_filter
from dpop_lab.exercises.two_servers import both_predicted, five_calls
from dpop_lab.jose.keys import generate_key
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.policy import Policy
from dpop_lab.session.call import ACCEPTED, API, NO_ROW

# ---- 06.1

MOST = 6


def _one_row_less(scene: Scene) -> Mapping[str, Any]:
    row = secrets.choice(("bound_key", "ath", "htm", "htu", "fresh", "unused"))
    scene.open(lacking(DUENDE, row), complete=DUENDE)
    return {}


def _got_in_and_named(scene: Scene) -> Steps:
    sent = scene.at(API)
    through = [
        number for number, one in enumerate(sent, 1) if one.accepted and one.fault != ACCEPTED
    ]
    count = f"{len(sent)} of {MOST} requests"
    yield len(sent) <= MOST or through, f"{count}, and no attack got through. Start again."
    yield sent, "Nothing was sent to the API yet."
    honest = f"The last request was accepted, and every server would accept it ({count})."
    yield through or not sent[-1].accepted, honest
    none = f"The last request was refused by none of the rows ({count})."
    yield through or sent[-1].caught != NO_ROW, none
    refused = f"{sent[-1].caught} is not the missing row: the last request was refused by it"
    yield through, f"{refused} ({count})."
    yield through[0] <= MOST, f"It got through with request {through[0]}. Start again."
    yield scene.named, "An attack got through. Now name the row that is missing: task.name('…')."
    attack = sent[through[0] - 1]
    told = f"You named {scene.named[0]}. "
    told += "The server asked it, and it passed." if scene.named[0] in attack.findings else "No."
    yield scene.named[0] == attack.fault, f"{told} Start again."
    few = through[0] <= MOST // 2
    return f"{'With few requests: y' if few else 'Y'}ou got in, and you know why."


# ---- 06.2

FORGETS = replace(DUENDE, profiles={**DUENDE.profiles, "api": replace(DUENDE.api, remember=10)})
AHEAD, BEHIND = 24, 29  # seconds, within the window


def _forgetful(scene: Scene) -> Mapping[str, Any]:
    lab, key = scene.open(FORGETS), generate_key()
    token = lab.ask(key=key).json()["access_token"]

    def call(session: requests.Session, proof: str) -> None:
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
        session.get(lab.api, headers=headers)

    def dated(seconds: int) -> str:
        return lab.proof(key, "GET", lab.api, access_token=token, iat=lab.clock.now() + seconds)

    def repair(policy: Policy) -> object:
        """Try a policy out: two honest calls, and a replay as late as can be."""
        early = dated(AHEAD)

        def replay(session: requests.Session) -> None:
            lab.clock.advance(AHEAD + BEHIND)
            call(session, early)

        trials: dict[str, Trial] = {
            "fast clock": lambda session: call(session, early),
            "replay": replay,
            "slow clock": lambda session: call(session, dated(-BEHIND)),
        }
        return scene.try_out(policy, trials)

    return {"policy": FORGETS, "repair": repair}


def _replay_refused(scene: Scene) -> Steps:
    yield scene.trials, "No repair was tried out yet: task.repair(policy)."
    (replay,) = scene.trials["replay"]
    for trial, off in (("fast clock", f"{AHEAD} s fast"), ("slow clock", f"{BEHIND} s slow")):
        (honest,) = scene.trials[trial]
        words = f"Now an honest client is refused whose clock is {off}: {honest.reason}."
        yield honest.accepted, words
    late = f"A proof dated {AHEAD} s ahead was replayed {AHEAD + BEHIND} s later, and got through."
    yield not replay.accepted, late
    yield replay.caught == "unused", f"The replay was refused by {replay.caught}, by luck."
    return "A proof is remembered for as long as it is good: the whole window, past and ahead."


# ---- 06.4

ROWS = [row.name for row in DUENDE.api.rows if row.name not in DUENDE.api.essential]
REFUSALS = len(ROWS) + 2


def _an_api(scene: Scene) -> Mapping[str, Any]:
    scene.open()
    return {}


def _each_row_alone(scene: Scene) -> Steps:
    sent = scene.at(API)
    refused = [one for one in sent if not one.accepted]
    failed = [[n for n, f in one.findings.items() if f.mark == "failed"] for one in refused]
    alone = [names[0] for names in failed if len(names) == 1 and names[0] in ROWS]
    missing = [row for row in ROWS if row not in alone]
    yield sent, "Nothing was sent to the API yet."
    if not missing:
        vain = len(refused) - len(ROWS)
        if vain:
            return f"Each row has a test that fails without it. Tests in vain: {vain}."
        return "One test for each row, and none in vain: no smaller suite covers them all."
    left = ", ".join(missing)
    over = f"{len(refused)} requests were refused, and these rows have no test: {left}."
    yield len(refused) < REFUSALS, f"{over} Start again."
    count = f"Rows with a test: {len({*alone})} of {len(ROWS)}"
    yield not sent[-1].accepted, f"The last was accepted: it tests no row. {count}."
    last = ", ".join(failed[-1])
    yield failed[-1], f"The last was refused by none of the rows. {count}."
    several = (
        f"To the last request {len(failed[-1])} rows say no: {last}. Without one of them it is"
        f" refused all the same, so it tests none. {count}."
    )
    yield len(failed[-1]) == 1, several
    yield last in ROWS, f"{last} is none of the {len(ROWS)} rows, which are about the proof."
    yield alone.count(last) == 1, f"{last} had a test already. {count}."
    yield False, f"The last tests {last}. {count}, without: {left}."
    return ""


EXERCISES = (
    Exercise(
        id="06.1",
        kind="attack",
        title="A row is missing",
        task=(
            f"The API of task.lab lacks one row. Get an attack past it with at most {MOST} requests"
            " (a change of task.lab.send will do), then say which row it lacks: task.name('htm')."
            " After task.start_again() it may lack another."
        ),
        hints=(
            "Only an attack that one row alone stops tells you something about that row.",
            "A list like `attacks` in lesson 6 has one attack for a row. An honest call tells"
            " nothing.",
            "Try own_key, ath_of_another, method_delete, url_with_slash, iat_an_hour_ago,"
            " sent_twice (which are two requests).",
        ),
        start=_one_row_less,
        steps=_got_in_and_named,
    ),
    Exercise(
        id="06.2",
        kind="defend",
        title="The server that forgets",
        task=(
            "This API remembers a proof for 10 seconds. Repair its policy, so that no proof is"
            " taken twice, and try it out with task.repair(policy): a replay is sent as late as can"
            " be, and honest clients call whose clocks are a little fast or slow."
        ),
        gives={
            "policy": "what the server keeps to",
            "repair": "tries a policy out: an attack, and honest calls",
        },
        hints=(
            "task.policy.api.window says how old and how far ahead a proof may be, and .remember"
            " how long it is remembered.",
            "A policy is data: replace(task.policy, profiles={**task.policy.profiles, 'api':"
            " replace(task.policy.api, …)}).",
            "A proof dated 25 s ahead is good until it is 30 s old.",
        ),
        start=_forgetful,
        steps=_replay_refused,
    ),
    Exercise(
        id="06.3",
        kind="predict",
        title="Five calls, two servers",
        task=(
            "Five calls by a client with its own token go to the demo's API and, the same bytes, to"
            " the strict one: 'door', its proof made for the token endpoint; 'slow', made 45 s ago;"
            " 'fast', dated 18 s ahead; 'counter', its jti a 1, which another client sent before;"
            " 'capitals', /API/ for /api/ in htu. Predict both answers, rows or 'accepted':"
            " task.send('slow', demo='typ', strict='accepted')."
        ),
        gives={"send": "sends one of the five, by its name, once, with your two predictions"},
        hints=(
            "The two differ in times, in what they remember, in how they take values, and in the"
            " order of their rows.",
            "DUENDE.api and RFC_9449.api have a window, and rows in their order. The last section"
            " of the lesson has a jti.",
            "Each server takes what the other refuses twice; of one call both say no, by two rows.",
        ),
        start=five_calls,
        steps=both_predicted,
    ),
    Exercise(
        id="06.4",
        kind="do",
        title="A test for each row",
        task=(
            f"{len(ROWS)} rows about the proof can be struck out at the demo's API:"
            f" {', '.join(ROWS)}. Find a request for each that this row refuses, and no other, so"
            f" that a server without it lets it in. With task.lab.send, and at most {REFUSALS}"
            " refusals."
        ),
        hints=(
            "You know requests for eight of the rows from the lesson. Which three are left?",
            "sent = task.lab.send(…); print(sent) shows all rows. With two ✗ it tests neither.",
            "CHANGES.search('jti'), search('two') and search('private') have the last three.",
        ),
        start=_an_api,
        steps=_each_row_alone,
    ),
    Exercise(
        id="06.5",
        kind="attack",
        title="The filter that knows texts",
        task=(
            "A filter in front of this API keeps every proof it lets by, as text, and refuses that"
            " text for ever. The API leaves replays to it. Its owner's call, task.captured, went"
            " through. Send that call again, without any key, and get in. Proofs may be a day old"
            " here, so take your time."
        ),
        gives={"captured": "the two headers of a call that was accepted"},
        hints=(
            "task.lab.session.get(task.lab.api, headers=…) sends it. What of the text may change,"
            " and the proof stays good?",
            "Header and claims are signed as they are written. The signature is not signed.",
            "Base64url may have an end that says nothing, and an ECDSA signature has a twin: both"
            " are in this lesson.",
        ),
        start=a_captured_call,
        steps=replayed_past_the_filter,
    ),
    KID_BELIEVED,
)
