"""What servers, libraries and browsers are known to say of DPoP, read from `said.tsv`.

Its columns: what the words are about (the name of a row, or a few words), who says them (empty
where several do), and the words, an error code before them where one came with them.
"""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from dpop_lab.session.call import Call

FILE = Path(__file__).with_suffix(".tsv")
UNDER_BEARER = "under Bearer: "  # before words that came to a request with this scheme
IN_THE_BROWSER = "in the browser: "  # before words that came to an authorization request
CODES = ("invalid_", "use_", "unauthorized_", "unsupported_")


def read() -> Mapping[str, Mapping[str, str]]:
    """By what they are about, the words with who says them."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for line in FILE.read_text(encoding="utf-8").splitlines():
        topic, who, text = line.split("\t")
        found[topic][text] = who
    return found


def heard(text: str) -> Call:
    """What is known of a request that was answered by these words."""
    if text.startswith(UNDER_BEARER):
        return Call(scheme="Bearer", description=text.removeprefix(UNDER_BEARER))
    url = "https://as.example/authorize" if text.startswith(IN_THE_BROWSER) else ""
    text = text.removeprefix(IN_THE_BROWSER)
    code, _, words = text.partition(" ")
    if code.startswith(CODES):
        return Call(error=code, description=words, url=url)
    return Call(description=text, url=url)
