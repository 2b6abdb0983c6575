"""Answers that others printed or compute: the RFCs' examples, and jwcrypto in both directions."""

import json

import pytest
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS

from dpop_lab.jose.encoding import (
    base64url_decode,
    base64url_encode,
    compact_json,
    hash_input,
    sha256,
    thumbprint,
)
from dpop_lab.jose.jws import read_jws, sign_compact, verify
from dpop_lab.jose.key_formats import load_key
from dpop_lab.jose.keys import ALGORITHMS, PrivateKey, generate_key, key_bits, public_jwk
from dpop_lab.proof import access_token_hash, make_proof, read_proof
from dpop_lab.proof.rules import check_proof
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.rfc9449 import RFC_9449
from tests import builder, vectors
from tests.world import CLIENT_KEY

POLICIES = (DUENDE, RFC_9449)
NAMES = [policy.name for policy in POLICIES]
SIGNED = {signed.source: signed for signed in vectors.SIGNED}
PROOFS = {proof.source: proof for proof in vectors.PROOFS}
THUMBPRINTS = {source: (jwk, wanted) for source, jwk, wanted in vectors.THUMBPRINTS}
HASHES = {source + token: (token, ath) for source, token, ath in vectors.ACCESS_TOKEN_HASHES}

# ---- encodings --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"", ""),
        (b"f", "Zg"),
        (b"fo", "Zm8"),
        (b"foo", "Zm9v"),
        (b"foobar", "Zm9vYmFy"),
        (bytes([3, 236, 255, 224, 193]), "A-z_4ME"),
    ],
)
def test_base64url_is_that_of_rfc_4648_10_and_rfc_7515_c(octets, text):
    assert base64url_encode(octets) == text
    assert base64url_decode(text) == octets


def test_sha256_is_that_of_fips_180():
    wanted = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256(b"abc").hex() == wanted


def test_compact_json_keeps_the_order_and_writes_utf_8():
    assert compact_json({"b": [1, None, True], "a": "é"}) == '{"b":[1,null,true],"a":"é"}'.encode()


# ---- thumbprints and hashes -------------------------------------------------------------------


@pytest.mark.parametrize(("jwk", "wanted"), THUMBPRINTS.values(), ids=THUMBPRINTS)
def test_thumbprints_are_the_printed_ones(jwk, wanted):
    assert thumbprint(jwk) == wanted
    assert thumbprint({**jwk, "d": "x", "kid": "y", "alg": "z"}) == wanted
    assert thumbprint(dict(reversed(jwk.items()))) == wanted
    assert base64url_encode(sha256(hash_input(jwk))) == wanted
    assert JWK(**jwk).thumbprint() == wanted


def test_the_hash_input_of_rfc_8037_a_3_is_the_printed_one():
    jwk, _ = THUMBPRINTS["RFC 8037 appendix A.3"]
    wanted = '{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'
    assert hash_input(jwk) == wanted.encode()


@pytest.mark.parametrize(("token", "ath"), HASHES.values(), ids=HASHES)
def test_access_token_hashes_are_the_printed_ones(token, ath):
    assert access_token_hash(token) == ath


# ---- signatures that others made --------------------------------------------------------------


@pytest.mark.parametrize("signed", SIGNED.values(), ids=SIGNED)
def test_signatures_that_others_printed_verify(signed):
    jws = read_jws(signed.jws)
    signing_input, _, signature = signed.jws.rpartition(".")
    octets = base64url_decode(signature)
    assert verify(signing_input.encode(), octets, alg=signed.alg, jwk=signed.jwk)
    if not jws.problem:  # two of the examples have no JSON for a payload
        assert jws.header == {"alg": signed.alg}
        assert jws.deviations == ()
        assert (jws.signing_input, jws.signature) == (signing_input.encode(), octets)


@pytest.mark.parametrize("signed", SIGNED.values(), ids=SIGNED)
def test_the_same_signatures_fail_when_anything_is_changed(signed):
    signing_input, _, signature = signed.jws.rpartition(".")
    octets, text = base64url_decode(signature), signing_input.encode()
    for place in (0, len(octets) // 2, -1):
        wrong = bytearray(octets)
        wrong[place] ^= 1
        assert not verify(text, bytes(wrong), alg=signed.alg, jwk=signed.jwk)
    assert not verify(text + b"x", octets, alg=signed.alg, jwk=signed.jwk)
    assert not verify(text, octets[:-1], alg=signed.alg, jwk=signed.jwk)
    assert not verify(text, octets + b"\0", alg=signed.alg, jwk=signed.jwk)
    assert not verify(text, b"", alg=signed.alg, jwk=signed.jwk)
    for alg in ("none", "HS256", "RS384", "PS256", "ES384", ""):
        assert not verify(text, octets, alg=alg, jwk=signed.jwk)
    for other in SIGNED.values():
        if other is not signed:
            assert not verify(text, octets, alg=signed.alg, jwk=other.jwk)


def test_the_ed25519_key_of_rfc_8037_makes_the_printed_signature():
    key = load_key(vectors.EDDSA.private_jwk)
    signing_input, _, signature = vectors.EDDSA.jws.rpartition(".")
    assert base64url_encode(key.sign(signing_input.encode())) == signature


@pytest.mark.parametrize(
    "signed", [one for one in vectors.SIGNED if one.private_jwk], ids=lambda one: one.source
)
def test_the_private_keys_of_the_rfcs_sign_for_their_public_halves(signed):
    key = load_key(signed.private_jwk)
    assert key.alg == signed.alg
    assert public_jwk(key) == signed.jwk
    assert verify(b"octets", key.sign(b"octets"), alg=signed.alg, jwk=signed.jwk)


# ---- the proofs of RFC 9449 -------------------------------------------------------------------


@pytest.mark.parametrize("proof", PROOFS.values(), ids=PROOFS)
def test_the_proofs_of_rfc_9449_are_read_as_they_are_printed(proof):
    jws = read_proof(proof.jws)
    assert (jws.problem, jws.deviations) == ("", ())
    assert (dict(jws.header), dict(jws.claims)) == (proof.header, proof.claims)
    assert thumbprint(jws.header["jwk"]) == vectors.DPOP_JKT
    assert verify(jws.signing_input, jws.signature, alg="ES256", jwk=vectors.DPOP_JWK)


@pytest.mark.parametrize("policy", POLICIES, ids=NAMES)
@pytest.mark.parametrize("proof", PROOFS.values(), ids=PROOFS)
def test_the_proofs_of_rfc_9449_are_accepted_at_their_time_and_place(proof, policy):
    context = {"method": proof.claims["htm"], "url": proof.claims["htu"]}
    profile = policy.token
    if proof.access_token:
        profile, cnf = policy.api, {"jkt": vectors.DPOP_JKT}
        context |= {"access_token": proof.access_token, "cnf": cnf}
    iat = proof.claims["iat"]
    report = check_proof(proof.jws, profile=profile, now=iat, **context)
    assert report.accepted, report
    assert [finding.mark for finding in report.findings] == ["passed"] * len(profile.rows)
    late = check_proof(proof.jws, profile=profile, now=iat + 3600, **context)
    assert [one.check.name for one in late.findings if one.mark == "failed"] == ["fresh"]
    context["method"] = "PUT"
    other = check_proof(proof.jws, profile=profile, now=iat, **context)
    assert [one.check.name for one in other.findings if one.mark == "failed"] == ["htm"]


def test_the_nonce_is_all_that_the_proof_of_rfc_9449_lacks_where_one_is_wanted():
    proof = vectors.TOKEN_REQUEST_PROOF
    for policy in POLICIES:
        report = check_proof(
            proof.jws,
            profile=policy.token_nonce,
            method="POST",
            url="https://server.example.com/token",
            now=proof.claims["iat"],
        )
        failed = {one.check.name: one.defect for one in report.findings if one.defect}
        assert failed == {"nonce": "missing"}


def test_the_proof_of_the_resource_request_does_not_fit_another_token_or_key():
    proof = vectors.RESOURCE_REQUEST_PROOF
    report = check_proof(
        proof.jws,
        profile=RFC_9449.api,
        method="GET",
        url="https://resource.example.org/protectedresource?x=1",
        now=proof.claims["iat"],
        access_token="another",
        cnf={"jkt": THUMBPRINTS["RFC 8037 appendix A.3"][1]},
    )
    failed = {one.check.name for one in report.findings if one.mark == "failed"}
    assert failed == {"ath", "bound_key"}


def test_a_proof_of_ours_has_the_members_of_the_printed_one_in_their_order():
    proof, key = vectors.RESOURCE_REQUEST_PROOF, generate_key()
    claims = proof.claims
    text = make_proof(
        key,
        jti=claims["jti"],
        htm="GET",
        htu=claims["htu"] + "?query#fragment",
        iat=claims["iat"],
        access_token=proof.access_token,
    )
    ours = read_proof(text)
    assert list(ours.claims.items()) == list(claims.items())
    assert list(ours.header) == list(proof.header)
    assert {**ours.header, "jwk": None} == {**proof.header, "jwk": None}
    assert set(ours.header["jwk"]) == set(proof.header["jwk"])


# ---- jwcrypto, both ways ----------------------------------------------------------------------

ORACLE = [alg for alg in ALGORITHMS if alg != "Ed25519"]  # a name jwcrypto may not know
CLAIMS = {
    "jti": "1",
    "htm": "GET",
    "htu": "https://x/é?",
    "iat": 1.5,
    "x": [None, True, {"y": -0.0}],
}
RSA = CLIENT_KEY.private_jwk()
KEYS = {
    alg: PrivateKey(JWK(**RSA), alg) if kty == "RSA" else generate_key(alg)
    for alg, (kty, _) in ALGORITHMS.items()
}


def jwcrypto_verifies(text, key, alg):
    """Header and payload of a JWS as jwcrypto gives them once it has verified it."""
    jws = JWS()
    jws.allowed_algs = [alg]
    jws.deserialize(text, key=JWK(**key.public_jwk()))
    return json.loads(jws.objects["protected"]), json.loads(jws.payload)


@pytest.mark.parametrize("alg", ORACLE)
def test_jwcrypto_verifies_what_we_sign(alg):
    key = KEYS[alg]
    header = {"typ": "dpop+jwt", "alg": alg, "jwk": key.public_jwk()}
    text = sign_compact(header, CLAIMS, key)
    assert jwcrypto_verifies(text, key, alg) == (header, CLAIMS)
    text = make_proof(key, jti="1", htm="GET", htu="https://x/", iat=1, nonce="n")
    ours = read_proof(text)
    assert jwcrypto_verifies(text, key, alg) == (dict(ours.header), dict(ours.claims))


@pytest.mark.parametrize("alg", ORACLE)
def test_we_verify_what_jwcrypto_signs(alg):
    key = KEYS[alg]
    header = {"typ": "dpop+jwt", "alg": alg, "jwk": key.public_jwk()}
    jws = JWS(json.dumps(CLAIMS))
    jws.allowed_algs = [alg]
    jws.add_signature(JWK(**key.private_jwk()), protected=json.dumps(header))
    ours = read_proof(jws.serialize(compact=True))
    assert (dict(ours.header), dict(ours.claims)) == (header, CLAIMS)
    assert ours.deviations == ()
    assert verify(ours.signing_input, ours.signature, alg=alg, jwk=key.public_jwk())


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_our_signatures_and_the_builders_verify_alike(alg):
    key = KEYS[alg]
    text = sign_compact({"alg": alg}, CLAIMS, key)
    built = builder.jws({"alg": alg}, CLAIMS, key, alg=alg)
    for jws in map(read_jws, (text, built)):
        assert verify(jws.signing_input, jws.signature, alg=alg, jwk=key.public_jwk())
    assert builder.thumbprint(key.public_jwk()) == thumbprint(key.public_jwk())
    assert JWK(**key.public_jwk()).thumbprint() == thumbprint(key.public_jwk())


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize("other", ALGORITHMS)
def test_a_signature_verifies_under_no_other_algorithm(alg, other):
    same = {alg, other} <= {"EdDSA", "Ed25519"}  # two names of one
    key = KEYS[alg]
    signature = key.sign(b"octets")
    assert verify(b"octets", signature, alg=other, jwk=key.public_jwk()) == (alg == other or same)
    jwk = KEYS[other].public_jwk()
    assert verify(b"octets", signature, alg=alg, jwk=jwk) == (jwk == key.public_jwk())


@pytest.mark.parametrize(
    ("alg", "bits"),
    [("ES256", 256), ("ES384", 384), ("ES512", 521), ("EdDSA", 256), ("PS256", 2048)],
)
def test_the_size_of_a_key_is_known(alg, bits):
    assert key_bits(KEYS[alg].public_jwk()) == bits
