"""Exercises of lesson 4, a token."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import requests

from dpop_lab.exercises.exercise import Exercise, Steps, all_predicted, each_once
from dpop_lab.exercises.scene import PLAIN_API, Scene, Seen, lacking
from dpop_lab.jose.encoding import thumbprint
from dpop_lab.jose.jws import read_jws
from dpop_lab.jose.keys import PrivateKey, generate_key
from dpop_lab.lab.lab import Lab
from dpop_lab.server.duende import DUENDE
from dpop_lab.session.call import ACCEPTED, API, NO_ROW, TOKEN_ENDPOINT

WITH_NONCE = "m2m.dpop.nonce"

# ---- 04.1

MOST = 3  # requests


def _a_nonce_demanded(scene: Scene) -> Mapping[str, Any]:
    scene.open()
    return {}


def _two_keys_one_nonce(scene: Scene) -> Steps:
    asked = scene.at(TOKEN_ENDPOINT)
    yield asked, "Nobody asked for a token yet."
    last = asked[-1]
    client = last.form.get("client_id", "nobody")
    yield client == WITH_NONCE, f"The server was asked by {client}, from which it wants no nonce."
    misplaced = "The server looked for a nonce among the claims of the proof; it is in the header."
    yield "nonce" not in last.proof.header, misplaced
    brought = [one for one in asked if "nonce" in one.proof.claims]
    yield brought, "The server gave a nonce out, and no proof has brought it back yet."
    yield last.caught != "unused", "The server saw the same proof twice. A nonce may come again."
    yield last.accepted, f"The server refused the last request: {last.reason}."
    given = [one for one in brought if one.accepted]
    tokens = f"{len(given)} token{'s' * (len(given) > 1)} after {len(asked)} requests"
    yield len(given) > 1, f"{tokens}. Two are wanted, with {MOST} requests at most."
    keys = {thumbprint(one.proof.header["jwk"]) for one in given}
    yield len(keys) > 1, f"{tokens}, and all are bound to one key. Two are wanted."
    few = "Is a nonce meant for a key? Start again."
    yield len(asked) <= MOST, f"{tokens}, and {MOST} are enough. {few}"
    return "One refusal, one nonce, two keys: a nonce says when a proof was made, and not by whom."


# ---- 04.2

STRAIGHT, GATEWAY, APIS = "straight", "gateway", (API, PLAIN_API)


def client(session: requests.Session, lab: Lab, key: PrivateKey) -> requests.Response:
    """Ask for a token with a proof, as m2m, and call the API."""
    headers, who = lab.credentials("m2m")
    form = {"grant_type": "client_credentials", "scope": "api", **who}
    form["DPoP"] = lab.proof(key, "POST", lab.token_endpoint)
    answer = session.post(lab.token_endpoint, data=form, headers=headers)
    token = answer.json()["access_token"]
    return session.get(lab.plain_api, headers={"Authorization": f"Bearer {token}"})


Client = Callable[[requests.Session, Lab, PrivateKey], object]


def _a_gateway(scene: Scene) -> Mapping[str, Any]:
    lab, key = scene.open(), generate_key()

    def run(client: Client) -> object:
        """Run a client straight to the servers, then behind a gateway that drops DPoP headers."""

        def behind(session: requests.Session) -> None:
            passed_on = session.send

            def send(request: requests.PreparedRequest, **options: Any) -> requests.Response:
                request.headers.pop("DPoP", None)
                return passed_on(request, **options)

            session.send = send  # type: ignore[method-assign]
            with suppress(Exception):  # a client may refuse to go on in whatever way it likes
                client(session, lab, key)

        straight = {STRAIGHT: lambda session: client(session, lab, key)}
        return scene.try_out(DUENDE, {**straight, GATEWAY: behind})

    return {"key": key, "run": run}


def _seen(scene: Scene, trial: str, *places: str) -> list[Seen]:
    return [one for one in scene.trials[trial] if one.place in places]


def _never_unbound(scene: Scene) -> Steps:
    yield scene.trials, "No client was run yet: task.run(client)."
    asked, calls = _seen(scene, STRAIGHT, TOKEN_ENDPOINT), _seen(scene, STRAIGHT, *APIS)
    yield asked, "By the session that the client was given, nobody asked for a token."
    in_form = "the proof stood among the parameters of the form, where no server looks."
    nowhere = in_form if "DPoP" in asked[-1].form else "the request had no header DPoP."
    yield asked[-1].is_proof, f"The server gave a Bearer token: {nowhere}"
    yield asked[-1].accepted, f"No token was given: {asked[-1].reason}."
    yield calls, "A bound token was given. No API was called with it."
    bearer = "A bound token was sent as Bearer, to an API that does not look at its binding."
    yield calls[-1].scheme.lower() == "dpop", bearer
    yield calls[-1].accepted, f"The token is bound. The API refused the call: {calls[-1].reason}."
    behind = _seen(scene, GATEWAY, TOKEN_ENDPOINT)
    yield behind, "Behind the gateway nobody asked for a token."
    never = "Behind the gateway no token was given, so nothing shows that the client looks at one."
    yield any(one.issued for one in behind), f"{never} Ask as m2m, which needs no proof."
    used = "Behind the gateway the server gave a Bearer token, and the client went on to use it."
    yield not _seen(scene, GATEWAY, *APIS), used
    return "A bound token where the proof arrives; where it does not, token_type told in time."


# ---- 04.3


def _five_requests(scene: Scene) -> Mapping[str, Any]:
    lab, key = scene.open(), generate_key()
    used = lab.proof(key, "POST", lab.token_endpoint)
    lab.ask(proof=used)
    nonce = lab.ask(WITH_NONCE, key=key).headers["DPoP-Nonce"]
    lab.ask(WITH_NONCE, key=key, nonce=nonce)
    asks = {
        "twice": lambda: lab.ask(proof=used),
        "reused": lambda: lab.ask(WITH_NONCE, key=key, nonce=nonce),
        "both": lambda: lab.ask(proof="broken", client_secret="wrong"),  # noqa: S106
        "openid": lambda: lab.ask(key=key, scope="openid"),
        "one_key": lambda: lab.ask("m2m.jwt", key=lab.client_key),
    }
    return {"send": each_once(scene, "request", asks)}


def _each_predicted(scene: Scene) -> Steps:
    why = {
        "unused": "The token endpoint remembers proofs, as the API does.",
        NO_ROW: "Plain OAuth refused: who asks, before any work is done on a proof, or what for.",
        ACCEPTED: "The RFC allows it: nonces may come again, and any key may be proven.",
    }
    return (yield from all_predicted(scene, 5, why))


# ---- 04.4


def _seal_not_looked_at(scene: Scene) -> Mapping[str, Any]:
    lab = scene.open(lacking(DUENDE, "at_signature"), complete=DUENDE)
    return {"token": lab.ask(key=generate_key()).json()["access_token"]}


def _bound_to_the_thief(scene: Scene) -> Steps:
    calls, stolen = scene.at(API), scene.given["token"]
    yield calls, "The API was not called yet."
    last = calls[-1]
    yield last.token, "The API saw no token under the scheme DPoP."
    as_it_was = f"The API saw the stolen token as it was issued: {last.reason}."
    yield last.token != stolen, as_it_was
    ath = "The API saw a token that you changed, and a proof whose ath is of another text."
    yield last.caught != "ath", ath
    jkt = "The API saw a token that you changed. Its cnf.jkt is not the thumbprint of your key."
    yield last.caught != "bound_key", jkt
    yield last.accepted, f"The API refused the last call: {last.reason}."
    own = "That token is yours, as the server issued it: every API would take it."
    yield last.fault != ACCEPTED, own
    was, now = ({**one.claims, "cnf": None} for one in (read_jws(stolen), last.access_token))
    if was == now:
        return "The binding is worth as much as the signature over it, and nobody looked at that."
    return "Not only the key: where nobody looks at the signature, all of a token is the thief's."


EXERCISES = (
    Exercise(
        id="04.1",
        kind="do",
        title="Two keys, one nonce",
        task=(
            f"Get two tokens from task.lab as {WITH_NONCE}, bound to two different keys, with no"
            f" more than {MOST} requests."
        ),
        hints=(
            "How many of the three may be refused, and what do you learn from it?",
            "The header DPoP-Nonce of an answer is no secret between the server and one key.",
            f"task.lab.ask('{WITH_NONCE}', key=…) once without a nonce; then for each key"
            " nonce=answer.headers['DPoP-Nonce'].",
        ),
        start=_a_nonce_demanded,
        steps=_two_keys_one_nonce,
    ),
    Exercise(
        id="04.2",
        kind="mend",
        title="It works, says the client",
        task=(
            "This client was moved to DPoP, and nothing ever fails: its tokens are as good for a"
            " thief as before. Mend it, so that it calls lab.api with a bound token, and a token"
            " that is not bound goes nowhere. task.run(client) runs it straight, and then behind a"
            " gateway that drops the header DPoP; there it may raise an error."
        ),
        gives={"client": "the function below", "key": "its key", "run": "runs a client twice"},
        hints=(
            "Run it as it is, and read what the card says of the token.",
            "A proof is a header of the request. In the answer token_type says if it was seen.",
            "headers={'DPoP': …} for the token request; an error unless token_type is DPoP; then"
            " Authorization: DPoP, and a proof with access_token=token for lab.api.",
        ),
        code=client,
        start=_a_gateway,
        steps=_never_unbound,
    ),
    Exercise(
        id="04.3",
        kind="predict",
        title="Five token requests",
        task=(
            "Five requests for a token: 'twice', with a proof that was taken before; 'reused', a"
            " new proof with a nonce that was used before; 'both', with a wrong client secret and a"
            " proof that can't be read; 'openid', with a good proof, for a scope that needs a user;"
            " 'one_key', of m2m.jwt, whose proof is by the key that signs its statement. For each,"
            " predict the row that says no, 'no row' where something else is refused, or"
            " 'accepted', then send it: task.predict('typ'), task.send('both')."
        ),
        gives={"send": "sends one of the five requests, by its name, once"},
        hints=(
            "What does a server look at first: who is asking, or the proof?",
            "A proof is good once, a nonce for a while. Errors of plain OAuth are no row's.",
            "Two are accepted, two are refused by no row, and one by a row about jti.",
        ),
        start=_five_requests,
        steps=_each_predicted,
    ),
    Exercise(
        id="04.4",
        kind="attack",
        title="The seal nobody looks at",
        task=(
            "You have stolen an access token, and not its key. The API of task.lab reads tokens and"
            " compares cnf.jkt with the key of the proof, but never looks at a token's signature."
            " Get in with the token, and a key of your own."
        ),
        gives={"token": "the stolen access token"},
        hints=(
            "Which 43 characters in the token keep you out?",
            "A token is three parts with dots. Who reads the second need not look at the third.",
            "Put thumbprint(public_jwk(key)) into cnf.jkt of the claims, encode them with"
            " compact_json and base64url_encode, and give the new token to lab.proof as well.",
        ),
        start=_seal_not_looked_at,
        steps=_bound_to_the_thief,
    ),
)
