"""URLs compared as servers compare htu: in which parts two differ, and what is odd about one."""

import re
from collections.abc import Mapping
from operator import itemgetter
from urllib.parse import SplitResult, quote, unquote, urlsplit

from dpop_lab.doctor.url_mends import (
    ALIKE,
    BEHIND,
    DECODES,
    JOINED,
    ROUTE,
    SLASH,
    WITH_QUERY,
)
from dpop_lab.session.call import OF_TOKENS, Call
from dpop_lab.show.values import shown
from dpop_lab.wire.syntax import DEFAULT_PORTS, normal_url, without_query

#: Parts that a proxy changes on the way; a client rarely gets them wrong.
OF_A_PROXY = ("scheme", "host", "port", "prefix")
OTHERWISE = "other signs for one path"
#: URLs in a server's words, and what stands before that of the server, and of the proof.
WHOLE = re.compile(r"(?:http|ws)s?://(?:[^\s\"'<>,;()\[\]|\\]|\|(?=\w)){1,300}", re.I)
OF_THE_SERVER = re.compile(
    r"expect|comput|want|request|server|should|must|config|required|target|route|rule|pattern"
    r"|match the|endpoint"
)
OF_THE_PROOF = re.compile(r"got|provid|given|proof|htu|claim|receiv|sent|client|found|actual")
OTHER_PART, MARKS = re.compile(r"[,;:.] | \("), " \"':=`(["  # of a sentence; before a URL
TEMPLATE = re.compile(r"\$?\{[^{}/]{1,60}\}|<\w{1,60}>|(?<=/):[A-Za-z_]\w{0,60}")
ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")
INSIDE = re.compile(r"localhost|127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|[^.:]+$|.*\.(?:"
                    r"local|internal|svc|lan)$")  # fmt: skip
MOST_URLS = 2  # that are compared
LABELLED = re.compile(r"(?:htu|ur[il]|expected|actual)\W{1,4}https?://|htu.{0,200}https?://", re.I)
ENDS = {"?": "query", "#": "fragment"}


def is_inside(url: str) -> bool:
    """Is its host one inside a network, not a public one?"""
    return INSIDE.match(_parts_of(url)[0]) is not None


def joined_twice(url: str) -> bool:
    """Does the host, or a whole URL, stand in the path: was one joined to another by mistake?"""
    normal = normal_url(url)
    path = normal.path.lower() if normal else ""
    host = re.escape(normal.hostname or "") if normal else ""
    end = "(?:[:/]|$)" if "." in host else ":"  # a short name may be that of a path, too
    return re.match(rf"/+(?:https?:/|{host}{end})", path) is not None


def differences(wanted: str, found: str) -> Mapping[str, str]:
    """In which parts a URL differs from the one that was wanted, each in words after "it has".

    The parts: `scheme`, `host`, `port`, `slash`, `template`, `route`, `letter`, `twice`,
    `encoding`, `case`, `prefix`, `path`, `user`, `query`, `fragment`; `spelling` where they mean
    the same; `form` for what is no whole URL. Empty for two equal texts.
    """
    if found == wanted:
        return {}
    if odd := _odd_letters(wanted, found):
        return odd
    there, here = normal_url(wanted), normal_url(found)
    if template := TEMPLATE.search((found.partition("://")[2] or found).partition("/")[0]):
        return {"template": f"the template {shown(template[0], 40)} for its host, not filled in"}
    if here is None or there is None:
        if found[:2] == "ws" and (rest := "http" + found[2:]) and normal_url(rest):
            return differences(wanted, rest) or {"scheme": "the scheme of a websocket"}
        relative = found.startswith("/") or "://" not in found
        return {
            "form": "no scheme and host, it is no whole URL" if relative else "an unreadable form"
        }
    default = DEFAULT_PORTS[here.scheme] == here.port and here.scheme != there.scheme
    parts = {
        "scheme": here.scheme != there.scheme
        and f"the scheme {here.scheme} in place of {there.scheme}",
        "host": here.hostname != there.hostname
        and f"the host {shown(here.hostname, 60)} in place of {shown(there.hostname, 60)}",
        "port": here.port != there.port
        and not default
        and f"the port {here.port} in place of {there.port}",
        **_path(there.path, here.path),
        "user": "@" in here.netloc and "a user in it",
    }
    told = {part: text for part, text in parts.items() if text}
    told = told or {part: f"a {part}" for sign, part in ENDS.items() if sign in found}
    return told or {"spelling": _spelling(here, found)}


def _odd_letters(wanted: str, found: str) -> Mapping[str, str]:
    """What is in a URL that no URL has as it is: blanks, and letters that are to be encoded."""
    if found.replace(" ", "%20") == wanted:
        return {"encoding": "a blank in it, which is percent-encoded (%20) in the request"}
    if found != found.strip() or " " in found:
        return {"form": "white space in it"}
    if wanted.isascii() and (odd := next((one for one in found if not one.isascii()), "")):
        sent = f"{shown(odd)} as it is, which is sent percent-encoded ({quote(odd)})"
        return {"letter": f"the letter {sent} and has to stand so in htu"}
    return {}


def _path(wanted: str, found: str) -> Mapping[str, str]:
    """The part and the words for two paths that differ; empty for equal ones."""
    if found == wanted:
        return {}
    if found.rstrip("/") == wanted.rstrip("/"):
        return {"slash": f"{'a' if found.endswith('/') else 'no'} slash at the end"}
    if template := TEMPLATE.search(unquote(wanted)):
        told = f"a path, where the server has the template {shown(template[0], 40)} of its route"
        return {"route": told}
    if template := TEMPLATE.search(unquote(found)):
        told = f"the template {shown(template[0], 40)} in its path, which was not filled in"
        return {"template": told}
    if unquote(unquote(found)) == unquote(wanted) != unquote(found):
        return {
            "twice": "percent-encoding twice in its path (%25 for %), which has to be there once"
        }
    if unquote(found) == unquote(wanted):
        more, less = (found, "") if len(found) > len(wanted) else (wanted, "no ")
        sign = "".join(ENCODED.findall(more)[:1])
        return {"encoding": f"{less}percent-encoding in its path ({sign} for {unquote(sign)})"}
    if unquote(found.replace("+", " ")) == unquote(wanted):
        return {"encoding": "+ for a blank in its path, which is so in forms alone: a URL has %20"}
    if found.lower() == wanted.lower():
        return {"case": f"other letter case in its path, {shown(found, 80)}"}
    if re.sub("/+", "/", found) == re.sub("/+", "/", wanted):
        return {"slash": "a doubled slash" if "//" in found else "no doubled slash"}
    of_a_token = [OF_TOKENS.search(one) is not None for one in (wanted, found)]
    if of_a_token == [False, True]:
        return {"path": "the path of the token endpoint, as if the proof were made for that"}
    for long, short, has in ((found, wanted, "the"), (wanted, found, "no")):
        if long.endswith(short) and short != "/":
            return {"prefix": f"{has} prefix {shown(long.removesuffix(short), 60)} in its path"}
    return {"path": f"another path, {shown(found, 80)}"}


def _spelling(here: SplitResult, found: str) -> str:
    """How one URL is written otherwise than a server writes it, where both mean the same."""
    authority = found.partition("://")[2].partition("/")[0]
    told = {
        "capital letters in scheme or host": authority != authority.lower()
        or not found.startswith(here.scheme),
        f"the port {here.port}, which {here.scheme} has anyway": authority.endswith(
            f":{here.port}"
        ),
    }
    return " and ".join(text for text, so in told.items() if so) or OTHERWISE


def oddities(url: str) -> tuple[str, ...]:
    """What a server that compares to the letter may stumble over in one URL alone, in words."""
    head, _, path = url.partition("://")[2].partition("/")
    host = head.rpartition("@")[2].lower().rpartition(":")[0] or head.lower()
    template, coded = TEMPLATE.search(unquote(path)), ENCODED.search(path)
    odd = {
        f"it has a {part}, which does not belong there": sign in url for sign, part in ENDS.items()
    } | {
        f"the template {shown(template[0], 40)} was not filled in" if template else "": template,
        f"its path is percent-encoded ({coded[0]} for {shown(unquote(coded[0]))}): a server that"
        " decodes the path before it compares wants the decoded form" if coded else "": coded
        and not template,
        "it ends in a slash": len(path) > 1 and path.endswith("/"),
        "it has capital letters in its host": head != head.lower(),
        "its host is one inside a network, not the public one": INSIDE.match(host),
    }  # fmt: skip
    return tuple(text for text, so in odd.items() if so and text)


def _parts_of(url: str) -> tuple[str, str]:
    """Host, without a port, and path of a URL; the host in small letters."""
    head, _, path = url.partition("://")[2].partition("/")
    host = head.rpartition("@")[2].lower()
    return host.rpartition(":")[0] or host, path


def _two_urls(call: Call) -> tuple[str, str] | None:
    """The URL of the proof and that of the server, where words compare two; by what leads up."""
    words, urls, start = call.description[:4000], list[tuple[int, str]](), 0
    if len(WHOLE.findall(words)) < MOST_URLS:  # others may stand in lines beside the server's words
        words += "\n" + "\n".join(filter(LABELLED.search, call.around.split("\n")))
    for match in WHOLE.finditer(words):
        label = words[max(start, match.start() - 40) : match.start()].lower()
        label = OTHER_PART.split(label.rstrip(MARKS))[-1]
        rank = len(OF_THE_SERVER.findall(label)) - len(OF_THE_PROOF.findall(label))
        url, start = match[0].rstrip(".:"), match.end()
        urls += [(rank, url)] * (url not in [known for _, known in urls])
    if len(urls) == 1 and (path := _alone(words, urls[0][1])):
        urls = [(-1, path), (1, urls[0][1])]
    if len(urls) > MOST_URLS:  # those of which nothing tells whose they are
        urls = [one for one in urls if one[0]]
    if len(urls) != MOST_URLS:
        return None
    ours, theirs = (url for _, url in sorted(urls, key=itemgetter(0)))
    return ours, theirs


def _alone(words: str, url: str) -> str:
    """The path of a URL, where it stands in words by itself, too; else empty."""
    path = urlsplit(url).path
    found = re.escape(path) if len(path) > 1 else "(?!)"
    return path if re.search(rf"(?<![\w/:.-]){found}(?![\w/-])", words) else ""


def urls_told(call: Call) -> tuple[str, str]:
    """In which part the server's URL and that of the proof differ, and what to do; or nothing."""
    if (two := _two_urls(call)) is None:
        return "", ""
    ours, theirs = two
    found, wanted = without_query(ours), without_query(theirs)
    both = f"it is {shown(found, 120)}, the server has {shown(wanted, 120)}"
    parts = differences(wanted, found)
    if not parts and (ours, theirs) == (found, wanted):
        return "", ""
    if not parts and ours == found:
        return (
            f"htu has no query, and the server leaves the query in, {shown(theirs, 120)}",
            WITH_QUERY,
        )
    if not parts:
        return f"htu has a query, or a fragment: {shown(ours, 120)}", f"Send htu as {found}."
    told = f"htu has {' and '.join(parts.values())}: {both}"
    if joined_twice(wanted) or joined_twice(found):
        return told, JOINED
    if "route" in parts:
        return told, ROUTE
    plain = found.startswith("http:") and wanted.startswith("https:")  # it knows that TLS is there
    if parts.keys() <= {*OF_A_PROXY} and not plain:
        return told, BEHIND
    if "spelling" in parts:
        there = normal_url(wanted)
        odd = _spelling(there, wanted) if there else OTHERWISE
        if odd != OTHERWISE:
            return f"htu is the same URL as the server's, which has {odd}: {both}", ALIKE
        return f"{told}; both are the same URL", f"{ALIKE} Till then send htu as {wanted}."
    if "encoding" in parts and len(found) > len(wanted):
        return told, DECODES
    if "slash" in parts:
        return told, SLASH.format(shown(wanted, 200))
    return told, f"Make each proof for the URL that is called; the server has {shown(wanted, 200)}."
