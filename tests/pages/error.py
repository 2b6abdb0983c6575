"""A page a wire error: each text that a policy sends, and each error code alone."""

from functools import cache

from dpop_lab.checking import Check
from dpop_lab.doctor.general import IN_GENERAL, Wording
from dpop_lab.doctor.wordings import SPECIFIC
from tests.pages import parts
from tests.pages.markdown import Page, code, prose, slug, table
from tests.pages.taught import taught
from tests.pages.trials import Tried, answered, trials
from tests.pages.wire import SERVERS, Said, answers, together
from tests.pages.words import NONCE, OF_CODES, TOLD_AT, heard_at, others
from tests.said import heard

NO_ERROR = "errors/no-error.md"
Words = tuple[str, str]  # error code and description


def path_of(said: Said | Words) -> str:
    """The page of an answer: of its text, or of its code alone."""
    error, text = (said.error, said.text) if isinstance(said, Said) else said
    if not error:
        return NO_ERROR
    return f"errors/{error}-{slug(text)}.md" if text else f"errors/{error}.md"


@cache
def texts() -> tuple[Words, ...]:
    """Each text that is sent with its code: to rows in their order, then to all else."""
    found = [(one.error, one.text) for one in answers()]
    found += [(one.call.error, one.call.description) for one in trials()]
    return tuple(dict.fromkeys(one for one in found if one[1]))


@cache
def codes() -> tuple[str, ...]:
    """Each error code that is sent or that the doctor knows."""
    sent = [error for error, _ in texts()] + [one.error for one in answers()]
    sent += [one.call.error for one in trials()]
    known = (one for one in OF_CODES if one not in TOLD_AT)
    return tuple(dict.fromkeys([*filter(None, sent), *known]))


def rows_of(words: Words) -> list[Check]:
    """The rows that are answered so, in their order."""
    said = (one.row for one in answers() if (one.error, one.text) == words)
    return list(dict.fromkeys(said))


def text_page(words: Words) -> Page:
    """The page of one text."""
    error, text = words
    page = Page(path_of(words), f"{code(error)}: {prose(text)}")
    rows = rows_of(words)
    tried = answered(*words, [row.name for row in rows])
    said = [one for one in answers() if path_of(one) == page.path]
    page.add(_first(page, rows, said, tried))
    page.section("Find out", parts.doctor(f"{error}: {text}"), _whole(rows))
    page.section("Usual causes, the likeliest first", parts.cause_table(tried))
    page.section("Who sends it", _senders(said) if said else _tried_at(words))
    page.section("See it", taught(page, *(row.name for row in rows if not rows[1:])))
    links = [page.link(f"The row {code(row.name)}", f"rows/{row.name}.md") for row in rows]
    links.append(page.link(f"All of {code(error)}", f"errors/{error}.md"))
    page.add(parts.footer(page, *links))
    return page


def _first(page: Page, rows: list[Check], said: list[Said], tried: list[Tried]) -> str:
    if not rows:
        call = tried[0]
        return parts.first_lines(f"{prose(call.title)}.", prose(call.advice))
    linked = [page.link(code(row.name), f"rows/{row.name}.md") for row in rows]
    likely = f" Most often: {prose(tried[0].title)}." if tried else ""
    one_of = "one of the rows" if rows[1:] else "the row"
    questions = " ".join(prose(row.question) for row in rows)
    cause = f"{one_of} {', '.join(linked)} failed. {questions}{likely}"
    if rows[1:]:
        mends = " ".join(f"{code(row.name)}: {parts.mend(row)}" for row in rows)
        return parts.first_lines(cause, mends)
    if tried and all(one.defect for one in said):  # the words say what is wrong there
        return parts.first_lines(cause, prose(tried[0].advice))
    return parts.first_lines(cause, parts.mend(rows[0]), parts.at_the_server(rows[0]))


def _whole(rows: list[Check]) -> str:
    which = f"which of the {len(rows)} rows it is" if rows[1:] else "what is wrong"
    return (
        f"The words alone do not say {which} in your request: paste the request with its answer"
        f" (raw HTTP, a HAR file, what {code('curl -v')} prints), and each row is asked. Nothing is"
        " sent anywhere."
    )


def _senders(said: list[Said]) -> str:
    rows = (
        (one.server, one.place, prose(one.defect), str(one.status), one.wire)
        for one in together(said)
    )
    head = ("Server", "Place", "Only when", "Status", "Header or body")
    return table(head, dict.fromkeys(rows)) if said else ""


def _tried_at(words: Words) -> str:
    fits = (one for one in trials() if (one.call.error, one.call.description) == words)
    rows = ((SERVERS.get(one.policy, one.policy), one.to, str(one.call.status)) for one in fits)
    return table(("Server", "Place", "Status"), dict.fromkeys(rows))


# ---- codes alone


def _wording(error: str) -> Wording:
    """What the doctor says of a code alone."""
    known = (*SPECIFIC, *IN_GENERAL) if error == NONCE else IN_GENERAL
    return next(one for one in known if one.pattern.search(f"[  ] #{error} "))


def code_page(error: str) -> Page:
    """The page of an error code, whatever words come with it."""
    page, wording = Page(f"errors/{error}.md", code(error)), _wording(error)
    page.add(parts.first_lines(f"{prose(wording.means)}.", prose(wording.do)))
    listed = [words for words in texts() if words[0] == error]
    lines = [
        f"- {page.link(code(words[1]), path_of(words))}"
        + "".join(f", {page.link(code(row.name), f'rows/{row.name}.md')}" for row in rows_of(words))
        for words in listed
    ]
    page.section("Words that come with it, and their rows", "\n".join(lines))
    alone = [one for one in answers() if one.error == error and not one.text]
    page.section("Sent without words", _rows_alone(page, alone), _senders(alone))
    tried = answered(error, "", ())
    page.section("Usual causes, the likeliest first", parts.cause_table(tried))
    page.section("What other servers say", *parts.word_lists(heard_at(page.path)), _also(page))
    page.section("Find out", parts.doctor(error), _whole([]))
    page.section("See it", taught(page))
    page.add(parts.footer(page))
    return page


def _also(page: Page) -> str:
    """The pages about words of other servers that come with this code."""
    code_of_page = page.path.removeprefix("errors/").removesuffix(".md")
    paths = dict.fromkeys(
        one.path
        for one in others()
        if any(heard(text).error == code_of_page for text, _ in one.words) and one.path != page.path
    )
    links = [page.link(code(path[:-3].rpartition("/")[2]), path) for path in paths]
    return f"They send it also for {', '.join(links)}." if links else ""


def _rows_alone(page: Page, said: list[Said]) -> str:
    rows = dict.fromkeys(one.row for one in said)
    links = [page.link(code(row.name), f"rows/{row.name}.md") for row in rows]
    return f"By the rows {', '.join(links)}." if links else ""


def no_error_page() -> Page:
    """The page of a challenge that names no error."""
    page = Page(NO_ERROR, f"401 with {code('WWW-Authenticate: DPoP')} and no error")
    wording = OF_CODES["bare_challenge"]
    page.add(parts.first_lines(f"{prose(wording.means)}.", prose(wording.do)))
    alone = [one for one in answers() if not one.error]
    page.section("Sent by", _rows_alone(page, alone), _senders(alone))
    page.section("Usual causes, the likeliest first", parts.cause_table(answered("", "", ())))
    page.section("Find out", parts.doctor("HTTP/1.1 401 Unauthorized\nWWW-Authenticate: DPoP"))
    page.add(parts.footer(page))
    return page
