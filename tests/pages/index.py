"""The index: by error code, by the words of any server, by what is seen, by row."""

import re
from collections.abc import Iterable, Iterator

from dpop_lab.doctor.general import IN_GENERAL
from tests.pages.error import NO_ERROR, Words, codes, path_of, rows_of, texts
from tests.pages.markdown import Page, code, prose, table
from tests.pages.other import NO_WORDS
from tests.pages.wire import KINDS, ROWS, SERVERS
from tests.pages.words import Heard, others, quoted

#: What people see where no words help, and the pages that may explain it, the likeliest first.
SYMPTOMS = {
    "401 with no body: what reason there is stands in the header WWW-Authenticate": (
        NO_ERROR, NO_WORDS
    ),
    "a token comes, then the API answers 401": (
        "rows/fresh.md", "rows/scheme.md", "rows/ath.md", "rows/bound_key.md"
    ),
    "it works, but not behind the proxy, the gateway or in the cluster": ("rows/htu.md",),
    "it works on some machines, or until the laptop sleeps": ("rows/fresh.md",),
    "the first call works, the same again is refused": ("rows/unused.md",),
    "it works for an hour, then every call is refused": (NO_ERROR, "rows/not_expired.md"),
    "it works until the app restarts or the page reloads": (
        "other/lost-key.md", "rows/bound_key.md"
    ),
    "each call is refused once, and works when it is sent again": ("rows/nonce.md",),
    "every call is asked for a nonce, and none is ever enough": ("rows/nonce.md", "other/cors.md"),
    "it works with curl, and not in the browser": ("other/cors.md",),
    "an API, or userinfo, takes the token under Bearer and not under DPoP": (
        "other/no-scheme.md", "rows/scheme.md"
    ),
    "token_type is Bearer though a proof was sent": ("rows/bound_key.md",),
    "the browser stays on an error page of the authorization server": (
        "other/redirect.md", "errors/invalid_request_uri.md", "other/pkce.md"
    ),
    "the login comes back, and its code is refused": (
        "rows/code_key.md", "other/spent-grant.md", "other/pkce.md"
    ),
    "the login works, the refresh does not": ("rows/refresh_key.md", "other/spent-grant.md"),
}  # fmt: skip


def index_page() -> Page:
    """The page that all others are found from."""
    page = Page("README.md", "DPoP errors: find yours by its words")
    page.add(
        "Search this page for words of yours, such as"
        f" {code('htu')} or {code('proof is not active')}: each page begins with the cause and"
        f" what to do. Or let the doctor read them: {code('dpop-lab diagnose')}"
        f" ({page.link('get it', '../README.md')}) takes words, and better the whole request with"
        " its answer. It sends nothing.",
    )
    links = (page.link(code(one), f"errors/{one}.md") for one in codes())
    page.section("By error code", " · ".join(links))
    seen = [(prose(what), _named(page, *paths)) for what, paths in SYMPTOMS.items()]
    page.section("By what you see", table(("What you see", "Look at"), [*seen, _statuses(page)]))
    rows = (
        f"Of the {kind}: {' · '.join(_named(page, f'rows/{row.name}.md') for row in asked)}."
        for kind, asked in KINDS.items()
    )
    page.section("By row", *rows)
    page.section(
        "By the words",
        f"Words in links are those of {' and '.join(SERVERS.values())}, both played by the twin.",
        table(("Words", "They mean"), _by_words(page)),
    )
    beside = {
        "all commands": "commands.md",
        "the twin in your own tests": "testing.md",
        "links to lessons and panels, to paste": "links.md",
    }
    page.add(f"Besides: {' · '.join(page.link(words, path) for words, path in beside.items())}.")
    return page


def _named(page: Page, *paths: str) -> str:
    """Links to pages in the words of their paths."""
    names = {path: path.rpartition("/")[2].removesuffix(".md") for path in paths}
    return ", ".join(page.link(code(name), path) for path, name in names.items())


def _statuses(page: Page) -> tuple[str, str]:
    said = " ".join(one.says for one in IN_GENERAL if one.topic in ("before", "status"))
    numbers = ", ".join(sorted(set(re.findall(r"\d{3}", said))))
    return f"a status and no words: {numbers}", page.link("a status alone", NO_WORDS)


def _by_words(page: Page) -> Iterator[tuple[str, str]]:
    """The texts of the policies, row by row, each before what others say of it; then all else."""
    groups: dict[tuple[str, ...], list[Words]] = {}
    for words in texts():
        groups.setdefault(tuple(row.name for row in rows_of(words)), []).append(words)
    left = list(others())
    for names, found in groups.items():
        paths = [f"rows/{name}.md" for name in names]
        means = _named(page, *paths) or "the request, not the proof"
        means += "".join(f": {prose(ROWS[name].question)}" for name in names if len(names) == 1)
        yield _lines(page.link(code(text), path_of((error, text))) for error, text in found), means
        yield from (_of_others(page, one) for one in left if [one.path] == paths)
        left = [one for one in left if [one.path] != paths]
    yield from (_of_others(page, one) for one in left)


def _of_others(page: Page, one: Heard) -> tuple[str, str]:
    """What other servers say, by one thing that the doctor takes words for."""
    words = (f"{quoted(text)}{f' ({who})' * bool(who)}" for text, who in one.words)
    means = f": {prose(one.wording.means)}" * bool(one.wording.means)
    return _lines(words), f"{_named(page, one.path)}{means}"


def _lines(cells: Iterable[str]) -> str:
    return "<br>".join(cells)
