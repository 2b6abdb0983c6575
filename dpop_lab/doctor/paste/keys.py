"""Keys in PEM, which are told of and never repeated."""

import re

from dpop_lab.doctor.paste.pasted import Pasted
from dpop_lab.errors import KeyUnusable
from dpop_lab.jose.key_formats import load_key

PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----")
PEM_WORDS = re.compile("PRIVATE|PUBLIC|KEY|CERTIFICATE")


def pem_in(text: str) -> Pasted | None:
    """A key in PEM, private or not; None for any other text."""
    if PEM.search(text) is None:
        return None
    words = PEM_WORDS.sub(lambda word: word[0].lower(), "\n".join(PEM.findall(text)))
    names = dict.fromkeys(map(str.strip, words.split("\n")))
    kinds = [f"{'an' if name[:1] in 'AEIOU' else 'a'} {name}" for name in names]
    kind = f"a PEM file with {' and '.join(kinds)}"[:200]
    try:
        return Pasted(kind=kind, jwks=(load_key(text[text.index("-----BEGIN") :]).public_jwk(),))
    except KeyUnusable as error:
        return Pasted(kind=kind, remarks=(f"No key pair: {error.problem}.",))
