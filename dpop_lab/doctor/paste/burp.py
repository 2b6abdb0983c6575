"""Exchanges that Burp Suite saved: items of XML with a request and an answer in base64."""

import base64
import re
from dataclasses import replace

from dpop_lab.doctor.paste.browser import recorded
from dpop_lab.doctor.paste.pasted import Pasted
from dpop_lab.doctor.paste.scan import scanned
from dpop_lab.wire.message import Exchange

MARK, MOST = "<items burpVersion", 2000  # how such a file begins; items that are read
PART = re.compile(
    r"<(url|request|response)\b([^<>]{0,60})>(?:<!\[CDATA\[)?((?:(?!\]\]>|</(?:url|re)).)*+)", re.S
)


def burp(text: str) -> Pasted | None:
    """What was saved; None for any other text."""
    if MARK not in text[:4000]:
        return None
    items = text.split("<item>")[1 : MOST + 1]
    return recorded("a file of Burp Suite", [each for one in items for each in _exchanges(one)])


def _exchanges(item: str) -> list[Exchange]:
    """The exchange of an item, with the URL that it names: its scheme stands there alone."""
    parts = {name: _plain(text, "true" in how) for name, how, text in PART.findall(item)}
    asked, answered = parts.get("request", ""), parts.get("response", "")
    told = [one for one, _ in scanned(f"{asked.rstrip()}\n\n{answered}")[:1]]
    return [replace(one, url=parts.get("url") or one.url) for one in told]


def _plain(text: str, encoded: bool) -> str:
    try:
        octets = base64.b64decode(text) if encoded else text.encode()
    except ValueError:
        return ""
    return octets.decode("utf-8", "replace").replace("\r\n", "\n")
