"""A person with a browser: goes where the pages lead, and signs in at the form on the way."""

from html.parser import HTMLParser
from urllib.parse import urljoin

import requests

MOST = 10  # pages until the client is reached


class Form(HTMLParser):
    """The form of a page: where it goes, and its hidden fields."""

    action: str | None = None

    def __init__(self, html: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = given["action"]
        if tag == "input" and given.get("type") == "hidden":
            self.fields[given["name"]] = given["value"]


def sign_in(url: str, name: str, redirect_uri: str) -> str:
    """The URL at the client that the browser is led to in the end."""
    browser = requests.Session()
    answer = browser.get(url, allow_redirects=False)
    for _ in range(MOST):
        if answer.is_redirect:
            url = urljoin(answer.url, answer.headers["Location"])
            if url.startswith(redirect_uri):
                return url
            answer = browser.get(url, allow_redirects=False)
        else:
            form = Form(answer.text)
            given = {**form.fields, "Username": name, "Password": name, "button": "login"}
            url = urljoin(answer.url, form.action)
            answer = browser.post(url, data=given, allow_redirects=False)
    raise RuntimeError("the pages lead nowhere")
