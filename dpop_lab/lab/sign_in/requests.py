"""Attacks on the authorization request, pushed or not, and on the answer that a browser brings."""

from urllib.parse import parse_qsl, urlsplit

from dpop_lab.client.sign_in.source import PersonalSource
from dpop_lab.lab.sign_in.attack import (
    AUTHORIZE,
    CLIENT,
    LURER,
    MIDDLE,
    OTHER_CLIENT,
    OTHER_ISSUER,
    PAR,
    REDIRECT,
    attack,
)
from dpop_lab.lab.sign_in.stage import CONFIDENTIAL, NATIVE, REDIRECT_URI, Stage, challenge

ELSEWHERE = "https://mallory.example/"


@attack(
    "redirect URI",
    AUTHORIZE,
    by=LURER,
    worth="The demo takes any redirect URI, so that everybody can try their client there; a server"
    " that is not for trying sends a code to known addresses alone.",
    differs=True,
)
def unregistered_redirect_uri(stage: Stage) -> None:
    """A link whose redirect_uri leads to the thief."""
    stage.code(redirect_uri=ELSEWHERE)


@attack(
    "redirect URI",
    AUTHORIZE,
    by=LURER,
    worth="Another address, if only by its end: whatever is hosted there sees the code.",
    differs=True,
)
def redirect_uri_with_more(stage: Stage) -> None:
    """A link whose redirect_uri begins like the registered one."""
    stage.code(redirect_uri=f"{REDIRECT_URI}/more")


@attack("PKCE", AUTHORIZE, by=CLIENT, section="RFC 9700 §2.1.1")
def no_challenge(stage: Stage) -> None:
    """An authorization request of a public client without PKCE."""
    stage.code(code_challenge=None, code_challenge_method=None)


@attack(
    "dpop_jkt",
    AUTHORIZE,
    by=CLIENT,
    worth="A code comes, and no key there is can redeem it: the demo says so at the token endpoint"
    " alone.",
    differs=True,
)
def dpop_jkt_in_hexadecimal(stage: Stage) -> None:
    """An authorization request with a dpop_jkt in hexadecimal, which is no thumbprint."""
    stage.code(dpop_jkt="0f" * 32)


@attack("one use", AUTHORIZE, by=LURER, section="RFC 9126 §4")
def request_uri_twice(stage: Stage) -> None:
    """A request_uri used twice."""
    uri = stage.push()
    stage.pushed(uri)
    stage.pushed(uri)


@attack("whose it is", AUTHORIZE, by=OTHER_CLIENT, section="RFC 9126 §2.2")
def request_uri_of_another_client(stage: Stage) -> None:
    """A request_uri used by another client than the one that pushed it."""
    stage.pushed(stage.push(), CONFIDENTIAL)


@attack("whose it is", AUTHORIZE, by=LURER, section="RFC 9126 §2.2")
def request_uri_made_up(stage: Stage) -> None:
    """A request_uri that nobody pushed."""
    stage.pushed(f"urn:ietf:params:oauth:request_uri:{'0' * 64}")


@attack("code_key", PAR, by=CLIENT, section="RFC 9449 §10.1", worth="Harmless: it binds the code.")
def honest_push(stage: Stage) -> None:
    """An honest pushed request with a proof."""
    stage.push(dpop_jkt=stage.jkt())


@attack("one key", PAR, by=MIDDLE)
def jkt_against_proof(stage: Stage) -> None:
    """A dpop_jkt of another key than that of the proof beside it."""
    stage.push(dpop_jkt=stage.jkt("thief"))


@attack("client authentication", PAR, by=LURER, section="RFC 9126 §2")
def pushed_by_a_stranger(stage: Stage) -> None:
    """A request pushed for a client with a secret, without the secret."""
    stage.push(CONFIDENTIAL, by="thief", client_secret=None)


@attack("request_uri", PAR, by=LURER)
def pushed_within_pushed(stage: Stage) -> None:
    """A pushed request that names another one."""
    stage.push(request_uri=f"urn:ietf:params:oauth:request_uri:{'0' * 64}")


@attack(
    "proof demanded",
    PAR,
    by=MIDDLE,
    section="RFC 9449 §10.1",
    worth="Nobody demands a proof there, even of a client that must send one with the code; without"
    " it, and without dpop_jkt, the code is bound to no key.",
)
def pushed_without_proof(stage: Stage) -> None:
    """A request pushed without a proof, for a client that must use DPoP."""
    stage.push(NATIVE, by=None)


@attack("state", REDIRECT, by=LURER)
def login_csrf(stage: Stage) -> None:
    """The thief's own answer brought to the victim's client, to sign the victim in as the thief."""
    client = stage.client()
    client.begin()
    stage.brought(client, stage.answer(stage.request(dpop_jkt=None), "bob"))


@attack("PKCE", REDIRECT, by=MIDDLE, section="RFC 9700 §4.5")
def injected_code(stage: Stage) -> None:
    """The thief's own code put into the answer that is brought to the victim's client."""
    own = stage.code(dpop_jkt=None, code_challenge=challenge(stage.thiefs_verifier))
    client = stage.client()
    stage.brought(client, stage.answer(asked(client)) | {"code": own})


@attack("code_key", REDIRECT, by=MIDDLE, then="nonce of the ID token")
def injected_bound_code(stage: Stage) -> None:
    """The thief's code, with the victim's challenge and the thief's key, put into the answer."""
    _injected(stage, stage.jkt("thief"))


@attack("nonce of the ID token", REDIRECT, by=MIDDLE)
def injected_code_with_challenge(stage: Stage) -> None:
    """The thief's code, with the victim's challenge and no key, put into the answer."""
    _injected(stage, None)


def _injected(stage: Stage, jkt: str | None) -> None:
    """Ask for a code with the victim's challenge, as bob, and put it into alice's answer."""
    client = stage.client()
    honest = asked(client)
    own = stage.request(code_challenge=honest["code_challenge"], dpop_jkt=jkt)
    code = stage.answer(own, "bob")["code"]
    stage.brought(client, stage.answer(honest) | {"code": code})


@attack("iss", REDIRECT, by=OTHER_ISSUER)
def mixed_up_issuer(stage: Stage) -> None:
    """A sign-in begun at another issuer, which sends the browser here to get at the code."""
    client = stage.client()
    there = asked(client)
    client.metadata = {**client.metadata, "issuer": "https://mallory.example"}
    stage.brought(client, stage.answer(there))


@attack("iss", REDIRECT, by=OTHER_ISSUER)
def iss_taken_away(stage: Stage) -> None:
    """An answer without iss, from a server that promised to send it."""
    client = stage.client()
    stage.brought(client, stage.answer(asked(client)) | {"iss": None})


def asked(client: PersonalSource) -> dict[str, str]:
    """The parameters of an authorization request that a client begins."""
    return dict(parse_qsl(urlsplit(client.begin()).query))


REQUESTS = (
    unregistered_redirect_uri, redirect_uri_with_more, no_challenge, dpop_jkt_in_hexadecimal,
    request_uri_twice, request_uri_of_another_client, request_uri_made_up, honest_push,
    jkt_against_proof, pushed_by_a_stranger, pushed_within_pushed, pushed_without_proof,
    login_csrf, injected_code, injected_bound_code, injected_code_with_challenge, mixed_up_issuer,
    iss_taken_away,
)  # fmt: skip
