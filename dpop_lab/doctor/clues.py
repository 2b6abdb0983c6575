"""What the words of a refusal hold besides: two URLs or two times, which are compared."""

import re

from dpop_lab.doctor.urls import OF_A_PROXY, differences
from dpop_lab.session.call import Call
from dpop_lab.show.values import duration, is_time, seconds_since_1970, shown
from dpop_lab.wire.syntax import without_query

URL = re.compile(r"https?://(?:[^\s\"'<>,;()\[\]|\\]|\|(?=\w)){1,300}", re.I)
OF_THE_SERVER = re.compile(
    r"expect|comput|want|request|server|should|must|config|required|target"
    r"|route|rule|pattern"
)
OF_THE_PROOF = re.compile(r"got|provid|given|proof|htu|claim|receiv|sent|client|found|actual")
OTHER_PART, MARKS = re.compile("[,;:.] "), " \"':=`(["  # of a sentence; before a URL
TIME = re.compile(
    r"(?<![\w.-])(?:[12]\d{9}(?:\d{3})?|20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?"
    r"(?:Z|[+-]\d\d:?\d\d)?)(?!\w)"
)
MADE, NOW = re.compile(r"\biat\b|issued|made|created"), re.compile(r"now|server|current|clock")
WINDOW = re.compile(
    r"(?:more|older|less) than (\d{1,6}) ?s|within (\d{1,6}) ?s|\b(\d{1,6})[- ]s(?:ec(?:ond)?s?)?"
    r" window|(?:lifetime|skew|slack\w{0,9}|leeway|tolerance|age|window)\W{1,3}(\d{1,6})(?!\d)"
)


def urls_told(call: Call) -> tuple[str, str]:
    """In which part the server's URL and that of the proof differ, and what to do; or nothing."""
    words, urls, start = call.description, list[tuple[int, str]](), 0
    for match in URL.finditer(words[:4000]):
        label = words[max(start, match.start() - 40) : match.start()].lower()
        label = OTHER_PART.split(label.rstrip(MARKS))[-1]
        rank = len(OF_THE_SERVER.findall(label)) - len(OF_THE_PROOF.findall(label))
        urls.append((rank, without_query(match[0].rstrip(".:"))))
        start = match.end()
    if len(urls) != 2:
        return "", ""
    (first, found), (second, wanted) = urls
    if first > second:
        found, wanted = wanted, found
    parts = differences(wanted, found)
    if not parts:
        return "", ""
    told = f"htu is {shown(found, 120)}, the server has {shown(wanted, 120)}: htu has "
    told += " and ".join(parts.values())
    if "route" in parts:
        return told, (
            "The server compares with the pattern of its route in place of the URL that was"
            " called: mend it there. The client is right to fill the template in."
        )
    if parts.keys() <= {*OF_A_PROXY}:
        return told, (
            "The server does not know the URL that it is called by: a proxy changes it on the way,"
            " or the server is mounted under a prefix. Set its public base URL or mount path, or"
            " let the proxy send X-Forwarded-Proto, X-Forwarded-Host and X-Forwarded-Prefix and the"
            " server trust them. The client is right if it calls the URL in htu."
        )
    if "encoding" in parts:
        told += ": the server decodes the path before it compares, which is to be mended there"
    return (
        told,
        f"Let htu be the URL that is called, as the server has it: {shown(wanted, 200)}.",
    )


def _seconds(text: str) -> float | None:
    """A time as seconds since 1970, in UTC where it has no offset."""
    if text.isdecimal():
        return float(text[:10])
    zoned = text[19:].lstrip(".0123456789")
    return seconds_since_1970(text if zoned else f"{text}Z")


def times_told(call: Call) -> tuple[str, str]:
    """How far iat is from the server's time, the window, and which clock to set; or nothing."""
    words = call.description[:4000]
    iat, now = call.proof.claims.get("iat"), call.clock and call.clock[0]
    found, start = [*TIME.finditer(words)], 0
    for match in found:
        label = words[max(start, match.start() - 40) : match.start()].lower()
        time, start = _seconds(match[0]), match.end()
        first_of_two = match is found[0] and len(found) == 2
        if MADE.search(label) or (first_of_two and not NOW.search(label)):
            iat = time
        elif iat is not None or NOW.search(label):
            now = time
    sizes = ["".join(one) for one in WINDOW.findall(words.lower())]
    window = f" It allows {' + '.join(dict.fromkeys(sizes))} s." if sizes else ""
    if not is_time(iat) or now is None or iat == now:
        return window.strip(" ."), ""
    away = abs(now - iat)
    length = f"{away:.0f} s" + (f" ({duration(away)})" if away > 600 else "")
    if iat > now:
        return f"iat is {length} ahead of the server's time.{window}".rstrip("."), (
            "The client's clock is fast: set it (NTP). If it is right, the server's is slow."
        )
    return f"iat is {length} behind the server's time.{window}".rstrip("."), (
        "The client's clock is slow, or the proof was made long before it was sent: set the clock"
        " (NTP), and make the proof right before sending. If that clock is right, the server's is"
        " fast."
    )
