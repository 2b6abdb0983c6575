"""A person played by the lab: through the real pages, as a browser would go, into the log."""

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import requests

from dpop_lab.client.auth import DPoPAuth
from dpop_lab.client.settings import members
from dpop_lab.errors import LabError, expect
from dpop_lab.jose.keys import PrivateKey
from dpop_lab.lab.participant import ROOM
from dpop_lab.lab.world import World
from dpop_lab.session.sign_in.places import refusal
from dpop_lab.wire.message import Exchange
from dpop_lab.wire.redact import Redactor

MOST_STEPS = 10
NEW = "Begin a new one: a link is good once, and not for long."
WHERE = "The pages of the twin and of the demo are known; sign in at another server by hand."


class _Form(HTMLParser):
    """The first form of a page: where it goes, and its hidden fields."""

    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a form and its fields."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None:
            self.action = given.get("action", "")
        if tag == "input" and given.get("type") == "hidden" and "name" in given:
            self.fields[given["name"]] = given.get("value", "")


def client_of(lab: World, client_id: str) -> dict[str, Any]:
    """Who that client is and how it authenticates, as keywords; a public one has nothing."""
    others = ("issuer", "token_endpoint", "scope", "api")
    known = members(lab.settled(client_id))
    return {name: one for name, one in known.items() if name not in others}


def sign_in(
    lab: World, name: str, password: str, *, key: PrivateKey, redirect_uri: str, **more: Any
) -> DPoPAuth:
    """Sign this person in at the lab's server, all of it in its log; see `Lab.sign_in`."""
    client = client_of(lab, more.pop("client_id"))
    auth = DPoPAuth.authorization_code(
        key=key,
        issuer=lab.base_url,
        redirect_uri=redirect_uri,
        session=lab.session,
        clock=lab.clock.now,
        plain=lab.kind == ROOM,
        **(client | more),
    )
    signing = auth.sign_in
    signing.finish(signed_in(lab.browser(), signing.begin(), redirect_uri, name, password))
    return auth


def signed_in(
    session: requests.Session, url: str, redirect_uri: str, name: str, password: str
) -> str:
    """Sign in as this person; gives the URL at the client that the browser is led to in the end.

    No request is sent to it. Raises `LabError` where a page is no login form, or says an error.
    """
    for one in (name, password):
        expect(
            one, str, "a login page", "alice and bob are known, each with the name for password."
        )
    answer = session.get(url, allow_redirects=False)
    for _ in range(MOST_STEPS):
        if answer.is_redirect:
            url = urljoin(str(answer.url), answer.headers["Location"])
            if url.startswith(redirect_uri):
                return url
            answer = session.get(url, allow_redirects=False)
            continue
        form = _Form()
        form.feed(answer.text)
        if not answer.ok or form.action is None or "ReturnUrl" not in form.fields:
            raise _none_came(answer)
        if answer.request.method == "POST":
            raise LabError("The login page refused name and password", found=repr(name[:40]))
        given = {**form.fields, "Username": name, "Password": password, "button": "login"}
        target = urljoin(str(answer.url), form.action)
        answer = session.post(target, data=given, allow_redirects=False)
    raise LabError("The pages led nowhere", found=f"{MOST_STEPS} steps", advice=WHERE)


def _none_came(answer: requests.Response) -> LabError:
    """What a page without a form is told as: by the error that it names, if it names one."""
    status, url = answer.status_code, str(answer.url)
    told = refusal(Exchange("GET", url, (), "", 0, 0, status=status, response_body=answer.text))
    if told:
        said = Redactor().text(": ".join(filter(None, told.values()))[:200])
        return LabError(
            "The authorization request was refused",
            found=f"status {status}, {said!r}",
            advice=NEW * (told["error"] == "invalid_request_uri"),
        )
    return LabError("No login page came", wanted="a form", found=f"status {status}", advice=WHERE)
