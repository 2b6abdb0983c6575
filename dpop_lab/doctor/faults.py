"""What it means that a row failed, in plain words, before which its name may stand."""

import re

from dpop_lab.checking import Finding
from dpop_lab.doctor.urls import differences
from dpop_lab.proof import rules
from dpop_lab.session.call import Call
from dpop_lab.show.values import cut, duration, is_time

#: By the row, and by row and defect where that tells more.
FAULTS = {
    "one_header": "the DPoP header is missing: no proof came with the request",
    "one_header several": "there is more than one DPoP header",
    "one_header empty": "the DPoP header is empty",
    "well_formed": "what the DPoP header holds can't be read as a JWT",
    "well_formed too_long": "the proof is longer than this server takes",
    "strict_form": "the proof is not in the strict form of a JWT",
    "typ": "typ in the header of the proof is not dpop+jwt",
    "alg": "the proof is signed with an algorithm that no proof may use",
    "alg unsupported": "the proof is signed with an algorithm that this server does not take",
    "jwk": "the jwk in the header of the proof is no key that fits its alg",
    "jwk unusable": "the jwk in the header of the proof is no key that can be used",
    "no_private_key": "the jwk in the header of the proof has private members: the key has leaked",
    "signature": "the signature does not verify with the key in the header of the proof",
    "jti": "jti is not a text by which the proof can be known",
    "htm": "htm is not the method of the request",
    "htu": "htu is not the URL of the request",
    "ath": "ath is not the hash of the access token that is sent",
    "bound_key": "the proof is signed with another key than the one the access token is bound to",
    "bound_key misspelt": "cnf.jkt is not the RFC 7638 thumbprint of the proof's key",
    "bound_key missing": "the access token is bound to no key: it has no cnf.jkt",
    "bound_key unchecked": "the access token is bound in another way, too",
    "fresh": "iat is not a time in seconds",
    "fresh stale": "the proof is too old",
    "fresh early": "the proof comes from the future",
    "nonce": "the proof's nonce is not the one that this server wants",
    "nonce stale": "the proof's nonce is outdated",
    "nonce early": "the proof's nonce was given later than now",
    "unused": "the same proof was used before: its jti is known",
    "scheme": "the access token was not sent under the scheme DPoP",
    "scheme missing": "there is no Authorization header, and so no access token",
    "scheme too_long": "the Authorization header is longer than this server takes",
    "at_form": "the access token can't be read as a JWT",
    "at_typ": "typ of the token is not that of an access token",
    "issuer": "the access token comes from another issuer than this API trusts",
    "issuer missing": "iss is missing from the access token",
    "at_signature": "the signature of the access token verifies with no key of its issuer",
    "audience": "the access token is meant for another API, by its aud",
    "not_expired": "the access token has no usable exp",
    "not_expired expired": "the access token has expired",
    "not_expired early": "the access token is not valid yet",
    "unbound": "the access token is bound to a key, and was sent as Bearer, without a proof",
    "code_key": "the code is bound to another key than the one that signed the proof",
    "refresh_key": "the refresh token is bound to another key than the one that signed the proof",
    "code_key missing": "the code is bound to a key, and no proof came with it",
    "refresh_key missing": "the refresh token was got with a proof, and none came with it",
    "refresh_key unbound": "the refresh token was got without a proof, and one came with it",
}
#: Claims and members of the header that a row asks for, by its name, where it is not its own.
ASKED_FOR = {"fresh": "iat", "jwk": "jwk (the public key)"}
#: Rows about one name, the first of them in the header, and what words say that miss it.
MISSED = ("typ", "alg", "jwk", "jti", "htm", "htu", "ath", "fresh")
MISSING = re.compile(r"\b(?:missing|absent|lacks)\b(?! or)(?<!or missing)", re.I)
#: Of which words alone are known, what a row says there.
BY_WORDS = {
    "fresh": "iat is too far from the server's clock",
    "jti": "jti is missing, or not one of its own",
    "alg": "the server does not take the algorithm that the proof is signed with",
    "jwk": "the server does not take the jwk in the header of the proof",
    "not_expired": FAULTS["not_expired expired"],
}
REQUESTS = {
    "par": "the pushed authorization request (PAR)",
    "code": "the token request that redeems the code",
    "refresh": "the refresh request",
    "token": "the token request",
}


def fault_of(finding: Finding, call: Call, *, at_server: bool = False) -> str:
    """What is wrong by a row that failed; `at_server` tells whose fault it is."""
    row, defect, found = finding.check.name, finding.defect, finding.found
    if row == rules.bound_key.name and at_server and defect == "wrong":
        defect = "misspelt"
    if row == rules.nonce.name and call.gives_no_nonce:
        return "the answer demands a nonce and gives none: it has no DPoP-Nonce header"
    if told := FAULTS.get(f"{row} {defect}"):
        apart = _apart(found, call) if row == rules.fresh.name else ""
        return f"{apart}: {told}" if apart else told
    if defect == "missing" and finding.check in rules.ROWS[3:]:
        return _missing(row)
    if row == rules.htm.name and isinstance(found, str) and finding.wanted:
        return f"htm says {cut(repr(found)[1:-1], 20)}, but the request is a {finding.wanted}"
    if row == rules.htu.name and isinstance(found, str):
        odd = " and ".join(differences(str(finding.wanted), found).values())
        what = "that the server sees" if at_server else "of the request"
        return f"htu has {odd}: it is not the URL {what}" if odd else FAULTS[row]
    added = f"its answer is no: {defect.replace('_', ' ')}"  # of a row that somebody added
    return FAULTS.get(row, added)


def _missing(row: str) -> str:
    where = "the header of the proof" if row in MISSED[:3] else "the proof"
    return f"{ASKED_FOR.get(row, row)} is missing from {where}"


def _apart(iat: object, call: Call) -> str:
    """How far a time is from the clock that decides, as the beginning of a sentence; or empty."""
    if not is_time(iat) or call.clock is None:
        return ""
    time, whose = call.clock
    return f"iat is {duration(iat - time)} {'ahead of' if iat > time else 'behind'} {whose}"


def fault_in_words(row: str, where: str, words: str) -> str:
    """What words about a row say is wrong; `where` is the kind of request, such as `refresh`."""
    told = BY_WORDS.get(row) or FAULTS.get(row, "it fails")
    if row in MISSED and MISSING.search(words):
        told = _missing(row)
    if row == rules.one_header.name:
        told = f"{REQUESTS.get(where, 'the request')} came without a DPoP proof"
    return f"{told} (row {row})"
