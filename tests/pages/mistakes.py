"""Mistakes of clients and issuers that the bench has no change for, and the doctor knows."""

from dpop_lab.jose.encoding import base64url_decode
from dpop_lab.lab.catalogue import LEFT_OUT, Change
from dpop_lab.lab.catalogue.change import Edit
from dpop_lab.lab.catalogue.places import ISSUER, WITH_NONCE, WITH_TOKEN


def in_hexadecimal(hashed: object) -> str:
    """A hash in base64url, written in hexadecimal."""
    return base64url_decode(str(hashed)).hex()


MISTAKES = {
    one.name: one
    for one in (
        Change(
            "word_before",
            "the word DPoP before the proof",
            "RFC 9449 §4.1",
            proofs=lambda proof: (f"DPoP {proof}",),
        ),
        Change(
            "in_quotes",
            "quotes around the proof",
            "RFC 9449 §4.1",
            proofs=lambda proof: (f'"{proof}"',),
        ),
        Change(
            "htu_as_url",
            "htu under another name, such as url",
            "RFC 9449 §4.2",
            claims={"htu": LEFT_OUT, "url": "https://demo.duendesoftware.com/api/dpop/test"},
        ),
        Change(
            "ath_in_hexadecimal",
            "ath in hexadecimal",
            "RFC 9449 §4.2",
            at=WITH_TOKEN,
            claims={"ath": in_hexadecimal},
        ),
        Change(
            "nonce_in_the_header",
            "nonce in the header of the proof",
            "RFC 9449 §8",
            at=WITH_NONCE,
            claims={"nonce": LEFT_OUT},
            header={"nonce": "taken from DPoP-Nonce"},
        ),
        Change(
            "jkt_in_hexadecimal",
            "thumbprint in hexadecimal in cnf, by the issuer",
            "RFC 9449 §6.1",
            token=Edit(
                signed_by=ISSUER, claims={"cnf": lambda cnf: {"jkt": in_hexadecimal(cnf["jkt"])}}
            ),
        ),
    )
}
