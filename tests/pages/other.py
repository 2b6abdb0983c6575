"""Pages of what is not about a proof: browsers, lost keys, codes and refresh tokens, statuses."""

import re

from dpop_lab.doctor.general import IN_GENERAL
from tests.pages import parts
from tests.pages.markdown import Page, prose, table
from tests.pages.taught import taught
from tests.pages.words import heard_at, others, quoted

NO_WORDS = "other/no-words.md"


def paths() -> list[str]:
    """The paths of the pages that are neither a row's nor an error code's."""
    return list(dict.fromkeys(one.path for one in others() if one.path.startswith("other/")))


def other_page(path: str) -> Page:
    """The page of one topic: what it means, what to do, and in which words it is said."""
    found = sorted(heard_at(path), key=lambda one: -len(one.words))  # the commonest first
    page = Page(path, quoted(found[0].words[0][0]))
    first = found[0].wording
    lines = parts.first_lines(f"{prose(first.means)}.", prose(first.do))
    page.add(lines)
    page.section("It is said in these words", *parts.word_lists(found, told=lines))
    page.section("See it", taught(page))
    page.add(parts.footer(page))
    return page


def no_words_page() -> Page:
    """The page of statuses that come without an error code."""
    page = Page(NO_WORDS, "401, 403, 404, 431, 502 … and no error code")
    rows = []
    for one in IN_GENERAL:
        if one.topic in ("status", "before", "web_page", "own code"):
            numbers = ", ".join(re.findall(r"\d{3}", one.says))
            name = {"web_page": "a web page", "own code": "another error code"}.get(one.topic, "")
            rows.append((numbers or name or "another status", prose(one.means), prose(one.do)))
    page.add(table(("Status", "What it means", "What to do"), sorted(rows)))
    page.add(parts.footer(page))
    return page
