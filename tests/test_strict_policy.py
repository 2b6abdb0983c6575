"""RFC_9449 line by line at both servers: what it takes, what it refuses, and in which words."""

import base64
import json
import math
import secrets
from functools import cache, partial

import pytest

from dpop_lab.jose.jws import read_jws, verify
from dpop_lab.proof import read_proof
from dpop_lab.server.rfc9449 import RFC_9449
from tests import builder
from tests.builder import compact, encode
from tests.world import (
    API,
    BASE_URL,
    CLIENT_KEY,
    FORM_TYPE,
    PLAIN_API,
    SIGNER,
    STRANGER,
    THIEF,
    TOKEN,
    VICTIM,
    World,
    error,
    header,
    parts,
)

ALGORITHMS = (
    "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
)  # fmt: skip
PLACES = ("token", "api")
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture(scope="module")
def world():
    """One strict twin for all tests that do not move its clock."""
    return World(RFC_9449)


@pytest.fixture
def own_world():
    """A strict twin of a test's own."""
    return World(RFC_9449)


def answer_to(world, place, signing_key=VICTIM, *, times=1, copies=1, **variations):
    """What is said to a proof with these variations at the token endpoint or the API.

    The access token is bound to the key that the proof shows.
    """
    if place == "token":
        sent = [world.token_proof(signing_key, **variations)] * copies
        return [world.token_request(*sent) for _ in range(times)][-1]
    jkt = builder.thumbprint(builder.public_jwk(variations.get("header_key") or signing_key))
    token = bound(world, jkt)
    sent = [world.api_proof(token, signing_key, **variations)] * copies
    return [world.call(token, *sent) for _ in range(times)][-1]


def bound(world, jkt):
    """A token of the twin's own making, bound to any thumbprint."""
    return world.forged(world.token(None), claims={"cnf": {"jkt": jkt}})


def refused(answer, place, code="invalid_dpop_proof"):
    """Whether an answer is this error at this place, in the form the RFC gives it."""
    assert answer.status == (400 if place == "token" else 401)
    assert error(answer)[0] == code
    assert error(answer)[1]
    if place == "token":
        assert header(answer, "WWW-Authenticate") is None
        assert header(answer, "Cache-Control") == "no-store"
        assert header(answer, "Content-Type") == "application/json"
    else:
        challenge = header(answer, "WWW-Authenticate")
        assert challenge.startswith(f'DPoP error="{code}", error_description="')
        assert challenge.endswith(f', algs="{" ".join(RFC_9449.api.reading.algorithms)}"')
        assert answer.body == b""
    assert (header(answer, "DPoP-Nonce") is not None) == (code == "use_dpop_nonce")
    return True


# ---- algorithms and keys ----------------------------------------------------------------------


def key_for(alg, name="A"):
    """A key that fits an algorithm."""
    if alg in ("EdDSA", "Ed25519"):
        return builder.key("E", "EdDSA")
    return builder.key(name, alg)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("alg", ALGORITHMS)
def test_every_algorithm_is_taken_with_its_own_kind_of_key(world, place, alg):
    assert answer_to(world, place, key_for(alg), alg=alg).status == 200


def test_the_algorithms_are_these_and_are_published(world):
    assert set(RFC_9449.token.reading.algorithms) == set(ALGORITHMS)
    body = json.loads(world.send("GET", "/.well-known/openid-configuration").body)
    assert set(body["dpop_signing_alg_values_supported"]) == set(ALGORITHMS)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "alg", ["none", "HS256", "ES256K", "es256", "RSA-OAEP", "", "ES256 ", "dir"]
)
def test_no_other_algorithm_is_taken(world, place, alg):
    answer = answer_to(world, place, header={"alg": alg})
    assert refused(answer, place)


@pytest.mark.parametrize("place", PLACES)
def test_a_proof_without_a_signature_is_refused_whoever_it_claims_to_be(world, place):
    variations = {"header": {"alg": "none"}, "alg": "none"}
    assert refused(answer_to(world, place, **variations), place)
    assert refused(answer_to(world, place, drop_signature=True), place)


MISMATCHES = [
    (key, alg)
    for key in ("ES256", "ES384", "ES512")
    for alg in ("ES256", "ES384", "ES512")
    if key != alg
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("kind", "alg"), MISMATCHES)
def test_a_curve_goes_with_its_own_hash_only(world, place, kind, alg):
    assert refused(answer_to(world, place, builder.key("A", kind), alg=alg), place)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("kind", "alg"),
    [
        ("ES256", "RS256"),
        ("RS256", "ES256"),
        ("ES256", "EdDSA"),
        ("EdDSA", "ES256"),
        ("RS256", "EdDSA"),
    ],
)
def test_a_key_goes_with_algorithms_of_its_kind_only(world, place, kind, alg):
    answer = answer_to(world, place, key_for(kind), alg=kind, header={"alg": alg})
    assert refused(answer, place)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("alg", ["RS256", "PS512"])
def test_rsa_of_1024_bits_is_refused(world, place, alg):
    small = builder.key("S", "RS256", bits=1024)
    # there is no room for PS512 in 1024 bits: signed otherwise, the size is seen first
    assert refused(answer_to(world, place, small, alg="RS256", header={"alg": alg}), place)
    failure = world.seen[-1].reports[-1].failure
    assert failure.check.name == "jwk"


# moduli of these sizes without known factors: whether the size is taken shows in the row `jwk`
@pytest.mark.parametrize(
    ("bits", "taken"), [(2047, False), (2048, True), (8192, True), (8193, False), (16384, False)]
)
def test_rsa_is_taken_from_2048_to_8192_bits(world, bits, taken):
    modulus = (1 << (bits - 1)) + (1 << 40) + 1
    jwk = {"kty": "RSA", "n": encode(modulus.to_bytes((bits + 7) // 8, "big")), "e": "AQAB"}
    none = dict.fromkeys(("crv", "x", "y"))
    answer = answer_to(world, "token", header={"alg": "RS256"}, jwk={**none, **jwk})
    assert refused(answer, "token")
    report = world.seen[-1].reports[0]
    assert report["jwk"].mark == ("passed" if taken else "failed")
    assert report["signature"].mark == ("failed" if taken else "not asked")


def test_rsa_of_4096_bits_works(world):
    large = builder.key("L", "PS256", bits=4096)
    assert answer_to(world, "api", large, alg="PS256").status == 200


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("alg", ["ES256", "RS256", "EdDSA"])
def test_a_private_key_in_the_proof_is_refused(world, place, alg):
    assert refused(answer_to(world, place, key_for(alg), alg=alg, private=True), place)
    assert world.seen[-1].reports[-1].failure.check.name == "no_private_key"


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
@pytest.mark.parametrize("value", ["AQAB", "", 5])
def test_any_private_member_is_one_whatever_the_key_type_and_the_value(world, member, value):
    assert refused(answer_to(world, "token", jwk={member: value}), "token")
    assert world.seen[-1].reports[0].failure.check.name == "no_private_key"


P256 = builder.public_jwk(VICTIM)
BAD_JWKS = {
    "a curve without a name": {"crv": None},
    "another curve": {"crv": "secp256k1"},
    "a curve in small letters": {"crv": "p-256"},
    "no x": {"x": None},
    "no y": {"y": None},
    "x padded": {"x": P256["x"] + "="},
    "x with a zero in front": {"x": encode(b"\0" + builder.decode(P256["x"]))},
    "x too short": {"x": encode(builder.decode(P256["x"])[1:])},
    "x in standard base64": {"x": "+/" + P256["x"][2:]},
    "x a number": {"x": 5},
    "a point beside the curve": {"x": P256["y"]},
    "kty in small letters": {"kty": "ec"},
    "no kty": {"kty": None},
    "an octet key": {"kty": "oct", "crv": None, "x": None, "y": None},
    "member names in capitals": {"x": None, "X": P256["x"]},
    "kty a list": {"kty": ["EC"]},
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("jwk", BAD_JWKS.values(), ids=BAD_JWKS)
def test_what_is_no_public_key_is_refused(world, place, jwk):
    assert refused(answer_to(world, place, jwk=jwk), place)
    assert world.seen[-1].reports[-1].failure.check.name == "jwk"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("jwk", [None, "", "EC", 5, [], [P256], {}, True])
def test_a_jwk_that_is_no_object_is_refused(world, place, jwk):
    assert refused(answer_to(world, place, header={"jwk": jwk}), place)
    assert world.seen[-1].reports[-1].failure.check.name == "jwk"


@pytest.mark.parametrize("place", PLACES)
def test_public_members_besides_are_ignored(world, place):
    more = {"kid": "1", "use": "sig", "alg": "ES256", "ext": True, "key_ops": ["verify"]}
    assert answer_to(world, place, jwk=more).status == 200


# ---- keys that anyone can sign under ----------------------------------------------------------

ED_P = 2**255 - 19
ED_D = -121665 * pow(121666, -1, ED_P) % ED_P


def added(one, other):
    """The sum of two points of the curve of Ed25519 (RFC 8032 section 5.1.4)."""
    (x1, y1), (x2, y2) = one, other
    both = ED_D * x1 * x2 * y1 * y2
    x = (x1 * y2 + x2 * y1) * pow(1 + both, -1, ED_P)
    return x % ED_P, (y1 * y2 + x1 * x2) * pow(1 - both, -1, ED_P) % ED_P


def times(factor, point):
    """A multiple of a point."""
    result = (0, 1)
    for bit in f"{factor:b}":
        result = added(result, result)
        result = added(result, point) if bit == "1" else result
    return result


def on_the_curve(y):
    """The points with this y: none, or one of either sign."""
    square = (y * y - 1) * pow(ED_D * y * y + 1, -1, ED_P) % ED_P
    root = pow(square, (ED_P + 3) // 8, ED_P)
    if root * root % ED_P != square:
        root = root * pow(2, (ED_P - 1) // 4, ED_P) % ED_P
    return [(root, y), (-root % ED_P, y)] if root * root % ED_P == square else []


@cache
def torsion():
    """The eight points of small order: the multiples of one of order 8.

    What is left of any point times the order of the large subgroup is of small order.
    """
    order = 2**252 + 27742317777372353535851937790883648493
    points = (point for y in range(2, 99) for point in on_the_curve(y)[:1])
    left = (times(order, point) for point in points)
    eighth = next(point for point in left if times(4, point) != (0, 1))
    return {times(factor, eighth) for factor in range(1, 9)}


def encodings(y):
    """Every 32 octets whose 255 lower bits are this y, or as much modulo p, of either sign."""
    for spelt in (y, y + ED_P):
        if spelt < 2**255:
            for sign in (0, 1):
                yield (spelt + (sign << 255)).to_bytes(32, "little")


SMALL_ORDER = sorted({octets for _, y in torsion() for octets in encodings(y)})
SECOND_SPELLINGS = sorted({octets for y in range(19) for octets in encodings(y)} - set(SMALL_ORDER))
SECOND_SPELLINGS = [one for one in SECOND_SPELLINGS if one[1:31] == b"\xff" * 30]


def ed25519_jwk(octets):
    """These octets as the jwk of a proof that would have a P-256 key."""
    return {"kty": "OKP", "crv": "Ed25519", "x": encode(octets), "y": None}


def test_the_small_orders_are_all_eight_and_their_second_spellings_come_with_them():
    assert len(torsion()) == 8 and all(times(8, point) == (0, 1) for point in torsion())
    assert len(SMALL_ORDER) == 14  # the eight, 1 and -1 with a sign, and 0 and 1 as p and p + 1
    assert len(SECOND_SPELLINGS) == 34  # p + 2 to p + 18, of either sign


@pytest.mark.parametrize("octets", [*SMALL_ORDER, *SECOND_SPELLINGS], ids=bytes.hex)
def test_an_ed25519_key_of_small_order_or_in_a_second_spelling_is_refused(world, octets):
    jwk = ed25519_jwk(octets)
    assert refused(answer_to(world, "token", header={"alg": "EdDSA"}, jwk=jwk), "token")
    assert world.seen[-1].reports[0].failure.check.name == "jwk"


@pytest.mark.parametrize("place", PLACES)
def test_the_signature_that_fits_every_text_is_refused_with_its_key(world, place):
    neutral = (1).to_bytes(32, "little")
    jwk, forged = ed25519_jwk(neutral), encode(neutral + bytes(32))
    for alg in ("EdDSA", "Ed25519"):
        said = {"header": {"alg": alg}, "jwk": jwk}
        token = bound(world, builder.thumbprint({**P256, **jwk}))
        made = world.token_proof if place == "token" else partial(world.api_proof, token)
        proof = respelt(made(**said), signature=lambda _: forged)
        read = read_jws(proof)
        assert verify(read.signing_input, read.signature, alg=alg, jwk=jwk)  # such is the key
        answer = world.token_request(proof) if place == "token" else world.call(token, proof)
        assert refused(answer, place)
        assert world.seen[-1].reports[-1].failure.check.name == "jwk"
        assert world.seen[-1].reports[-1]["signature"].mark == "not asked"


def test_an_ed25519_key_with_a_part_of_small_order_is_one_like_any_other(world):
    raw = builder.decode(builder.public_jwk(builder.key("E", "EdDSA"))["x"])
    y, sign = int.from_bytes(raw, "little") % 2**255, raw[31] >> 7
    point = next(one for one in on_the_curve(y) if one[0] % 2 == sign)
    x, y = added(point, next(one for one in torsion() if times(4, one) != (0, 1)))
    jwk = ed25519_jwk((y + (x % 2 << 255)).to_bytes(32, "little"))
    assert refused(answer_to(world, "token", header={"alg": "EdDSA"}, jwk=jwk), "token")
    assert world.seen[-1].reports[0]["jwk"].mark == "passed"


def primes_of(order):
    """Primes that are 1 more than a divisor of this number."""
    divisors = [one for one in range(2, 20000) if order % one == 0]
    return [one + 1 for one in divisors if all((one + 1) % i for i in range(2, 160) if i <= one)]


def test_an_rsa_key_under_which_the_message_is_its_own_signature_is_refused(world):
    order = 2**6 * 3**3 * 5**2 * 7 * 11 * 13 * 17 * 19 * 23
    changes_nothing = math.prod(primes_of(order))
    assert all(pow(text, order + 1, changes_nothing) == text for text in range(2, 9))
    rsa = builder.public_jwk(builder.key("A", "RS256"))
    modulus = int.from_bytes(builder.decode(rsa["n"]), "big")
    while changes_nothing.bit_length() > 8192:
        changes_nothing //= max(one for one in primes_of(order) if changes_nothing % one == 0)
    assert changes_nothing.bit_length() >= 2048
    for n, e in (
        (modulus, 1),
        (modulus, 2),
        (modulus, 65536),
        (modulus, 2**64 + 1),
        (modulus, modulus - 2),
        (modulus, modulus + 2),
        (changes_nothing, order + 1),
    ):
        n, e = (encode(one.to_bytes((one.bit_length() + 7) // 8, "big")) for one in (n, e))
        none = dict.fromkeys(("crv", "x", "y"))
        jwk = {**none, "kty": "RSA", "n": n, "e": e}
        assert refused(answer_to(world, "token", header={"alg": "RS256"}, jwk=jwk), "token")
        assert world.seen[-1].reports[0].failure.check.name == "jwk"
    assert answer_to(world, "token", builder.key("A", "RS256")).status == 200


# ---- form -------------------------------------------------------------------------------------


def respelt(text, header=str, payload=str, signature=str):
    """A JWS with its segments spelt in other ways."""
    segments = zip((header, payload, signature), text.split("."), strict=True)
    return ".".join(change(segment) for change, segment in segments)


def padded(segment):
    """With padding, whether it is due or not."""
    return segment + "=" * (-len(segment) % 4 or 4)


def next_letter(segment):
    """With the next character at the end: the same octets where there are spare bits."""
    return segment[:-1] + chr(ord(segment[-1]) + 1)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "how",
    [padded, next_letter, lambda text: f"{text[:4]}\n{text[4:]}"],
    ids=["padded", "spare bits", "a line end"],
)
def test_a_signature_spelt_in_another_way_is_refused(world, place, how):
    if place == "token":
        answer = world.token_request(respelt(world.token_proof(), signature=how))
    else:
        token = world.token()
        answer = world.call(token, respelt(world.api_proof(token), signature=how))
    assert refused(answer, place)


PAYLOADS = {
    "a member twice": ',"jti":"other"}',
    "a member of a member twice": ',"x":{"a":1,"a":1}}',
    "text after the object": "}x",
    "another object after it": "}{}",
    "not a number": ',"x":NaN}',
    "infinity": ',"x":Infinity}',
    "htm in a list": ',"htm":["POST"]}',
}


@pytest.mark.parametrize("end", PAYLOADS.values(), ids=PAYLOADS)
def test_claims_in_loose_json_are_refused(world, end):
    claims = parts(world.token_proof())[1]
    text = compact(claims)[:-1] + end
    assert refused(world.token_request(world.token_proof(payload=text)), "token")
    assert world.seen[-1].reports[0]["strict_form"].mark == "failed"


def test_a_byte_order_mark_is_refused(world):
    text = "\ufeff" + compact(parts(world.token_proof())[1])
    assert refused(world.token_request(world.token_proof(payload=text)), "token")


def test_white_space_in_json_is_json(world):
    text = json.dumps(parts(world.token_proof())[1], indent=2)
    assert world.token_request(world.token_proof(payload=f" {text}\n")).status == 200


NUMBER = "9" * 5000


def with_number(number, name="made up"):
    """What makes a proof's claims of right ones: one more, which is this number."""
    return lambda claims: f'{compact(claims)[:-1]},"{name}":{number}}}'


@pytest.mark.parametrize("number", [NUMBER, f"-{NUMBER}", f'{{"x":[{NUMBER}]}}', f"{NUMBER}.5"])
def test_an_unknown_claim_may_be_a_number_of_5000_digits(world, number):
    claims = parts(world.token_proof())[1]
    proof = world.token_proof(payload=with_number(number)(claims))
    assert world.token_request(proof).status == 200
    assert repr(read_proof(proof)) and repr(world.seen[-1])


@pytest.mark.parametrize("name", ["iat", "jti", "htm", "htu"])
def test_a_claim_that_counts_may_not_be_a_number_of_5000_digits(world, name):
    claims = parts(world.token_proof())[1]
    del claims[name]
    proof = world.token_proof(payload=with_number(NUMBER, name)(claims))
    assert refused(world.token_request(proof), "token")
    report = world.seen[-1].reports[0]
    assert report["well_formed"].mark == "passed"
    assert report["fresh" if name == "iat" else name].mark == "failed"
    assert repr(report) and report._repr_html_()


def test_a_jwk_and_a_header_may_have_numbers_of_5000_digits_where_nobody_reads_them(world):
    right, claims = parts(world.token_proof())
    for member, taken in (("kid", True), ("made up", True), ("typ", False), ("alg", False)):
        text = compact({name: value for name, value in right.items() if name != member})
        said = f'{text[:-1]},"{member}":{NUMBER}}}'
        signed = f"{encode(said.encode())}.{encode(compact(claims | {'jti': member}).encode())}"
        proof = f"{signed}.{encode(builder.sign(VICTIM, signed.encode(), alg='ES256'))}"
        assert (world.token_request(proof).status == 200) is taken
    for member in ("ext", "x", "crv", "use", "alg", "d"):
        jwk = {**right["jwk"], member: 0}
        said = compact({**right, "jwk": jwk}).replace(f'"{member}":0', f'"{member}":{NUMBER}')
        signed = f"{encode(said.encode())}.{encode(compact(claims | {'jti': member}).encode())}"
        proof = f"{signed}.{encode(builder.sign(VICTIM, signed.encode(), alg='ES256'))}"
        assert (world.token_request(proof).status == 200) is (member == "ext")


def test_an_access_token_and_an_assertion_do_not_end_at_infinity(world):
    token = world.token()
    header_part, claims = parts(token)
    for name, taken in (("made up", True), ("exp", False), ("nbf", False)):
        payload = with_number(NUMBER, name)({one: claims[one] for one in claims if one != name})
        endless = builder.jws(header_part, {}, SIGNER, alg="RS256", payload=payload)
        for answer in (world.call(endless, world.api_proof(endless)),):
            assert answer.status == (200 if taken else 401)
        said = {"iss": "m2m.jwt", "sub": "m2m.jwt", "aud": BASE_URL, "jti": secrets.token_hex()}
        said |= {"exp": world.clock.now() + 60} if name != "exp" else {}
        text = assertion(world, payload=with_number(NUMBER, name)(said))
        assert asserted(world, text).status == (200 if taken else 401)
    text = world.forged(token, claims={"exp": True})
    assert world.call(text, world.api_proof(text)).status == 401


VALUES = {
    "jti a number": {"jti": 5},
    "jti null": {"jti": None},
    "jti empty": {"jti": ""},
    "jti a list": {"jti": ["1"]},
    "htm a list": {"htm": ["POST"]},
    "htm a number": {"htm": 1},
    "htu a list": {"htu": [BASE_URL + TOKEN]},
    "htu null": {"htu": None},
    "nonce a number": {"nonce": 5},
    "nonce a list": {"nonce": ["x"]},
    "iat true": {"iat": True},
    "iat null": {"iat": None},
    "iat an object": {"iat": {}},
    "iat infinite": {"iat": 1e999},
}


@pytest.mark.parametrize("claims", VALUES.values(), ids=VALUES)
def test_values_of_another_json_type_are_refused(world, claims):
    assert refused(answer_to(world, "token", claims=claims), "token")


def test_iat_as_text_is_refused_and_iat_with_a_fraction_taken(world):
    now = world.now()
    assert refused(answer_to(world, "token", iat=str(now)), "token")
    assert answer_to(world, "token", iat=now - 0.5).status == 200


@pytest.mark.parametrize("crit", [["exp"], [], ["b64"], ["typ"], "exp", None, 5, {}])
@pytest.mark.parametrize("place", PLACES)
def test_any_crit_is_refused(world, place, crit):
    answer = answer_to(world, place, header={"crit": crit, "exp": 1, "b64": True})
    assert refused(answer, place)
    assert world.seen[-1].reports[-1].failure.check.name == "strict_form"


@pytest.mark.parametrize("place", PLACES)
def test_unknown_members_are_ignored(world, place):
    more = {"exp": 1, "nbf": 1 << 40, "iss": 5, "aud": [], "sub": True, "x": {"y": [None]}}
    assert (
        answer_to(world, place, claims=more, header={"kid": 5, "x5t": [], "b64": True}).status
        == 200
    )


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "typ", ["JWT", "DPOP+JWT", "application/dpop+jwt", "at+jwt", "", None, 1, ["dpop+jwt"]]
)
def test_the_typ_is_dpop_jwt_to_the_letter(world, place, typ):
    assert refused(answer_to(world, place, header={"typ": typ}), place)
    assert world.seen[-1].reports[-1].failure.check.name == "typ"


@pytest.mark.parametrize("text", ["x", "a.b", "a.b.c", "...", "a.b.c.d.e", "{}", "e30.e30."])
@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_proof_is_refused(world, place, text):
    assert refused(answer_to(world, place, text=text), place)


@pytest.mark.parametrize("place", PLACES)
def test_two_proofs_are_refused_and_so_is_an_empty_one(world, place):
    assert refused(answer_to(world, place, copies=2), place)
    assert refused(answer_to(world, place, text=""), place)


def test_a_token_without_any_proof_is_refused(world):
    answer = world.call(world.token())
    assert refused(answer, "api")
    assert world.seen[-1].reports[-1].failure.check.name == "one_header"


def test_a_client_that_must_prove_and_does_not_makes_an_invalid_request(world):
    answer = world.token_request()
    assert (answer.status, error(answer)[0]) == (400, "invalid_request")
    assert header(answer, "Cache-Control") == "no-store"


# ---- method and URL ---------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("htm", ["PUT", "post", "get", "", "POST ", "*"])
def test_htm_is_the_method_to_the_letter(world, place, htm):
    assert refused(answer_to(world, place, htm=htm), place)


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@pytest.mark.parametrize("method", METHODS)
def test_a_method_of_http_is_served_with_a_proof_for_it(world, method):
    token = world.token()
    other = "POST" if method == "GET" else "GET"
    assert world.call(token, world.api_proof(token, method=other), method=method).status == 401
    proof = world.api_proof(token, method=method)
    assert world.call(token, proof, method=method).status == 200


@pytest.mark.parametrize("method", ["get", "Get", "FROB", "GET ", "GETS", "TRACE", "CONNECT", ""])
@pytest.mark.parametrize("path", [API, PLAIN_API, API + "/"])
def test_another_method_is_not_allowed_whatever_comes_with_it(world, method, path):
    token, plain = world.token(), world.token(None)
    proof = world.proof(method, path, access_token=token)
    for answer in (
        world.call(token, proof, method=method, path=path),
        world.call(plain, method=method, path=path, scheme="Bearer"),
        world.send(method, path),
    ):
        assert (answer.status, answer.body) == (405, b"")
        assert header(answer, "Allow") == ", ".join(METHODS)
        assert header(answer, "WWW-Authenticate") is None
        assert world.seen[-1].status == 405 and world.seen[-1].reports == ()
    assert world.call(token, world.proof("GET", path, access_token=token), path=path).status in (
        (200,) if path != PLAIN_API else (401,)
    )


def test_405_does_not_use_a_proof_up(world):
    token = world.token()
    proof = world.api_proof(token)
    assert world.call(token, proof, method="get").status == 405
    assert world.call(token, proof).status == 200


HOST = BASE_URL.removeprefix("https://")
SAME_URLS = {
    "a query": "https://{host}{path}?x=1",
    "a fragment": "https://{host}{path}#x",
    "capital scheme and host": "HTTPS://{HOST}{path}",
    "the default port": "https://{host}:443{path}",
    "an empty port": "https://{host}:{path}",
    "dot segments": "https://{host}/x/.././{bare}",
    "an escaped letter": "https://{host}{escaped}",
}
OTHER_URLS = {
    "another path": "https://{host}/other",
    "a slash more": "https://{host}{path}/",
    "a double slash": "https://{host}/{path}",
    "the path in capitals": "https://{host}{PATH}",
    "a part of the path in capitals": "https://{host}{Path}",
    "an escaped slash": "https://{host}/%2F{bare}",
    "another host": "https://else.example{path}",
    "a host that begins alike": "https://{host}.else.example{path}",
    "a host with a dot at the end": "https://{host}.{path}",
    "another scheme": "http://{host}{path}",
    "another port": "https://{host}:8443{path}",
    "port 80": "https://{host}:80{path}",
    "user info": "https://user@{host}{path}",
    "a path alone": "{path}",
    "no scheme": "//{host}{path}",
    "no text": "",
    "blanks around it": " https://{host}{path} ",
    "backslashes": "https:\\\\{host}{path}",
    "no URL": "https://[{path}",
    "a port out of range": "https://{host}:99999{path}",
    "another kind of URL": "urn:x{path}",
}


def spelt(url, path):
    """A way to write the URL of this path."""
    first, second = path[1], path.lstrip("/")
    return url.format(
        host=HOST,
        HOST=HOST.upper(),
        path=path,
        PATH=path.upper(),
        Path=f"/{first.upper()}{path[2:]}",
        bare=second,
        escaped=f"/%{ord(first):02X}{path[2:]}",
    )


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("url", SAME_URLS.values(), ids=SAME_URLS)
def test_the_same_url_in_another_spelling_is_taken(world, place, url):
    htu = spelt(url, TOKEN if place == "token" else API)
    assert answer_to(world, place, htu=htu).status == 200


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("url", OTHER_URLS.values(), ids=OTHER_URLS)
def test_another_url_is_refused(world, place, url):
    htu = spelt(url, TOKEN if place == "token" else API)
    assert refused(answer_to(world, place, htu=htu), place)
    assert world.seen[-1].reports[-1].failure.check.name == "htu"


@pytest.mark.parametrize(
    "line",
    [
        ("Host", "else.example"),
        ("X-Forwarded-Host", "else.example"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Port", "8443"),
        ("X-Forwarded-Prefix", "/else"),
        ("X-Original-URL", "/else"),
        ("Forwarded", "host=else.example;proto=http"),
    ],
    ids=lambda line: line[0],
)
def test_the_servers_own_base_url_is_wanted_whatever_headers_say(world, line):
    assert world.token_request(world.token_proof(), headers=[line]).status == 200
    token = world.token()
    assert world.call(token, world.api_proof(token), headers=[line]).status == 200
    for htu in (f"https://else.example{API}", f"http://{HOST}{API}", f"https://{HOST}:8443{API}"):
        proof = world.api_proof(token, htu=htu)
        assert refused(world.call(token, proof, headers=[line]), "api")
    proof = world.token_proof(htu=f"https://else.example{TOKEN}")
    assert refused(world.token_request(proof, headers=[line]), "token")


def test_the_path_asked_for_is_the_one_that_counts(world):
    token = world.token()
    for path in (API + "/", "/API/dpop/test", "/api/dpop/%74est"):
        proof = world.proof("GET", path, access_token=token)
        assert world.call(token, proof, path=path).status == 200
    assert refused(world.call(token, world.api_proof(token), path=API + "/"), "api")
    assert world.call(token, world.api_proof(token), path=API + "?a=b").status == 200


# ---- time -------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("age", "status"), [(60, 200), (61, 0), (-10, 200), (-11, 0), (0, 200), (3600, 0), (-3600, 0)]
)
def test_iat_may_be_60_seconds_back_and_10_ahead(own_world, place, age, status):
    token_for_speed = own_world.token()
    now = own_world.now()
    if place == "token":
        answer = own_world.token_request(own_world.token_proof(iat=now - age))
    else:
        answer = own_world.call(
            token_for_speed, own_world.api_proof(token_for_speed, iat=now - age)
        )
    if status:
        assert answer.status == status
    else:
        assert refused(answer, place)
        failure = own_world.seen[-1].reports[-1].failure
        assert failure.defect == ("stale" if age > 0 else "early")


@pytest.mark.parametrize("place", PLACES)
def test_a_proof_grows_stale_with_the_clock(own_world, place):
    token = own_world.token()
    now = own_world.now()
    proof = (
        own_world.api_proof(token, iat=now) if place == "api" else own_world.token_proof(iat=now)
    )
    own_world.clock.advance(61)
    answer = own_world.call(token, proof) if place == "api" else own_world.token_request(proof)
    assert refused(answer, place)


# ---- replay -----------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_a_proof_is_taken_once(world, place):
    assert refused(answer_to(world, place, times=2), place)
    assert world.seen[-1].reports[-1].failure.defect == "replayed"


@pytest.mark.parametrize("place", PLACES)
def test_a_jti_is_remembered_for_as_long_as_any_proof_with_it_may_be_fresh(own_world, place):
    now = own_world.now()
    token, jti = own_world.token(), "remembered"

    def send(iat):
        if place == "token":
            return own_world.token_request(own_world.token_proof(jti=jti, iat=iat))
        return own_world.call(token, own_world.api_proof(token, jti=jti, iat=iat))

    assert send(now + 10).status == 200
    own_world.clock.advance(70)
    assert refused(send(now + 10), place)
    assert own_world.seen[-1].reports[-1].failure.check.name == "unused"
    own_world.clock.advance(1)
    assert refused(send(now + 10), place)
    assert own_world.seen[-1].reports[-1].failure.check.name == "fresh"
    assert send(own_world.clock.now()).status == 200


@pytest.mark.parametrize("place", PLACES)
def test_the_same_jti_of_another_key_is_another_proof(world, place):
    jti = secrets.token_hex()
    assert answer_to(world, place, jti=jti).status == 200
    assert answer_to(world, place, THIEF, jti=jti).status == 200
    assert refused(answer_to(world, place, jti=jti), place)


def test_the_same_jti_at_another_url_is_another_proof(world):
    jti, token = secrets.token_hex(), world.token()
    for path in (API, API + "/"):
        proof = world.proof("GET", path, access_token=token, jti=jti)
        assert world.call(token, proof, path=path).status == 200
    assert world.token_request(world.token_proof(jti=jti)).status == 200


def test_the_same_jti_at_the_same_url_is_a_replay_however_it_is_spelt(world):
    jti, token = secrets.token_hex(), world.token()
    assert world.call(token, world.api_proof(token, jti=jti)).status == 200
    again = world.api_proof(token, jti=jti, htu=f"HTTPS://{HOST.upper()}:443/./{API[1:]}?x")
    assert refused(world.call(token, again), "api")
    again = world.proof("GET", API, access_token=token, jti=jti)
    assert refused(world.call(token, again, path=API + "?x=1"), "api")


@pytest.mark.parametrize("place", PLACES)
def test_a_refused_proof_is_not_used_up(world, place):
    if place == "token":
        proof = world.token_proof()
        assert world.token_request(proof, client_secret="wrong").status == 401
        assert world.token_request(proof, proof).status == 400
        assert world.token_request(proof).status == 200
        assert refused(world.token_request(proof), "token")
        return
    token, other = world.token(), world.token(THIEF)
    proof = world.api_proof(token)
    assert world.call(other, proof).status == 401
    assert world.call(token, proof, method="POST").status == 401
    assert world.call(token, proof, path=API + "/").status == 401
    assert world.call(token, proof, proof).status == 401
    assert world.call(token, proof).status == 200
    assert refused(world.call(token, proof), "api")


def test_a_proof_refused_for_a_claim_may_come_right_with_the_same_jti(world):
    jti = secrets.token_hex()
    assert refused(answer_to(world, "token", jti=jti, htm="GET"), "token")
    assert refused(answer_to(world, "token", jti=jti, spoil=True), "token")
    assert answer_to(world, "token", jti=jti).status == 200


@pytest.mark.parametrize(
    "form", [{"scope": "nothing"}, {"resource": "urn:else"}, {"grant_type": "password"}]
)
def test_a_good_proof_is_used_up_though_its_request_is_refused_for_something_else(world, form):
    proof = world.token_proof()
    assert error(world.token_request(proof, **form))[0] != "invalid_dpop_proof"
    assert refused(world.token_request(proof), "token")


# ---- client authentication --------------------------------------------------------------------


def basic(client_id="m2m.dpop", secret="secret"):
    """A Basic Authorization line."""
    pair = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    return ("Authorization", f"Basic {pair}")


def assertion(world, **variations):
    """A client assertion of m2m.jwt, right unless variations say otherwise."""
    said = {"client_id": "m2m.jwt", "audience": BASE_URL + TOKEN, "now": world.clock.now()}
    said |= {"kid": world.twin.client_key_id, "jti": secrets.token_urlsafe(16), **variations}
    return builder.assertion(SIGNER_OF_CLIENTS, **said)


SIGNER_OF_CLIENTS = builder.load(CLIENT_KEY.private_jwk())
NO_SECRET = {"client_secret": None}
NOBODY = {"client_id": None, "client_secret": None}


def asserted(world, text, **form):
    """A token request with a client assertion."""
    said = {"client_assertion": text, "client_assertion_type": JWT_BEARER}
    return world.token_request(world.token_proof(), **{**NOBODY, **said, **form})


def unknown_client(answer, challenge=None):
    """Whether an answer refuses the client, with a Basic challenge or without."""
    assert (answer.status, error(answer)[0]) == (401, "invalid_client")
    assert header(answer, "WWW-Authenticate") == challenge
    assert header(answer, "Cache-Control") == "no-store"
    return True


BASIC_CHALLENGE = 'Basic realm="token endpoint"'


def test_a_wrong_client_gets_401(world):
    for form in (
        {"client_secret": "wrong"},
        NO_SECRET,
        NOBODY,
        {"client_id": "nobody"},
        {"client_id": "M2M.DPOP"},
        {"client_id": "m2m.jwt"},
    ):
        assert unknown_client(world.token_request(world.token_proof(), **form))


def test_a_client_that_tried_basic_gets_a_basic_challenge(world):
    for line in (
        basic(secret="wrong"),
        basic("nobody"),
        basic(secret=""),
        ("Authorization", "Basic"),
        ("Authorization", "Basic not base64"),
        ("Authorization", "basic " + encode(b"no colon")),
    ):
        answer = world.token_request(world.token_proof(), headers=[line], **NOBODY)
        assert unknown_client(answer, BASIC_CHALLENGE)


def test_basic_alone_authenticates_and_so_beside_the_same_client_id(world):
    for form in (NOBODY, NO_SECRET):
        answer = world.token_request(world.token_proof(), headers=[basic()], **form)
        assert answer.status == 200
    escaped = basic("m2m%2Edpop", "%73ecret")
    assert world.token_request(world.token_proof(), headers=[escaped], **NOBODY).status == 200


def test_basic_beside_another_client_id_is_refused(world):
    answer = world.token_request(
        world.token_proof(), headers=[basic()], client_id="m2m", client_secret=None
    )
    assert unknown_client(answer, BASIC_CHALLENGE)


def test_two_ways_of_client_authentication_are_an_invalid_request(world):
    several = {"client_assertion": assertion(world), "client_assertion_type": JWT_BEARER}
    for headers, form in (
        ([basic()], {}),
        ([basic()], {**NOBODY, **several}),
        ([], several),
        ([basic(), basic()], NOBODY),
        ([basic(secret="wrong"), basic()], NOBODY),
    ):
        answer = world.token_request(world.token_proof(), headers=headers, **form)
        assert (answer.status, error(answer)[0]) == (400, "invalid_request")


@pytest.mark.parametrize("name", ["client_id", "client_secret", "grant_type", "scope", "x"])
def test_a_parameter_given_twice_is_an_invalid_request(world, name):
    value = {"client_id": "m2m.dpop", "client_secret": "secret", "scope": "api"}.get(name, "a")
    value = "client_credentials" if name == "grant_type" else value
    answer = world.token_request(world.token_proof(), **{name: [value, value]})
    assert (answer.status, error(answer)[0]) == (400, "invalid_request")


def test_an_unknown_parameter_is_ignored_and_an_empty_one_too(world):
    answer = world.token_request(world.token_proof(), x="1", scope="", resource="")
    assert answer.status == 200


def test_parameter_names_are_exact(world):
    answer = world.token_request(
        world.token_proof(), grant_type=None, GRANT_TYPE="client_credentials"
    )
    assert error(answer)[0] in ("unsupported_grant_type", "invalid_request")


def test_a_client_assertion_authenticates_with_or_without_its_client_id(world):
    for form in ({}, {"client_id": "m2m.jwt"}):
        assert asserted(world, assertion(world), **form).status == 200
    for audience in (BASE_URL, [BASE_URL + TOKEN], ["https://else.example", BASE_URL]):
        assert asserted(world, assertion(world, audience=audience)).status == 200


def test_a_client_assertion_may_be_signed_in_several_ways_that_fit_the_key(world):
    for alg in ("RS512", "PS256"):
        assert asserted(world, assertion(world, alg=alg)).status == 200


def test_a_client_assertion_is_taken_once(world):
    text = assertion(world)
    assert asserted(world, text).status == 200
    assert unknown_client(asserted(world, text))


BAD_ASSERTIONS = {
    "no expiry": {"without": ["exp"]},
    "run out": {"now": -100},
    "expiry as text": {"claims": {"exp": "9999999999"}},
    "not yet valid": {"claims": {"nbf": 9_999_999_998, "exp": 9_999_999_999}},
    "no jti": {"without": ["jti"]},
    "blank jti": {"jti": " "},
    "no issuer": {"without": ["iss"]},
    "another issuer": {"claims": {"iss": "m2m"}},
    "another subject": {"claims": {"sub": "m2m.short.jwt"}},
    "no subject": {"without": ["sub"]},
    "no audience": {"without": ["aud"]},
    "another audience": {"audience": "https://else.example"},
    "the API for an audience": {"audience": BASE_URL + API},
    "an audience with a slash": {"audience": BASE_URL + "/"},
    "an object for an audience": {"audience": {"": BASE_URL}},
    "an audience within another": {"audience": [[BASE_URL]]},
    "unsigned": {"header": {"alg": "none"}, "drop_signature": True},
    "another algorithm than it says": {"header": {"alg": "RS384"}},
    "spoilt": {"spoil": True},
    "claims twice": {"payload": '{"sub":"m2m.jwt","sub":"m2m.jwt"}'},
    "no JWT": {"text": "x"},
}


@pytest.mark.parametrize("variations", BAD_ASSERTIONS.values(), ids=BAD_ASSERTIONS)
def test_a_bad_client_assertion_is_refused(world, variations):
    variations = dict(variations)
    if "now" in variations:
        variations["now"] += world.clock.now()
    assert unknown_client(asserted(world, assertion(world, **variations)))


def test_a_client_assertion_of_a_stranger_or_of_another_client_is_refused(world):
    said = {"client_id": "m2m.jwt", "audience": BASE_URL, "now": world.clock.now(), "jti": "1"}
    assert unknown_client(asserted(world, builder.assertion(STRANGER, kid="x", **said)))
    assert unknown_client(asserted(world, assertion(world), client_id="m2m"))
    assert unknown_client(asserted(world, assertion(world, client_id="m2m")))
    assert unknown_client(asserted(world, assertion(world), client_assertion_type="other"))
    assert unknown_client(asserted(world, assertion(world), client_assertion_type=None))


# ---- the token endpoint -----------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "post"])
def test_the_token_endpoint_allows_post_only(world, method):
    answer = world.send(method, TOKEN, [FORM_TYPE], b"grant_type=client_credentials")
    assert answer.status == 405
    assert header(answer, "Allow") == "POST"


@pytest.mark.parametrize(
    "path", ["/.well-known/openid-configuration", "/.well-known/openid-configuration/jwks"]
)
def test_the_documents_allow_get_only(world, path):
    assert world.send("GET", path).status == 200
    answer = world.send("POST", path)
    assert (answer.status, header(answer, "Allow")) == (405, "GET")


@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/form-data; boundary=x", "", "text/plain"]
)
def test_another_body_than_a_form_is_an_invalid_request(world, kind):
    answer = world.send("POST", TOKEN, [("Content-Type", kind)], b"grant_type=client_credentials")
    assert (answer.status, error(answer)[0]) == (400, "invalid_request")


def test_a_form_may_name_its_character_set(world):
    kind = [("Content-Type", "APPLICATION/x-www-form-urlencoded; charset=utf-8")]
    body = b"grant_type=client_credentials&client_id=m2m&client_secret=secret&scope=api"
    assert world.send("POST", TOKEN, kind, body).status == 200


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "made_up"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "unauthorized_client"),
        ({"scope": "nothing"}, "invalid_scope"),
        ({"scope": "api nothing"}, "invalid_scope"),
        ({"scope": "\n"}, "invalid_scope"),
        ({"scope": "\u2028"}, "invalid_scope"),
        ({"scope": "api\n"}, "invalid_scope"),
        ({"scope": "\tapi"}, "invalid_scope"),
        ({"scope": "api\xa0"}, "invalid_scope"),
        ({"resource": "urn:else"}, "invalid_target"),
        ({"resource": "no uri"}, "invalid_target"),
        ({"resource": ["urn:resource1", "urn:resource2"]}, "invalid_target"),
    ],
)
def test_errors_of_the_token_endpoint_are_400_and_not_to_be_stored(world, form, code):
    answer = world.token_request(world.token_proof(), **form)
    assert (answer.status, error(answer)[0]) == (400, code)
    assert header(answer, "Cache-Control") == "no-store"


def test_a_token_comes_with_what_the_rfcs_ask_for(world):
    answer = world.token_request(world.token_proof())
    assert answer.status == 200
    assert header(answer, "Cache-Control") == "no-store"
    members = json.loads(answer.body)
    assert (members["token_type"], members["scope"]) == ("DPoP", "api")
    head, claims = parts(members["access_token"])
    assert head["typ"] == "at+jwt"
    assert claims["cnf"] == {"jkt": builder.thumbprint(P256)}
    assert claims["exp"] - claims["iat"] == members["expires_in"] == 3600
    assert {"iss", "sub", "aud", "client_id", "jti"} - set(claims) <= {"sub"}


def test_a_client_that_need_not_prove_gets_a_bearer_token_without_a_proof(world):
    members = json.loads(world.token_request(client_id="m2m").body)
    assert members["token_type"] == "Bearer"
    assert "cnf" not in parts(members["access_token"])[1]


# ---- nonces -----------------------------------------------------------------------------------


def nonce_answer(world, place, **variations):
    """The answer to a proof at a place that demands a nonce."""
    if place == "token":
        return world.token_request(world.token_proof(**variations), client_id="m2m.dpop.nonce")
    token = world.token()
    return world.call(token, world.api_proof(token, **variations))


@pytest.fixture
def nonce_world():
    """A strict twin that demands nonces everywhere."""
    return World(RFC_9449, api_nonce=True)


@pytest.mark.parametrize("place", PLACES)
def test_a_proof_without_a_nonce_is_told_to_use_the_one_it_is_given(nonce_world, place):
    answer = nonce_answer(nonce_world, place)
    assert refused(answer, place, "use_dpop_nonce")
    nonce = header(answer, "DPoP-Nonce")
    answer = nonce_answer(nonce_world, place, nonce=nonce)
    assert answer.status == 200
    assert header(answer, "DPoP-Nonce") is None
    assert nonce_answer(nonce_world, place, nonce=nonce).status == 200


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("nonce", ["", " ", "made up", "gAAAAA" * 20])
def test_a_nonce_of_ones_own_is_not_taken(nonce_world, place, nonce):
    assert refused(nonce_answer(nonce_world, place, nonce=nonce), place, "use_dpop_nonce")


@pytest.mark.parametrize("place", PLACES)
def test_the_nonce_of_the_other_server_is_not_taken(nonce_world, place):
    other = {"token": "api", "api": "token"}[place]
    nonce = nonce_world.nonce(other)
    assert refused(nonce_answer(nonce_world, place, nonce=nonce), place, "use_dpop_nonce")


@pytest.mark.parametrize("place", PLACES)
def test_a_nonce_lasts_300_seconds_and_is_renewed_past_half_its_life(nonce_world, place):
    nonce_world.now()
    nonce = nonce_world.nonce(place)
    nonce_world.clock.advance(149)
    assert header(nonce_answer(nonce_world, place, nonce=nonce), "DPoP-Nonce") is None
    nonce_world.clock.advance(2)
    answer = nonce_answer(nonce_world, place, nonce=nonce)
    assert answer.status == 200
    renewed = header(answer, "DPoP-Nonce")
    assert renewed not in (None, nonce)
    nonce_world.clock.advance(149)
    nonce_world.clock.advance(nonce_world.clock.time() // 1 - nonce_world.clock.time())
    assert nonce_answer(nonce_world, place, nonce=nonce).status == 200
    nonce_world.clock.advance(1)
    assert refused(nonce_answer(nonce_world, place, nonce=nonce), place, "use_dpop_nonce")
    assert nonce_answer(nonce_world, place, nonce=renewed).status == 200


@pytest.mark.parametrize("place", PLACES)
def test_a_nonce_does_not_excuse_an_old_iat(nonce_world, place):
    nonce = nonce_world.nonce(place)
    iat = nonce_world.clock.now() - 3600
    assert refused(nonce_answer(nonce_world, place, nonce=nonce, iat=iat), place)


@pytest.mark.parametrize("place", PLACES)
def test_a_proof_refused_for_its_nonce_may_come_again_with_the_same_jti(nonce_world, place):
    jti = secrets.token_hex()
    assert refused(nonce_answer(nonce_world, place, jti=jti), place, "use_dpop_nonce")
    nonce = nonce_world.nonce(place)
    assert nonce_answer(nonce_world, place, jti=jti, nonce=nonce).status == 200


def test_a_nonce_nobody_asked_for_is_ignored(world):
    for place in PLACES:
        answer = answer_to(world, place, nonce="whatever")
        assert answer.status == 200
        assert header(answer, "DPoP-Nonce") is None


# ---- the access token -------------------------------------------------------------------------


def bad_token(answer, scheme="DPoP"):
    """Whether an answer is a 401 for the access token."""
    assert answer.status == 401
    assert error(answer)[0] == "invalid_token"
    challenge = header(answer, "WWW-Authenticate")
    assert challenge.startswith(f'{scheme} error="invalid_token", error_description="')
    assert ("algs=" in challenge) == (scheme == "DPoP")
    return True


def test_no_token_at_all_gets_a_challenge_without_an_error(world):
    for path, wanted in ((API, "DPoP"), (PLAIN_API, "Bearer")):
        answer = world.send("GET", path)
        assert answer.status == 401
        scheme, _, rest = header(answer, "WWW-Authenticate").partition(" ")
        assert scheme == wanted
        assert "error" not in rest
        assert rest.startswith("algs=") == (wanted == "DPoP")


BAD_TOKENS = {
    "another issuer": {"claims": {"iss": "https://else.example"}},
    "issuer with a slash": {"claims": {"iss": BASE_URL + "/"}},
    "another audience": {"claims": {"aud": "urn:resource1"}},
    "no audience": {"claims": {"aud": None}},
    "audience in a list without ours": {"claims": {"aud": ["urn:resource1"]}},
    "typ JWT": {"header": {"typ": "JWT"}},
    "typ dpop+jwt": {"header": {"typ": "dpop+jwt"}},
    "typ in capitals": {"header": {"typ": "AT+JWT"}},
    "alg none": {"header": {"alg": "none"}},
    "alg HS256": {"header": {"alg": "HS256"}},
    "spoilt": {"spoil": True},
    "no signature": {"drop_signature": True},
    "run out a second ago": {"claims": {"exp": -1}},
    "not valid yet": {"claims": {"nbf": 60}},
    "no expiry": {"claims": {"exp": None}},
    "expiry as text": {"claims": {"exp": "9999999999"}},
    "another key": {"signing_key": STRANGER},
    "the clients' key": {"signing_key": SIGNER_OF_CLIENTS},
}


@pytest.mark.parametrize("path", [API, PLAIN_API])
@pytest.mark.parametrize("changes", BAD_TOKENS.values(), ids=BAD_TOKENS)
def test_a_bad_access_token_is_an_invalid_token(world, path, changes):
    changes = {"signing_key": SIGNER, **changes}
    claims = dict(changes.pop("claims", {}))
    for name in ("exp", "nbf"):
        if type(claims.get(name)) is int:
            claims[name] += world.clock.now()
    dpop = path == API
    real = world.token(VICTIM if dpop else None)
    token = world.forged(real, claims=claims, **changes)
    proofs = [world.api_proof(token)] if dpop else []
    scheme = "DPoP" if dpop else "Bearer"
    assert bad_token(world.call(token, *proofs, path=path, scheme=scheme), scheme)


@pytest.mark.parametrize(
    "changes",
    [
        {"claims": {"aud": ["urn:resource1", "api"]}},
        {"header": {"typ": "application/at+jwt"}},
        {"header": {"kid": "another"}},
        {"claims": {"scope": [], "x": {}}},
    ],
)
def test_a_good_access_token_in_another_form_is_taken(world, changes):
    token = world.forged(world.token(), **changes)
    assert world.call(token, world.api_proof(token)).status == 200


def test_text_that_is_no_access_token_is_an_invalid_token(world):
    for text in ("x", "a.b.c", "", "a b", "e30.e30."):
        assert bad_token(world.call(text, world.api_proof(text)))
        assert bad_token(world.call(text, path=PLAIN_API, scheme="Bearer"), "Bearer")


def test_an_access_token_spelt_in_another_way_is_refused(world):
    for change in (padded, next_letter):
        token = respelt(world.token(), signature=change)
        assert bad_token(world.call(token, world.api_proof(token)))


def test_a_token_has_no_grace_after_its_expiry(own_world):
    own_world.now()
    token = own_world.token(client="m2m.short")
    plain = own_world.token(None)
    own_world.clock.advance(74)
    assert own_world.call(token, own_world.api_proof(token)).status == 200
    own_world.clock.advance(1)  # on or after exp it is over (RFC 7519 section 4.1.4)
    assert bad_token(own_world.call(token, own_world.api_proof(token)))
    own_world.clock.advance(3599 - 75)
    assert own_world.call(plain, path=PLAIN_API, scheme="Bearer").status == 200
    own_world.clock.advance(1)
    assert bad_token(own_world.call(plain, path=PLAIN_API, scheme="Bearer"), "Bearer")


def test_a_bound_token_is_refused_under_bearer_at_both_apis(world):
    token = world.token()
    answer = world.call(token, world.api_proof(token), scheme="Bearer")
    assert bad_token(answer)
    answer = world.call(token, path=PLAIN_API, scheme="Bearer")
    assert bad_token(answer, "Bearer")
    answer = world.call(token, world.proof("GET", PLAIN_API), path=PLAIN_API, scheme="Bearer")
    assert bad_token(answer, "Bearer")


def test_an_unbound_token_is_refused_at_the_api_that_wants_a_proof(world):
    token = world.token(None)
    assert bad_token(world.call(token, world.api_proof(token)))
    assert bad_token(world.call(token, world.api_proof(token), scheme="Bearer"))
    assert world.call(token, path=PLAIN_API, scheme="Bearer").status == 200
    assert bad_token(world.call(token, path=PLAIN_API, scheme="DPoP"), "Bearer")


def test_a_token_bound_to_another_key_is_an_invalid_token(world):
    token = world.token()
    assert bad_token(world.call(token, world.api_proof(token, THIEF)))
    assert bad_token(world.call(token, world.api_proof(token, THIEF, header_key=None)))


@pytest.mark.parametrize("cnf", ["x", [], {}, {"jkt": None}, {"x5t#S256": "x"}, {"jkt": ["x"]}])
def test_a_binding_that_names_no_key_binds_to_none(world, cnf):
    token = world.forged(world.token(), claims={"cnf": cnf})
    assert bad_token(world.call(token, world.api_proof(token)))
    assert bad_token(world.call(token, path=PLAIN_API, scheme="Bearer"), "Bearer")


@pytest.mark.parametrize("name", ["x5t#S256", "jwk", "kid", "jku", "jwe", "made up", "JKT", ""])
@pytest.mark.parametrize("value", ["x", None])
def test_a_token_that_is_bound_by_more_than_its_jkt_is_refused(world, name, value):
    jkt = builder.thumbprint(P256)
    token = world.forged(world.token(), claims={"cnf": {"jkt": jkt, name: value}})
    assert bad_token(world.call(token, world.api_proof(token)))
    failure = world.seen[-1].reports[-1].failure
    assert (failure.check.name, failure.defect) == ("bound_key", "unchecked")
    assert bad_token(world.call(token, world.api_proof(token, THIEF)))
    assert world.seen[-1].reports[-1].failure.defect == "wrong"


@pytest.mark.parametrize(
    "variations",
    [
        {"access_token": "other"},
        {"without": ["ath"]},
        {"claims": {"ath": ["x"]}},
        {"claims": {"ath": ""}},
    ],
)
def test_a_proof_for_another_token_is_an_invalid_proof(world, variations):
    assert refused(answer_to(world, "api", **variations), "api")
    assert world.seen[-1].reports[-1].failure.check.name in ("ath", "strict_form")


def test_an_ath_in_another_spelling_is_refused(world):
    token = world.token()
    ath = builder.access_token_hash(token)
    for text in (ath + "=", ath.upper(), ath[:-1], ath + " "):
        assert refused(world.call(token, world.api_proof(token, claims={"ath": text})), "api")


@pytest.mark.parametrize("scheme", ["dpop", "DPOP", "dPoP"])
def test_the_scheme_may_be_written_in_any_case(world, scheme):
    token = world.token()
    assert world.call(token, world.api_proof(token), scheme=scheme).status == 200


def several(answer, scheme="DPoP"):
    """Whether an answer is the 400 for a token sent more than once."""
    assert (answer.status, error(answer)[0]) == (400, "invalid_request")
    assert header(answer, "WWW-Authenticate").startswith(f'{scheme} error="invalid_request"')
    return True


def test_two_authorization_lines_are_an_invalid_request(world):
    token, plain = world.token(), world.token(None)
    for more in (f"DPoP {token}", f"Bearer {plain}", "Basic x", ""):
        lines = [("authorization", more)]
        assert several(world.call(token, world.api_proof(token), headers=lines))
        answer = world.call(plain, path=PLAIN_API, scheme="Bearer", headers=lines)
        assert several(answer, "Bearer")


def test_a_token_sent_in_two_ways_is_an_invalid_request(world):
    token, plain = world.token(), world.token(None)
    assert several(world.call(token, world.api_proof(token), path=f"{API}?access_token={token}"))
    answer = world.call(plain, path=f"{PLAIN_API}?access_token={plain}", scheme="Bearer")
    assert several(answer, "Bearer")
    lines = [("Authorization", f"Bearer {plain}"), FORM_TYPE]
    answer = world.send("POST", PLAIN_API, lines, f"access_token={plain}".encode())
    assert several(answer, "Bearer")
    assert several(world.send("GET", f"{API}?access_token=a&access_token=b"))


@pytest.mark.parametrize("path", [API, PLAIN_API])
def test_a_token_in_the_query_or_the_form_alone_is_none(world, path):
    plain = world.token(None)
    for answer in (
        world.send("GET", f"{path}?access_token={plain}"),
        world.send("POST", path, [FORM_TYPE], f"access_token={plain}".encode()),
    ):
        assert answer.status == 401
        assert error(answer) == (None, None)


# ---- the policy beside the servers ------------------------------------------------------------


def test_scripts_of_other_origins_may_read_the_headers_they_need(world):
    answer = world.send("GET", API, [("Origin", "https://spa.example")])
    exposed = header(answer, "Access-Control-Expose-Headers")
    assert set(exposed.split(", ")) == {"DPoP-Nonce", "WWW-Authenticate"}


def test_the_windows_are_what_the_design_says():
    for profile in (RFC_9449.token, RFC_9449.token_nonce, RFC_9449.api, RFC_9449.api_nonce):
        assert (profile.window.max_age, profile.window.max_ahead) == (60, 10)
        assert (profile.nonce_window.max_age, RFC_9449.nonce_renewed_at) == (300, 150)
        assert profile.remember > profile.window.max_age + profile.window.max_ahead
    assert (RFC_9449.bound.reading.leeway, RFC_9449.bearer.reading.leeway) == (0, 0)


def test_the_places_ask_what_they_can():
    names = {place: [row.name for row in p.rows] for place, p in RFC_9449.profiles.items()}
    assert "strict_form" in names["token"] and "nonce" not in names["token"]
    assert "ath" not in names["token"] and "bound_key" not in names["token_nonce"]
    assert {"ath", "bound_key", "nonce"} <= set(names["api_nonce"])
    assert "unbound" in names["bearer"] and "audience" in names["bound"]


@pytest.mark.parametrize(
    "changes",
    [
        {"header": {"crit": ["x"], "x": 1}},
        {"header": {"typ": "dpop+jwt"}},
        {"claims": {"nbf": {"now": 5}}},
    ],
    ids=["crit", "typ of a proof", "not yet"],
)
def test_an_assertion_of_another_kind_is_refused(world, changes):
    if "claims" in changes:
        changes = {"claims": {"nbf": world.clock.now() + 5}}
    answer = asserted(world, assertion(world, **changes))
    assert (answer.status, error(answer)[0]) == (401, "invalid_client")


def test_an_assertion_is_over_at_its_exp(own_world):
    now = own_world.now()
    for seconds, status in ((1, 200), (0, 401)):
        text = assertion(own_world, claims={"exp": now + seconds})
        assert asserted(own_world, text).status == status


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["n", "e"])
def test_an_rsa_number_with_a_leading_zero_octet_is_refused(world, place, name):
    jwk = builder.public_jwk(builder.key("A", "RS256"))
    octets = b"\0" + base64.urlsafe_b64decode(jwk[name] + "==")
    padded = base64.urlsafe_b64encode(octets).decode().rstrip("=")
    key = builder.key("A", "RS256")
    answer = answer_to(world, place, key, alg="RS256", jwk={name: padded})
    assert refused(answer, place)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "member", [{"use": "enc"}, {"key_ops": ["encrypt"]}, {"key_ops": "verify"}, {"alg": "ES384"}]
)
def test_a_key_that_says_it_is_for_something_else_is_refused(world, place, member):
    assert refused(answer_to(world, place, jwk=member), place)


@pytest.mark.parametrize("place", PLACES)
def test_a_key_that_says_it_is_for_this_is_taken(world, place):
    members = {"use": "sig", "key_ops": ["verify"], "alg": "ES256", "kid": "k"}
    assert answer_to(world, place, jwk=members).status == 200


def test_two_keys_may_use_one_jti(world):
    jti = secrets.token_urlsafe(16)
    for key in (VICTIM, THIEF):
        token = world.token(key)
        proof = world.api_proof(token, key, jti=jti)
        assert world.call(token, proof).status == 200
