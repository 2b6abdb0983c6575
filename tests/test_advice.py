"""Advice from evidence: hashes made in a wrong way, coordinates, names, nonces, hosts."""

import base64
import hashlib
import json

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from dpop_lab import diagnose
from dpop_lab.doctor.advice.hashes import how_made, thumbprint_made
from dpop_lab.doctor.advice.points import point_advice
from dpop_lab.jose.public_forms import CURVES
from tests import builder
from tests.test_sequence import API, NOW

MINE, OTHER = builder.key("A"), builder.key("B")
JWK = builder.public_jwk(MINE)
RIGHT = builder.thumbprint(JWK)
DIGEST = builder.decode(RIGHT)
DER = MINE.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
PEM = MINE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
POINT = MINE.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
SORTED = json.dumps(JWK, sort_keys=True, separators=(",", ":")).encode()
X5C = {"x5c": [base64.b64encode(b"a certificate").decode()]}


def hashed(octets, name="sha256"):
    """base64url of a hash."""
    return builder.encode(hashlib.new(name, octets).digest())


def bound(jkt, **claims):
    """An access token with this confirmation."""
    said = {"iss": "https://as.example.com", "exp": NOW + 600, "cnf": {"jkt": jkt}} | claims
    return builder.jws({"alg": "ES256", "typ": "at+jwt"}, said, OTHER)


def request(token=None, *lines, target="/orders", host="api.example.com", **proof):
    """A refused request at the API, as raw HTTP; `answer` is the challenge."""
    answer = proof.pop("answer", "DPoP error=invalid_token")
    token = token or bound(RIGHT)
    said = {"htm": "GET", "htu": f"https://{host}{target}", "iat": NOW, "jti": "j"} | proof
    head = [f"GET {target} HTTP/1.1", f"Host: {host}", f"Authorization: DPoP {token}", *lines]
    head.append(f"DPoP: {builder.proof(MINE, access_token=token, **said)}")
    tail = ["HTTP/1.1 401 Unauthorized", "Date: Thu, 09 Oct 2025 08:53:20 GMT"]
    return "\n".join([*head, "", *tail, f"WWW-Authenticate: {answer}", "", ""])


def actions(text):
    """What to do about each row that failed, in the order told."""
    return {one.row: one.action for one in diagnose(text).problems}


THUMBPRINTS = {
    "hexadecimal": DIGEST.hex(),
    "is hexadecimal": DIGEST.hex(":").upper(),
    "base64url of the hexadecimal": builder.encode(DIGEST.hex().encode()),
    "= at its end": f"{RIGHT}=",
    "urn:ietf": f"urn:ietf:params:oauth:jwk-thumbprint:sha-256:{RIGHT}",
    "SHA-1": hashed(SORTED, "sha1"),
    "SHA-512": hashed(SORTED, "sha512"),
    "SubjectPublicKeyInfo": hashed(DER),
    "SHA-1 hash of the DER public key (SubjectPublicKeyInfo) and is hexadecimal":
        hashlib.sha1(DER).hexdigest(),
    "the PEM": hashed(PEM),
    "the raw point": hashed(POINT),
    "another order": hashed(json.dumps(
        {name: JWK[name] for name in ("kty", "x", "y", "crv")}, separators=(",", ":")).encode()),
    "all members": hashed(json.dumps(
        JWK | {"kid": "k"}, sort_keys=True, separators=(",", ":")).encode()),
    "x5c": hashed(b"a certificate"),
    "left half": builder.encode(DIGEST[:16]),
    "is the kid": "k",
}  # fmt: skip


@pytest.mark.parametrize("words", THUMBPRINTS)
def test_a_thumbprint_that_does_not_fit_is_told_by_how_it_was_made(words):
    text = THUMBPRINTS[words]
    assert words in thumbprint_made(text, JWK | {"kid": "k"}, X5C)
    assert not thumbprint_made(text, builder.public_jwk(OTHER), {})


def test_a_right_thumbprint_or_one_of_another_key_has_no_such_fault():
    for key in (MINE, OTHER, builder.key("E", "EdDSA"), builder.key("A", "RS256")):
        assert not thumbprint_made(builder.thumbprint(builder.public_jwk(key)), JWK, {})
    for odd in (None, 7, "", "x" * 999, "A" * 43, [RIGHT], "é"):
        assert not how_made(odd, {"": SORTED})
    assert not thumbprint_made(RIGHT, {"kty": "EC", "x": 7}, {"x5c": [7]})
    standard = next(
        text
        for number in range(999)
        if "+" in (text := base64.b64encode(hashlib.sha256(b"%d" % number).digest()).decode())
    )
    octets = next(b"%d" % one for one in range(999) if base64.b64encode(
        hashlib.sha256(b"%d" % one).digest()).decode() == standard)  # fmt: skip
    assert how_made(standard, {"": octets}) == "is in the standard base64 alphabet"


def test_a_thumbprint_made_in_another_way_is_for_the_issuer_to_mend():
    action = actions(request(bound(hashed(DER))))["bound_key"]
    assert RIGHT in action and "issuer" in action and "sign with" not in action
    action = actions(request(bound(builder.thumbprint(builder.public_jwk(OTHER)))))["bound_key"]
    assert RIGHT in action and "sign with" in action
    whole = bound(None, cnf={"jwk": JWK})
    assert RIGHT in actions(request(whole))["bound_key"]


def curve_point(jwk):
    """The octets of x and y."""
    return builder.decode(jwk["x"]), builder.decode(jwk["y"])


def with_zero(name="P-256", alg="ES256"):
    """A key whose x begins with a zero octet."""
    keys = (builder.public_jwk(builder.key(f"zero{number}", alg)) for number in range(9999))
    return next(jwk for jwk in keys if curve_point(jwk)[0][0] == 0)


X, Y = curve_point(JWK)
ZERO = with_zero()
COORDINATES = {
    "swapped": {"x": JWK["y"], "y": JWK["x"]},
    "y has 33 octets: a zero": {"y": builder.encode(b"\0" + Y)},
    "x is written in hexadecimal": {"x": X.hex(), "y": Y.hex()},
    "x is written as a decimal": {"x": str(int.from_bytes(X))},
    "= at its end": {"x": JWK["x"] + "="},
    "x has 31 octets: leading zeros": ZERO | {"x": builder.encode(curve_point(ZERO)[0][1:])},
    "big-endian": {"x": builder.encode(X[::-1]), "y": builder.encode(Y[::-1])},
    "the whole point": {"x": builder.encode(POINT)},
    "two keys": {"y": builder.public_jwk(OTHER)["y"]},
}


@pytest.mark.parametrize("words", COORDINATES)
def test_coordinates_are_told_by_what_is_wrong_with_them(words):
    jwk = JWK | COORDINATES[words]
    assert words in point_advice(jwk)
    assert words in actions(request(jwk=jwk))["jwk"]


def test_a_point_of_another_curve_is_told_and_a_good_one_is_not():
    from cryptography.hazmat.primitives.asymmetric import ec

    numbers = ec.generate_private_key(CURVES["secp256k1"]).public_key().public_numbers()
    x, y = (builder.encode(one.to_bytes(32)) for one in (numbers.x, numbers.y))
    assert "secp256k1" in point_advice(JWK | {"x": x, "y": y})
    for jwk in (JWK, {}, {"kty": "EC", "crv": "P-256", "x": [], "y": None}, {"kty": "RSA"}):
        assert not point_advice(jwk)
    for alg in ("ES384", "ES512"):
        jwk = builder.public_jwk(builder.key("A", alg))
        assert "swapped" in point_advice(jwk | {"x": jwk["y"], "y": jwk["x"]})


NAMES = [
    ("jti", "jit"), ("jti", "JTI"), ("jti", "jwtId"), ("htm", "hmt"), ("htm", "method"),
    ("htm", "httpMethod"), ("htu", "uri"), ("htu", "url"), ("htu", "hut"), ("htu", "http_uri"),
    ("fresh", "ait"), ("fresh", "issuedAt"), ("ath", "at_hash"), ("ath", "auth"), ("ath", "aht"),
]  # fmt: skip
MEMBERS = {"fresh": "iat"}


@pytest.mark.parametrize(("row", "near"), NAMES)
def test_a_missing_claim_under_another_name_is_found(row, near):
    name = MEMBERS.get(row, row)
    value = {"htm": "GET", "htu": API, "fresh": NOW}.get(row, "x")
    text = request(without=(name,), claims={near: value})
    action = actions(text)[row]
    assert repr(near) in action and action.endswith(f"rename it to {name}.")


def test_a_member_in_the_other_part_of_the_proof_is_found():
    action = actions(request(header={"nonce": "n"}, answer="DPoP error=use_dpop_nonce"))["nonce"]
    assert "header" in action and "into the claims" in action
    action = actions(request(without_header=("jwk",), claims={"jwk": JWK}))["jwk"]
    assert "claims" in action and "into the header" in action
    action = actions(request(without_header=("typ",), header={"type": "dpop+jwt"}))["typ"]
    assert "rename it to typ" in action
    others = {"exp": NOW + 9, "nbf": NOW, "sub": "s", "kid": "k", "scope": "a", "client_id": "c"}
    assert "rename" not in actions(request(without=("ath",), claims=others))["ath"]


def test_a_nonce_is_told_by_where_it_stands_and_which_one_it_is():
    wanted = "DPoP error=use_dpop_nonce\nDPoP-Nonce: n2"
    assert "'n2'" in actions(request(answer=wanted))["nonce"]
    sent_back = actions(request(None, "DPoP-Nonce: n1", answer=wanted))["nonce"]
    assert "header of answers" in sent_back and "'n1'" in sent_back
    outdated = actions(request(nonce="n1", answer=wanted))["nonce"]
    assert "outdated" in outdated and "'n1'" in outdated and "'n2'" in outdated


def test_words_about_the_audience_are_told_with_that_of_the_token_and_whether_it_is_another():
    said = 'DPoP error="invalid_token", error_description="The audience is invalid"'
    for aud, other in (("account", True), ("https://api.example.com/v1", False)):
        [problem] = diagnose(request(bound(RIGHT, aud=aud), answer=said)).problems
        assert repr(aud) in problem.title
        assert ("not this API" in problem.title) == other


def test_an_audience_that_is_another_host_is_told_where_nothing_else_was_said():
    elsewhere = bound(RIGHT, aud=["https://store7.example.org/x", "https://store8.example.org"])
    action = actions(request(elsewhere))["audience"]
    assert "store7.example.org or store8.example.org" in action and "api.example.com" in action
    for aud in ("api", "urn:x", "https://api.example.com/v1", [elsewhere, "https://[", 7], None):
        assert "audience" not in actions(request(bound(RIGHT, aud=aud)))
    for answer in ("DPoP error=invalid_dpop_proof", "DPoP error=insufficient_scope"):
        assert "audience" not in actions(request(elsewhere, answer=answer))
    assert "audience" not in actions(request(elsewhere, host="localhost:8080"))
    head = request(elsewhere).partition("HTTP/1.1 401")[0]
    assert diagnose(f"{head}HTTP/1.1 200 OK\nDate: Thu, 09 Oct 2025 08:53:20 GMT\n\n").healthy
