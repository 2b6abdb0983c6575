"""Private keys in a text: PEM, also without its first or last line, and base64 of a key in DER."""

import re
from collections.abc import Iterator

# No run is tried from within, and none gives a character back: the time grows with the text alone.
KEY = re.compile(
    r"""-----BEGIN\ [A-Z ]*PRIVATE\ KEY.*?(?:-----END\ [A-Z ]*PRIVATE\ KEY-----|\Z)
    | (?<![\w+/=\s\\"'>|,%\#*])[\w+/=\s\\"'>|,%\#*]++-----END\ [A-Z ]*PRIVATE\ KEY(?:-----)?
    | (?<![A-Za-z0-9+/])(?:b3BlbnNzaC1rZXk                # OpenSSH, or a SEQUENCE with a version
        |M(?:[A-Za-z0-9+/]{2}CAQ[AE]|I[GH][A-Za-z0-9+/]AgE[ABD]|II[A-Za-z0-9+/]{2}[AQgw]IBA))
      (?:(?:[A-Za-z0-9+/]|\\++/){12,}+={0,2}[\s\\"'>|,%\#*]{0,20}+)*+(?:[A-Za-z0-9+/]{1,11}==?)?""",
    re.S | re.X,
)
SEPARATOR = re.compile(r"-----[A-Z ]*-----|(?<!\\)\\++[nr]")
LINE = re.compile(r"[A-Za-z0-9+/]{12,}={0,2}")
MOST = 120  # lines: an RSA key of 8192 bits has 100


def holds_key(text: str) -> bool:
    """Is a private key in the text, or what is left of one?"""
    return KEY.search(text) is not None


def key_lines(text: str) -> Iterator[str]:
    """The lines of base64 of the private keys in a text, each by itself: one may be shown alone."""
    for key in KEY.finditer(text):
        bare = SEPARATOR.sub("\n", key[0]).replace("\\", "")
        for number, line in enumerate(LINE.finditer(bare)):
            if number < MOST:
                yield line[0]
