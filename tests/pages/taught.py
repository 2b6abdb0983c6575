"""Which lesson teaches what a page is about, under which heading."""

import json
from collections.abc import Mapping

from tests import links
from tests.pages.markdown import Page, prose

SIGN_IN, REFRESH = "09_sign_in", "10_refresh"
#: By row, the notebook and the heading under which it is taught.
TAUGHT: Mapping[str, tuple[str, str]] = {
    "one_header": ("00_start", "The thief's chair"),
    "well_formed": ("03_proof", "With the server's eyes"),
    "strict_form": ("03_proof", "Two servers, two opinions"),
    **dict.fromkeys(("typ", "alg", "jwk"), ("03_proof", "The header")),
    "no_private_key": ("01_key", "A number that nobody may see"),
    "signature": ("03_proof", "The signature"),
    **dict.fromkeys(("jti", "htm"), ("03_proof", "The claims")),
    "htu": ("08_debugging", "Behind a gateway, the client"),
    **dict.fromkeys(("ath", "bound_key"), ("05_protected_call", "The call by hand")),
    "fresh": ("07_nonce_and_replay", "How wide is the window?"),
    "nonce": ("07_nonce_and_replay", "A value nobody knows beforehand"),
    "unused": ("07_nonce_and_replay", "What a server remembers"),
    "scheme": ("05_protected_call", "The thief's tricks"),
    **dict.fromkeys(
        ("at_form", "at_typ", "issuer", "at_signature", "audience"),
        ("04_token", "Opening the token"),
    ),
    "not_expired": ("08_debugging", "The client that waits for a nonce"),
    "unbound": ("20_heist", "What you overhear"),
    "code_key": (SIGN_IN, "One more parameter"),
    "refresh_key": (REFRESH, "Stolen, without the key"),
}
#: By how the path of a page about a sign-in begins, which no row refused.
OF_A_SIGN_IN: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(
        ("errors/access_denied", "errors/login_required", "errors/unsupported_response_type"),
        (SIGN_IN, "What a code is"),
    ),
    "errors/invalid_grant": (SIGN_IN, "Stealing one, in three cells"),
    "errors/invalid_grant.md": (REFRESH, "Used twice"),
    "errors/invalid_request-a-pushed": (SIGN_IN, "Not through the browser"),
    "errors/invalid_request-mismatch": (SIGN_IN, "Not through the browser"),
    "errors/invalid_request-proof-of-possession": (REFRESH, "Stolen, without the key"),
    "errors/invalid_request_uri": (SIGN_IN, "Not through the browser"),
    "errors/unsupported_token_type": (REFRESH, "Ended"),
    "other/lost-key": (REFRESH, "Where a browser keeps its key"),
    "other/pkce": (SIGN_IN, "PKCE"),
    "other/redirect": (SIGN_IN, "What the demo allows"),
    "other/spent-grant": (REFRESH, "Used twice"),
}


def taught(page: Page, *rows: str) -> str:
    """Where it is taught: what these rows ask, or else what the page is about; empty: nowhere."""
    found = [TAUGHT[row] for row in rows if row in TAUGHT]
    found += [at for start, at in OF_A_SIGN_IN.items() if page.path.startswith(start) and not found]
    lessons = " and ".join(_lesson(page, *at) for at in dict.fromkeys(found))
    return lessons and f"Taught in {lessons}."


def _lesson(page: Page, notebook: str, heading: str) -> str:
    text = (links.ROOT / "notebooks" / f"{notebook}.ipynb").read_text("utf-8")
    title = "".join(json.loads(text)["cells"][0]["source"]).partition("\n")[0].removeprefix("# ")
    lesson = page.link(f"lesson {prose(title)}", f"../notebooks/{notebook}.ipynb")
    binder = links.binder(f"notebooks/{notebook}.ipynb")
    return f"{lesson}, *{prose(heading)}* ([on Binder]({binder}))"
