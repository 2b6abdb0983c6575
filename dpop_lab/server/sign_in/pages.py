"""The pages that a person sees: the login form, an error, and a form that carries an answer."""

from collections.abc import Mapping
from html import escape

from dpop_lab.wire.message import Headers, Response

HEADERS: Headers = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"),
    ("X-Frame-Options", "DENY"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),  # with no-referrer a form would be posted by Origin: null
)
STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 26rem; margin: 10vh auto; padding: 0 1rem; }
label, input, button { display: block; font: inherit; }
input { width: 100%; box-sizing: border-box; padding: .4rem; margin-bottom: 1rem; }
button { display: inline-block; padding: .4rem 1.2rem; margin-right: .5rem; }
.wrong { border-left: .3rem solid #c62828; padding-left: .7rem; }
b, code, .wrong { overflow-wrap: anywhere; }
"""


def page(title: str, body: str, status: int = 200) -> Response:
    """A page; the title is plain text, the body HTML in which all values are escaped."""
    html = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title>"
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1>\n{body}\n</main></body></html>\n"
    )
    return Response(status, HEADERS, html.encode())


def login_page(action: str, return_url: str, *, client_id: str, wrong: bool = False) -> Response:
    """The form that asks who somebody is, for the client that sent them here."""
    words = '<p class="wrong" role="alert" id="wrong">Invalid username or password.</p>'
    said = words if wrong else ""
    state = ' aria-invalid="true" aria-describedby="wrong"' if wrong else ""
    fields = "".join(
        f'<label for="{name}">{name}</label>'
        f'<input id="{name}" name="{name}" {more}{state} required>'
        for name, more in (
            ("Username", 'autocomplete="username" autofocus'),
            ("Password", 'type="password" autocomplete="current-password"'),
        )
    )
    body = (
        f"<p><b>{escape(client_id)}</b> asks who you are. The people here are alice and bob; each"
        f" has the name as the password.</p>{said}"
        f'<form method="post" action="{escape(action)}">{fields}'
        f'<input type="hidden" name="ReturnUrl" value="{escape(return_url)}">'
        '<button name="button" value="login">Login</button>'
        '<button name="button" value="cancel" formnovalidate>Cancel</button></form>'
    )
    return page("Login", body)


def error_page(error: str, description: str) -> Response:
    """What went wrong with a request whose client can't be told (RFC 6749 section 4.1.2.1)."""
    body = (
        f'<p class="wrong" role="alert"><code>{escape(error)}</code>: {escape(description)}</p>'
        "<p>The client that sent you here is not told, and you were not sent on.</p>"
    )
    return page("Error", body, 400)


def posted_page(redirect_uri: str, parameters: Mapping[str, str]) -> Response:
    """A form that brings the answer to the client (response_mode=form_post)."""
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(text)}">'
        for name, text in parameters.items()
    )
    form = (
        f'<form method="post" action="{escape(redirect_uri)}">{fields}<button>Go on</button></form>'
    )
    return page("You are signed in", form)
