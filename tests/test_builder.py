"""The builder is held against what the RFCs print, then used to check everything else."""

import base64
import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests import builder, vectors
from tests.builder import decode, key, proof, public_jwk, thumbprint

URL = "https://resource.example.org/protectedresource"
EC_ALGS = ("ES256", "ES384", "ES512")
RSA_ALGS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")


def made(signing_key=None, **changes):
    """A proof for GET at URL."""
    said = {"htm": "GET", "htu": URL, "iat": 1562262618, "jti": "e1j3V_bKic8-LAEB", **changes}
    return proof(signing_key or key(), **said)


def parts(jws):
    """Header, claims and signature of a compact JWS."""
    head, body, signature = jws.split(".")
    return json.loads(decode(head)), json.loads(decode(body)), decode(signature)


def verify(jws, jwk, alg):
    """Verify with `cryptography` alone; raises InvalidSignature."""
    signing_input, _, signature = jws.rpartition(".")
    octets, signature = signing_input.encode(), decode(signature)
    number = {name: int.from_bytes(decode(jwk[name]), "big") for name in "xyne" if name in jwk}
    if jwk["kty"] == "OKP":
        return ed25519.Ed25519PublicKey.from_public_bytes(decode(jwk["x"])).verify(
            signature, octets
        )
    sha = builder.HASHES[alg[2:]]()
    if jwk["kty"] == "RSA":
        pss = padding.PSS(mgf=padding.MGF1(sha), salt_length=sha.digest_size)
        how = pss if alg.startswith("PS") else padding.PKCS1v15()
        public = rsa.RSAPublicNumbers(number["e"], number["n"]).public_key()
        return public.verify(signature, octets, how, sha)
    public = ec.EllipticCurvePublicNumbers(
        number["x"], number["y"], builder.CURVES[jwk["crv"]]()
    ).public_key()
    half = (public.key_size + 7) // 8
    if len(signature) != 2 * half:
        raise InvalidSignature(f"{len(signature)} octets")
    r, s = (int.from_bytes(signature[part], "big") for part in (slice(half), slice(half, None)))
    return public.verify(encode_dss_signature(r, s), octets, ec.ECDSA(sha))


def named(cases):
    return [
        pytest.param(case, id=case[0] if isinstance(case, tuple) else case.source) for case in cases
    ]


# ---- the printed examples ---------------------------------------------------------------------


@pytest.mark.parametrize("printed", named(vectors.SIGNED))
def test_a_printed_signature_verifies(printed):
    verify(printed.jws, printed.jwk, printed.alg)


@pytest.mark.parametrize("printed", named(vectors.PROOFS))
def test_a_printed_proof_says_what_the_rfc_says_it_says(printed):
    header, claims, _ = parts(printed.jws)
    assert (list(header.items()), list(claims.items())) == (
        list(printed.header.items()),
        list(printed.claims.items()),
    )
    verify(printed.jws, header["jwk"], "ES256")


@pytest.mark.parametrize("printed", named(vectors.PROOFS))
def test_the_builder_writes_a_printed_proof_octet_for_octet_up_to_the_signature(printed):
    said = {name: value for name, value in printed.claims.items() if name != "ath"}
    jwk_as_printed = {"jwk": vectors.DPOP_JWK}
    ours = proof(key(), access_token=printed.access_token, header=jwk_as_printed, **said)
    assert ours.rpartition(".")[0] == printed.jws.rpartition(".")[0]


@pytest.mark.parametrize("case", named(vectors.THUMBPRINTS))
def test_a_printed_thumbprint_comes_out(case):
    assert thumbprint(case[1]) == case[2]


@pytest.mark.parametrize(("_source", "access_token", "ath"), vectors.ACCESS_TOKEN_HASHES)
def test_a_printed_access_token_hash_comes_out(_source, access_token, ath):
    assert builder.access_token_hash(access_token) == ath


def test_a_deterministic_printed_signature_is_made_again():
    signing_input, _, printed = vectors.EDDSA.jws.rpartition(".")
    made_again = builder.sign(vectors.EDDSA.private_jwk, signing_input.encode(), alg="EdDSA")
    assert builder.encode(made_again) == printed


@pytest.mark.parametrize("printed", [v for v in vectors.SIGNED if v.private_jwk])
def test_a_printed_private_key_has_its_printed_public_half(printed):
    assert public_jwk(printed.private_jwk) == printed.jwk
    assert builder.private_jwk(printed.private_jwk) == printed.private_jwk


def test_the_signature_value_of_es256_in_the_rfc_is_64_octets_and_ours_too():
    assert len(parts(vectors.ES256.jws)[2]) == len(parts(made())[2]) == 64


# ---- right proofs -----------------------------------------------------------------------------


@pytest.mark.parametrize("alg", [*EC_ALGS, *RSA_ALGS, "EdDSA"])
def test_a_proof_verifies_with_its_own_jwk(alg):
    text = made(key("A", alg), alg=alg)
    header, _, _ = parts(text)
    assert (header["typ"], header["alg"]) == ("dpop+jwt", alg)
    verify(text, header["jwk"], alg)


@pytest.mark.parametrize("curve", EC_ALGS)
@pytest.mark.parametrize("alg", EC_ALGS)
def test_any_curve_signs_with_the_hash_its_algorithm_names(curve, alg):
    text = made(key("A", curve), alg=alg)
    verify(text, parts(text)[0]["jwk"], alg)


def test_names_are_keys_and_a_name_is_one_key():
    assert key("A") is key("A", "ES256") and key("A", "RS256") is key("A", "PS512")
    assert public_jwk(key("A")) != public_jwk(key("B"))
    assert public_jwk(key("E"))["crv"] == public_jwk(key("E", "EdDSA"))["crv"] == "Ed25519"


@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512", "RS256", "EdDSA"])
def test_a_private_jwk_loads_as_the_same_key(alg):
    jwk = builder.private_jwk(key("A", alg))
    assert builder.private_jwk(builder.load(jwk)) == jwk


def test_claims_stand_in_the_order_of_the_rfc():
    assert list(parts(made(access_token="t", nonce="n"))[1]) == [
        "jti",
        "htm",
        "htu",
        "iat",
        "ath",
        "nonce",
    ]


# ---- wrong ones -------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [*range(2000, 2009), 4000, 4001])
@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512", "RS256"])
def test_a_padded_proof_has_that_many_characters_and_verifies(alg, length):
    text = made(key("A", alg), length=length)
    assert len(text) == length
    verify(text, public_jwk(key("A", alg)), alg)


def test_padding_below_the_length_of_the_proof_is_an_error():
    with pytest.raises(ValueError, match="no padding makes 100 characters"):
        made(length=100)


def test_a_header_may_lie_about_the_algorithm_and_the_signature_stays_good():
    text = made(header={"alg": "HS256"})
    assert parts(text)[0]["alg"] == "HS256"
    verify(text, public_jwk(key()), "ES256")


@pytest.mark.parametrize("fault", ["spoil", "der", "drop_signature"])
def test_a_faulty_signature_does_not_verify(fault):
    with pytest.raises(InvalidSignature):
        verify(made(**{fault: True}), public_jwk(key()), "ES256")


def test_a_signature_in_der_is_good_der():
    text = made(der=True)
    signing_input, _, signature = text.rpartition(".")
    key().public_key().verify(
        decode(signature), signing_input.encode(), ec.ECDSA(builder.HASHES["256"]())
    )


def test_a_spoilt_signature_differs_in_its_first_bit_only():
    good = made(vectors.EDDSA.private_jwk)
    bad = made(vectors.EDDSA.private_jwk, spoil=True)
    assert good.rpartition(".")[0] == bad.rpartition(".")[0]
    first, second = (int.from_bytes(parts(text)[2], "big") for text in (good, bad))
    assert first ^ second == 1 << (64 * 8 - 1)


def test_alg_none_signs_nothing():
    assert made(alg="none").endswith(".") and made(drop_signature=True).endswith(".")


def test_a_proof_cut_to_two_parts_has_one_dot():
    assert made(parts=2).count(".") == 1


def test_text_comes_instead_of_a_proof_and_a_payload_instead_of_the_claims():
    assert made(text="abc") == "abc" and made(text="") == ""
    assert decode(made(payload="[]").split(".")[1]) == b"[]"


def test_members_are_set_nulled_and_left_out():
    text = made(
        header={"typ": 1, "kid": "k"},
        without_header=["alg"],
        claims={"htm": None, "x": 2},
        without=["jti"],
    )
    header, claims, _ = parts(text)
    assert list(header) == ["typ", "jwk", "kid"] and header["typ"] == 1
    assert claims == {"htm": None, "htu": URL, "iat": 1562262618, "x": 2}


def test_a_jwk_is_changed_in_the_header_only():
    text = made(jwk={"kty": None, "kid": "k"})
    assert parts(text)[0]["jwk"] == {
        **{name: value for name, value in public_jwk(key()).items() if name != "kty"},
        "kid": "k",
    }
    verify(text, public_jwk(key()), "ES256")


@pytest.mark.parametrize("alg", ["ES256", "RS256", "EdDSA"])
def test_a_private_key_shows_in_the_jwk_only_when_asked(alg):
    assert "d" not in parts(made(key("A", alg)))[0]["jwk"]
    assert parts(made(key("A", alg), private=True))[0]["jwk"] == builder.private_jwk(key("A", alg))


def test_another_keys_jwk_does_not_verify_the_signature():
    text = made(header_key=key("B"))
    with pytest.raises(InvalidSignature):
        verify(text, parts(text)[0]["jwk"], "ES256")


def test_a_spoilt_token_differs_in_one_character():
    token = made()
    changed = builder.spoilt(token)
    assert sum(a != b for a, b in zip(token, changed, strict=True)) == 1
    assert token.rpartition(".")[0] == changed.rpartition(".")[0]


# ---- the description language -----------------------------------------------------------------


def described(description, **given):
    """A described proof, taken apart."""
    given = {"htm": "GET", "htu": URL, "now": 1_000_000, **given}
    return parts(builder.described(description, **given))


def test_an_empty_description_is_a_right_proof():
    header, claims, _ = described({}, access_token="t")
    assert header == {"typ": "dpop+jwt", "alg": "ES256", "jwk": public_jwk(key())}
    assert claims.pop("jti")
    assert claims == {
        "htm": "GET",
        "htu": URL,
        "iat": 1_000_000,
        "ath": builder.access_token_hash("t"),
    }


def test_two_descriptions_alike_are_two_proofs():
    assert described({})[1]["jti"] != described({})[1]["jti"]


@pytest.mark.parametrize(
    ("described_time", "value"),
    [
        ({"now": -30}, 999_970),
        ({"now": 0, "as": "string"}, "1000000"),
        ({"now": 0.5, "as": "float"}, 1_000_000.5),
        ({"now": 0, "as": "ms"}, 1_000_000_000),
    ],
)
def test_times_are_described_from_now(described_time, value):
    found = described({"claims": {"iat": described_time}})[1]["iat"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("description", "claim", "value"),
    [
        ({"htm": "lower"}, "htm", "get"),
        ({"htm": "list"}, "htm", ["GET"]),
        ({"htu": "list"}, "htu", ["https://h.example/p"]),
        ({"htu": "?x=1"}, "htu", "https://h.example/p?x=1"),
        ({"htu": "#x"}, "htu", "https://h.example/p#x"),
        ({"htu": "/"}, "htu", "https://h.example/p/"),
        ({"htu": "relative"}, "htu", "/p"),
        ({"htu": "scheme"}, "htu", "http://h.example/p"),
        ({"htu": "HOST"}, "htu", "https://H.EXAMPLE/p"),
        ({"htu": "user@"}, "htu", "https://user@h.example/p"),
        ({"htu": "/./"}, "htu", "https://h.example/./p"),
        ({"ath": "padded"}, "ath", builder.access_token_hash("t") + "="),
        ({"ath": "list"}, "ath", [builder.access_token_hash("t")]),
    ],
)
def test_a_variation_is_named_by_its_value(description, claim, value):
    assert described(description, htu="https://h.example/p", access_token="t")[1][claim] == value


def test_the_scheme_changes_both_ways():
    assert builder.varied("http://h/p", "scheme") == "https://h/p"


def test_an_ath_of_another_token_looks_like_one():
    other = described({"ath": "other"}, access_token="t")[1]["ath"]
    assert len(base64.urlsafe_b64decode(other + "=")) == 32
    assert other != builder.access_token_hash("t")


def test_a_placeholder_is_the_same_wherever_it_stands():
    names = builder.Names(base="https://h.example")
    values = builder.filled(
        {"a": "{jti-3}", "b": ["{jti-3}", "{jti-4}"], "c": "{base}/x", "d": "{long-2000}"},
        names,
        now=0,
    )
    assert values["a"] == values["b"][0] != values["b"][1]
    assert values["c"] == "https://h.example/x" and len(values["d"]) == 2000


def test_an_unknown_placeholder_is_an_error():
    with pytest.raises(KeyError):
        builder.filled("{nothing}", builder.Names(), now=0)


def test_a_fresh_nonce_is_the_one_given_and_stays_out_otherwise():
    assert described({"nonce": "fresh"}, nonce="n")[1]["nonce"] == "n"
    assert "nonce" not in described({}, nonce="n")[1]


def test_the_key_is_of_the_algorithms_kind():
    assert described({"alg": "ES384"})[0]["jwk"] == public_jwk(key("A", "ES384"))
    assert described({"alg": "PS256", "key": "B"})[0]["jwk"] == public_jwk(key("B", "RS256"))
    assert described({"alg": "EdDSA", "key": "E"})[0]["jwk"] == public_jwk(key("E"))
    assert described({"header_key": "B"})[0]["jwk"] == public_jwk(key("B"))


def test_an_assertion_says_who_to_whom_and_how_long():
    text = builder.assertion(
        key("R", "RS256"),
        kid="k",
        client_id="m2m.jwt",
        audience="https://h.example/connect/token",
        now=100,
        jti="1",
        length=4001,
    )
    header, claims, _ = parts(text)
    assert len(text) == 4001 and claims.pop("pad") and header.pop("pad", "p")
    assert header == {"alg": "RS256", "kid": "k", "typ": "JWT"}
    assert claims == {
        "iss": "m2m.jwt",
        "sub": "m2m.jwt",
        "aud": "https://h.example/connect/token",
        "jti": "1",
        "iat": 100,
        "exp": 160,
    }
    verify(text, public_jwk(key("R", "RS256")), "RS256")
