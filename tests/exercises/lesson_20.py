"""Lesson 20, the heist: how each house is robbed, named and repaired, and how not."""

from dpop_lab import generate_key, read_proof
from dpop_lab.exercises.mistakes import REPAIRS
from dpop_lab.exercises.visitor_mistakes import CODE_REPAIRS, REFRESH_REPAIRS
from tests.exercises import Tried


def enter(task, door, proof="", *, scheme="DPoP", token=""):
    """Try a door with the guard's token, or another."""
    headers = {"Authorization": f"{scheme} {token or task.token}", "DPoP": proof}
    return task.lab.session.get(door, headers={name: one for name, one in headers.items() if one})


def own_key(task, **claims):
    proof = task.lab.proof(generate_key(), "GET", task.hall, access_token=task.token, **claims)
    return enter(task, task.hall, proof)


def later(task):
    task.lab.clock.advance(20)
    enter(task, task.hall, task.captured)


def visit(task, jti):
    """Go in with a ticket of one's own, and this jti."""
    key = generate_key()
    ticket = task.lab.ask(key=key).json()["access_token"]
    proof = task.lab.proof(key, "GET", task.hall, access_token=ticket, jti=jti)
    return enter(task, task.hall, proof, token=ticket)


def lock_out(task):
    number = int(read_proof(task.captured).claims["jti"].partition("-")[2])
    visit(task, f"round-{number + 1:04}")
    task.listen()


ATTACKS = {
    "20.2": own_key,
    "20.3": later,
    "20.4": lambda task: enter(task, task.vault, task.captured),
    "20.5": lock_out,
    "20.6": lambda task: enter(task, task.staff_entrance, scheme="Bearer"),
}
ROWS = {"20.2": "bound_key", "20.3": "unused", "20.4": "htu", "20.5": "unused", "20.6": "unbound"}
MENDED = {
    "20.2": "compare_the_keys",
    "20.3": "remember_the_whole_window",
    "20.4": "compare_the_whole_url",
    "20.5": "remember_key_jti_and_url",
    "20.6": "refuse_bound_under_bearer",
}
TOO_MUCH = {  # and what is too little
    "20.2": ("compare_the_whole_url",),
    "20.3": ("narrow_the_window", "remember_one_minute"),
    "20.4": ("remember_jti_alone", "verify_signatures"),
    "20.5": ("remember_jti_alone",),
    "20.6": ("refuse_all_under_bearer", "compare_the_keys"),
}


def robbed(name, *, row="", repair="", tries=()):
    """Try what fails, rob the house, name a row, repair it."""

    def way(task):
        for one in tries:
            ATTACKS[one](task)
        ATTACKS[name](task)
        task.name(row or ROWS[name])
        if repair is not None:
            task.repair(repair or MENDED[name])

    return way


def by_hand(name):
    """Try two things in vain, and make the repaired policy oneself."""

    def way(task):
        robbed(name, tries=[one for one in ATTACKS if one not in (name, "20.5")], repair=None)(task)
        task.repair(REPAIRS[MENDED[name]](task.lab.policy))

    return way


def foreseen(*names, right=True):
    """Predict each of these thefts and send it."""
    thefts = {
        "bound_key": own_key,
        "unused": lambda task: enter(task, task.hall, task.captured),
        "htu": lambda task: enter(task, task.vault, task.captured),
        "unbound": lambda task: enter(task, task.staff_entrance, scheme="Bearer"),
        "one_header": lambda task: enter(task, task.hall),
    }

    def way(task):
        for name in names:
            task.predict(name if right else "typ")
            thefts[name](task)

    return way


# ---- the houses that sign visitors in


def swap(task, form, key=None):
    """A token request with this form, and a proof by this key or none."""
    return task.lab.ask(**form, key=key, scope=None)


def leaked(leak, *, key=False, times=1, late=0, **form):
    """Listen to a leak, and send its form, changed, with the thief's key or none."""

    def way(task):
        known = {**task.listen(leak).form, **form}
        task.lab.clock.advance(late)
        for _ in range(times):
            swap(task, known, generate_key() if key else None)

    return way


def challenge_for_verifier(task):
    loot = task.listen("redirect")
    swap(task, {**loot.form, "code_verifier": loot.request["code_challenge"]})


def as_oneself(task):
    task.lab.sign_in("bob", client_id="interactive.public")


def by_own_client(task):
    swap(task, {**task.listen("backup").form, **task.own_client}, generate_key())


def before_its_owner(task, *, owner=True):
    form = task.listen("log").form
    new = swap(task, form).json()["refresh_token"]
    if owner:
        task.owner()
    swap(task, {**form, "refresh_token": new})


def after_its_owner(task):
    form = task.listen("log").form
    task.owner()
    swap(task, form)


def broken_into(theft, name="", repair="", tries=()):
    """Try what fails, get tokens by this theft, name what is to blame, repair it."""

    def way(task):
        for one in (*tries, theft):
            one(task)
        if name:
            task.name(name)
        if repair:
            task.repair(repair if isinstance(repair, str) else repair(task.lab.policy))

    return way


def many(leak):
    """More sends than the alarm lets pass, and then a theft."""
    return leaked(leak, key=True, times=13)


VISITORS = {
    "20.7": Tried(
        solve=broken_into(leaked("page"), "code_key", "compare_dpop_jkt"),
        wrong=(
            leaked("page", key=True),
            leaked("redirect", key=True),
            leaked("har"),
            leaked("redirect", times=2),
            leaked("redirect", late=601),
            as_oneself,
            leaked("page"),
            broken_into(leaked("page"), "PKCE"),
            broken_into(leaked("page"), "code_key"),
            broken_into(leaked("page"), "code_key", "use_up"),
            broken_into(leaked("page"), "code_key", "want_a_proof"),
            many("page"),
        ),
        second=broken_into(
            leaked("pushed"),
            "code_key",
            CODE_REPAIRS["compare_dpop_jkt"],
            tries=(leaked("page", key=True), challenge_for_verifier, leaked("har", key=True)),
        ),
    ),
    "20.8": Tried(
        solve=broken_into(before_its_owner, "one use", "end_the_family"),
        wrong=(
            leaked("backup", key=True),
            by_own_client,
            after_its_owner,
            leaked("log"),
            as_oneself,
            before_its_owner,
            broken_into(before_its_owner, "refresh_key"),
            broken_into(before_its_owner, "one use"),
            broken_into(before_its_owner, "one use", "change_no_token"),
            broken_into(before_its_owner, "one use", "want_a_proof"),
            many("backup"),
        ),
        second=broken_into(
            before_its_owner,
            "one use",
            REFRESH_REPAIRS["end_the_family"],
            tries=(leaked("backup", key=True), leaked("backup"), by_own_client, after_its_owner),
        ),
    ),
}
TRIED = {
    "20.1": Tried(
        solve=foreseen("bound_key", "unused", "htu", "unbound"),
        wrong=(
            foreseen("bound_key", "unused", "htu", right=False),
            foreseen("bound_key", "unused", "htu", "htu"),
            own_key,
            lambda task: visit(task, "mine"),
        ),
        second=foreseen("one_header", "unused", "unused", "htu", "unbound"),
    )
} | {
    name: Tried(
        solve=robbed(name),
        wrong=(
            ATTACKS[name],
            robbed(name, row="typ"),
            robbed(name, repair=None),
            *(robbed(name, repair=one) for one in TOO_MUCH[name]),
            lambda task, name=name: [own_key(task, jti=5) for _ in range(13)],
        ),
        second=by_hand(name),
    )
    for name in ATTACKS
}
TRIED |= VISITORS
