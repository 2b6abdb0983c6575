"""Attacks with an authorization code: stolen, injected, redeemed twice or by somebody else."""

from contextlib import suppress

from dpop_lab.lab.sign_in.attack import (
    CLIENT,
    CODE,
    CODE_THIEF,
    LURER,
    MIDDLE,
    NONE,
    OTHER_CLIENT,
    PAGE_THIEF,
    SECRET_THIEF,
    attack,
)
from dpop_lab.lab.sign_in.stage import CONFIDENTIAL, NATIVE, NO_PKCE, Over, Stage, challenge


@attack("code_key", CODE, by=CLIENT, worth="Harmless: what all others are compared with.")
def honest_code(stage: Stage) -> None:
    """An honest code, bound by dpop_jkt, redeemed by its owner."""
    stage.redeem(stage.code())


@attack("PKCE", CODE, by=CODE_THIEF)
def stolen_code(stage: Stage) -> None:
    """A stolen code redeemed with the thief's key, its code_verifier guessed."""
    code = stage.code(dpop_jkt=None)
    stage.redeem(code, by="thief", code_verifier=stage.thiefs_verifier)


@attack("code_key", CODE, by=CODE_THIEF, then="PKCE")
def stolen_bound_code(stage: Stage) -> None:
    """A stolen code, bound by dpop_jkt, redeemed with the thief's key."""
    stage.redeem(stage.code(), by="thief", code_verifier=stage.thiefs_verifier)


@attack(
    "dpop_jkt",
    CODE,
    by=PAGE_THIEF,
    worth="PKCE is no help against who sees the code_verifier, too: a script in the page, or a"
    " server that the client was mixed up with. dpop_jkt is: see stolen_bound_code_and_verifier.",
)
def stolen_code_and_verifier(stage: Stage) -> None:
    """A stolen code with its code_verifier, redeemed with the thief's key."""
    stage.redeem(stage.code(dpop_jkt=None), by="thief")


@attack("code_key", CODE, by=PAGE_THIEF)
def stolen_bound_code_and_verifier(stage: Stage) -> None:
    """A stolen code, bound by dpop_jkt, with its code_verifier and the thief's key."""
    stage.redeem(stage.code(), by="thief")


@attack("code_key", CODE, by=PAGE_THIEF)
def bound_code_without_proof(stage: Stage) -> None:
    """A stolen code, bound by dpop_jkt, redeemed for a bearer token."""
    stage.redeem(stage.code(), by=None)


@attack("code_key", CODE, by=PAGE_THIEF)
def other_key_after_par(stage: Stage) -> None:
    """Another key than that of the proof at the PAR endpoint."""
    stage.redeem(stage.pushed(stage.push()), by="thief")


@attack("client authentication", CODE, by=PAGE_THIEF)
def stolen_code_of_confidential(stage: Stage) -> None:
    """A stolen code of a client with a secret, and its code_verifier, without the secret."""
    code = stage.code(CONFIDENTIAL, dpop_jkt=None)
    stage.redeem(code, CONFIDENTIAL, by="thief", client_secret=None)


@attack(
    "PKCE",
    CODE,
    by=SECRET_THIEF,
    worth="Where a client need not use PKCE, whoever has its secret redeems its codes.",
    differs=True,
)
def stolen_code_without_pkce(stage: Stage) -> None:
    """A stolen code that was asked for without PKCE, with the client's secret."""
    code = stage.code(NO_PKCE, **WITHOUT_PKCE, dpop_jkt=None)
    stage.redeem(code, NO_PKCE, by="thief", code_verifier=None)


@attack("code_key", CODE, by=SECRET_THIEF, then="PKCE")
def stolen_bound_code_without_pkce(stage: Stage) -> None:
    """A stolen code, bound by dpop_jkt, without PKCE, with the client's secret."""
    code = stage.code(NO_PKCE, **WITHOUT_PKCE)
    stage.redeem(code, NO_PKCE, by="thief", code_verifier=None)


@attack("PKCE", CODE, by=MIDDLE)
def verifier_seen(stage: Stage) -> None:
    """The method plain, by which whoever sees the authorization request has the code_verifier."""
    plain = {"code_challenge": stage.verifier, "code_challenge_method": "plain"}
    stage.redeem(stage.code(**plain, dpop_jkt=None), by="thief")


@attack("PKCE", CODE, by=MIDDLE)
def challenge_taken_away(stage: Stage) -> None:
    """The challenge taken out of the request on its way; the client sends its code_verifier."""
    stage.redeem(stage.code(NO_PKCE, **WITHOUT_PKCE, dpop_jkt=None), NO_PKCE)


@attack("code_key", CODE, by=MIDDLE)
def challenge_swapped(stage: Stage) -> None:
    """The thief's challenge put into the request on its way, dpop_jkt left alone."""
    code = stage.code(code_challenge=challenge(stage.thiefs_verifier))
    stage.redeem(code, by="thief", code_verifier=stage.thiefs_verifier)


@attack(
    NONE,
    CODE,
    by=MIDDLE,
    section="RFC 9126 §1",
    worth="PKCE and dpop_jkt bind a code to whoever wrote the request, and here that was the thief."
    " Who pushes the request keeps others from writing it: see pushed_and_swapped.",
)
def challenge_and_key_swapped(stage: Stage) -> None:
    """The thief's challenge and the thief's dpop_jkt put into the request on its way."""
    stage.redeem(
        stage.code(code_challenge=challenge(stage.thiefs_verifier), dpop_jkt=stage.jkt("thief")),
        by="thief",
        code_verifier=stage.thiefs_verifier,
    )


@attack("PKCE", CODE, by=MIDDLE)
def pushed_and_swapped(stage: Stage) -> None:
    """The thief's challenge put beside the request_uri of a pushed request."""
    swapped = {"code_challenge": challenge(stage.thiefs_verifier), "dpop_jkt": stage.jkt("thief")}
    code = stage.pushed(stage.push(by=None), **swapped)
    stage.redeem(code, by="thief", code_verifier=stage.thiefs_verifier)


@attack(
    NONE,
    CODE,
    by=LURER,
    section="RFC 9700 §4.1",
    worth="The thief's own request: nothing in it is the client's, no challenge and no dpop_jkt."
    " A secret stops it (own_request_of_confidential); else the redirect must not leak.",
)
def own_request(stage: Stage) -> None:
    """The thief's own request signed in by the victim, and the redirect seen."""
    own = {"code_challenge": challenge(stage.thiefs_verifier), "dpop_jkt": stage.jkt("thief")}
    stage.redeem(stage.code(**own), by="thief", code_verifier=stage.thiefs_verifier)


@attack("client authentication", CODE, by=LURER)
def own_request_of_confidential(stage: Stage) -> None:
    """The thief's own request for a client with a secret, signed in by the victim."""
    own = {"code_challenge": challenge(stage.thiefs_verifier), "dpop_jkt": stage.jkt("thief")}
    code = stage.code(CONFIDENTIAL, **own)
    verifier = stage.thiefs_verifier
    stage.redeem(code, CONFIDENTIAL, by="thief", code_verifier=verifier, client_secret=None)


@attack("proof demanded", CODE, by=MIDDLE)
def downgrade_of_dpop_client(stage: Stage) -> None:
    """A client that must use DPoP asks for a bearer token."""
    stage.redeem(stage.code(NATIVE, dpop_jkt=None), NATIVE, by=None)


@attack(
    "proof demanded",
    CODE,
    by=PAGE_THIEF,
    worth="The client need not use DPoP, and the code is bound to no key: dpop_jkt would bind it.",
)
def downgrade_to_bearer(stage: Stage) -> None:
    """A stolen code with its code_verifier redeemed for a bearer token."""
    stage.redeem(stage.code(dpop_jkt=None), by=None)


@attack("one use", CODE, by=PAGE_THIEF)
def code_twice(stage: Stage) -> None:
    """A code used by its owner and then, with its code_verifier, by the thief."""
    code = stage.code(dpop_jkt=None)
    stage.redeem(code)
    stage.redeem(code, by="thief")


@attack(
    "one use",
    CODE,
    by=PAGE_THIEF,
    worth="The owner's use was the second, and so refused; what came of the first goes on where a"
    " second use does not end it.",
    differs=True,
)
def code_used_first(stage: Stage) -> None:
    """A code used by the thief and then by its owner; the thief goes on."""
    code = stage.code(dpop_jkt=None)
    token = stage.redeem(code, by="thief")["refresh_token"]
    with suppress(Over):
        stage.redeem(code)
    stage.refresh(token, by="thief")


@attack("whose it is", CODE, by=OTHER_CLIENT)
def code_of_another_client(stage: Stage) -> None:
    """A code and its code_verifier, redeemed by a client that it was not given to."""
    stage.redeem(stage.code(dpop_jkt=None), CONFIDENTIAL, by="thief")


@attack("redirect URI", CODE, by=CODE_THIEF, section="RFC 6749 §4.1.3")
def other_redirect_uri(stage: Stage) -> None:
    """Another redirect_uri at the token endpoint than in the authorization request."""
    stage.redeem(stage.code(), redirect_uri="https://mallory.example/")


WITHOUT_PKCE = {"code_challenge": None, "code_challenge_method": None}
CODES = (
    honest_code, stolen_code, stolen_bound_code, stolen_code_and_verifier,
    stolen_bound_code_and_verifier, bound_code_without_proof, other_key_after_par,
    stolen_code_of_confidential, stolen_code_without_pkce, stolen_bound_code_without_pkce,
    verifier_seen, challenge_taken_away, challenge_swapped, challenge_and_key_swapped,
    pushed_and_swapped, own_request, own_request_of_confidential, downgrade_of_dpop_client,
    downgrade_to_bearer, code_twice, code_used_first, code_of_another_client, other_redirect_uri,
)  # fmt: skip
