"""Whatever is sent, the rows answer, nothing forged is accepted, and the next client is served."""

import base64
import json
import re
import secrets
from urllib.parse import urlencode

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dpop_lab.jose.encoding import thumbprint
from dpop_lab.jose.jws import Jws
from dpop_lab.proof import read_proof
from dpop_lab.proof.rules import Context, ProofProfile, jkt, strict_form
from dpop_lab.server.access_token import TokenContext, token_of
from dpop_lab.server.common import Nonces
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.wire.syntax import normal_url
from tests import builder
from tests.world import (
    API,
    BASE_URL,
    FORM_TYPE,
    PLAIN_API,
    POLICIES,
    SIGNER,
    SIGNING_KEY,
    TOKEN,
    World,
)

NOW = 1_800_000_000
NONCES = Nonces()
URL = BASE_URL + API
ACCESS_TOKEN = "a-bound.access.token"
KEYS = {
    "ES256": builder.key("A"),
    "ES384": builder.key("A", "ES384"),
    "ES512": builder.key("A", "ES512"),
    "RS256": builder.key("A", "RS256"),
    "PS256": builder.key("A", "PS256"),
    "EdDSA": builder.key("E", "EdDSA"),
}


def quick(examples):
    """Settings for so many examples."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
    return settings(max_examples=examples, deadline=None, suppress_health_check=slow)


def profiles():
    """Every profile of each policy, whole or with a row struck out: policy, row, profile."""
    for policy in (DUENDE, RFC_9449):
        for place, profile in policy.profiles.items():
            yield policy, None, profile
            for row in profile.rows:
                if row.name not in profile.essential:
                    yield policy, row.name, getattr(policy.without(row.name), place)


PROFILES = list(profiles())
PROOF_PROFILES = [one for one in PROFILES if isinstance(one[2], ProofProfile)]
TOKEN_PROFILES = [profile for *_, profile in PROFILES if not isinstance(profile, ProofProfile)]
WHOLE_PROFILES = [one for one in PROOF_PROFILES if one[1] is None]
STRUCK_OUT = st.lists(st.sampled_from([one for one in PROOF_PROFILES if one[1]]), max_size=4)

# ---- what is sent -----------------------------------------------------------------------------

SURROGATES = st.text(st.sampled_from("\ud800\udfffa\0é\U0001f600"), max_size=4)
TEXTS = st.text(max_size=20) | SURROGATES
WHOLE_TEXTS = st.text(max_size=20)
NUMBERS = (
    st.integers(-(10**30), 10**30)
    | st.sampled_from([10**400, -(10**400), 2**63, 1e308, -0.0, NOW, float(NOW), str(NOW)])
    | st.floats()
)


def json_values(texts):
    """Any JSON value over these texts."""
    return st.recursive(
        st.none() | st.booleans() | NUMBERS | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=6,
    )


def jwks(values):
    """A jwk: a right one, one with members changed, or something else."""
    right = st.sampled_from([builder.public_jwk(key) for key in KEYS.values()])
    right |= st.sampled_from([builder.private_jwk(key) for key in KEYS.values()])
    names = st.sampled_from(
        [
            "kty",
            "KTY",
            "crv",
            "x",
            "X",
            "y",
            "n",
            "e",
            "d",
            "k",
            "alg",
            "use",
            "key_ops",
            "x5c",
            "oth",
        ]
    )
    kinds = st.sampled_from(["EC", "RSA", "OKP", "oct", "P-256", "P-384", "Ed25519", "AQAB", ""])
    changed = st.builds(
        lambda jwk, changes: {**jwk, **changes},
        right,
        st.dictionaries(names, kinds | values, max_size=2),
    )
    return right | changed | values | st.lists(right, max_size=2)


def headers(values):
    """Any header, most of it plausible."""
    return st.builds(
        lambda said, more: {**more, **said},
        st.fixed_dictionaries(
            {},
            optional={
                "typ": st.just("dpop+jwt") | values,
                "alg": st.sampled_from([*KEYS, "none", "HS256", "Ed25519"]) | values,
                "jwk": jwks(values),
                "kid": values,
                "crit": values,
            },
        ),
        st.dictionaries(TEXTS if values is ANY else WHOLE_TEXTS, values, max_size=2),
    )


def claims(values):
    """Any claims, most of them plausible."""
    ath = builder.access_token_hash(ACCESS_TOKEN)
    return st.builds(
        lambda said, more: {**more, **said},
        st.fixed_dictionaries(
            {},
            optional={
                "jti": st.just("1") | values,
                "htm": st.sampled_from(["GET", ["GET"]]) | values,
                "htu": st.sampled_from([URL, [URL], URL + "#", "http://[", "https://h:99999/"])
                | values,
                "iat": st.sampled_from([NOW, NOW - 30, NOW + 26, str(NOW), "1,0", "+", "."])
                | values,
                "ath": st.just(ath) | values,
                "nonce": st.just(NONCES.issue(NOW)) | values,
                "exp": values,
                "aud": values,
                "sub": values,
            },
        ),
        st.dictionaries(TEXTS if values is ANY else WHOLE_TEXTS, values, max_size=2),
    )


ANY, WHOLE = json_values(TEXTS), json_values(WHOLE_TEXTS)


def context(profile, text="", cnf=None):
    """What a server at this place would know."""
    return Context(
        profile=profile,
        headers=(text,),
        method="GET",
        url=URL,
        now=NOW,
        access_token=ACCESS_TOKEN,
        cnf=cnf,
        nonce_time=NONCES.issued_at,
    )


def checked(profile, text, cnf=None):
    """The report on a proof at this place, whole."""
    return answered(profile, profile.examine(read_proof(text), context(profile, text, cnf)))


def answered(profile, report):
    """A report is whole, can be shown, and its failure can be answered."""
    assert len(report.findings) == len(profile.rows)
    assert str(report).encode("utf-8", "backslashreplace")
    assert report.accepted == all(finding.mark == "passed" for finding in report.findings)
    assert (report.failure is None) == report.accepted
    if report.failure:
        answer = profile.answer(report.failure)
        assert answer.status in (400, 401)
        assert report.failure.defect
    return report


def spelt(header, payload="{}"):
    """An unsigned JWS of these texts, whatever octets they stand for."""
    octets = (text.encode("utf-8", "surrogateescape") for text in (header, payload))
    return ".".join([*map(builder.encode, octets), ""])


# ---- rows are total ---------------------------------------------------------------------------


@given(headers(WHOLE), claims(WHOLE), st.binary(max_size=70), WHOLE)
@quick(70)
def test_no_row_raises_whatever_header_and_claims_are(header, claims, signature, cnf):
    proof = Jws(text="a.b.c", header=header, claims=claims, signature=signature)
    for *_, profile in PROOF_PROFILES:
        answered(profile, profile.examine(proof, context(profile, "a.b.c", cnf)))


@given(headers(ANY), claims(ANY), st.sampled_from(list(KEYS)), ANY, STRUCK_OUT)
@quick(90)
def test_no_profile_raises_whatever_is_signed(header, claims, alg, cnf, struck_out):
    text = builder.jws(header, claims, KEYS[alg], alg=alg)
    for *_, profile in [*WHOLE_PROFILES, *struck_out]:
        report = checked(profile, text, cnf)
        first = profile.examine(read_proof(text), context(profile, text, cnf), whole=False)
        assert first.failure == report.failure


@given(
    st.text(max_size=200)
    | SURROGATES
    | st.lists(TEXTS | st.text("ab_-=+/ .", max_size=6), max_size=6).map(".".join)
    | st.lists(st.binary(max_size=20).map(builder.encode), max_size=6).map(".".join)
)
@example("." * 100_000)
@example(spelt("[" * 100_000))
@example(spelt("{}", '{"iat":' + "9" * 5000 + "}"))
@example(spelt("{}", '{"iat":1e999}'))
@example(spelt("{}", '{"jti":"\\ud800"}'))
@example(spelt('{"a":' * 64 + "1" + "}" * 64))
@example(spelt('{"a":' * 66 + "1" + "}" * 66))
@example(spelt('"\udcff"'))
@quick(80)
def test_any_text_can_be_read_and_checked(text):
    assert read_proof(text).text == text
    for *_, profile in PROOF_PROFILES if len(text) < 10_000 else WHOLE_PROFILES:
        checked(profile, text)
    for profile in TOKEN_PROFILES:
        for credentials in (text, f"DPoP {text}", f"Bearer {text}"):
            answered(profile, examined(profile, credentials))


@given(
    st.dictionaries(st.sampled_from(["typ", "alg", "kid", "x5t", "zip"]) | TEXTS, ANY, max_size=4),
    st.dictionaries(
        st.sampled_from(["iss", "aud", "exp", "nbf", "iat", "sub", "cnf", "scope"]) | TEXTS,
        ANY | st.just(BASE_URL) | st.just(["api"]),
        max_size=6,
    ),
    st.sampled_from(["DPoP", "Bearer", "dpop"]),
)
@quick(60)
def test_no_row_raises_whatever_access_token_the_issuer_signs(header, claims, scheme):
    header = {"alg": "RS256", "typ": "at+jwt", **header}
    token = builder.jws(header, claims, SIGNER, alg="RS256")
    for profile in TOKEN_PROFILES:
        answered(profile, examined(profile, f"{scheme} {token}"))


def examined(profile, authorization):
    """What the rows for access tokens find in an Authorization value."""
    asked = {"keys": SIGNING_KEY[1:], "issuer": BASE_URL, "audience": "api", "now": NOW}
    context = TokenContext(profile=profile, authorization=authorization, **asked)
    return profile.examine(token_of(authorization), context)


# ---- nothing forged is accepted ---------------------------------------------------------------

VARIATIONS = st.fixed_dictionaries(
    {},
    optional={
        "header_key": st.sampled_from(list(KEYS.values())),
        "header": st.fixed_dictionaries(
            {}, optional={"alg": st.sampled_from([*KEYS, "none"]), "x": ANY, "kid": ANY}
        ),
        "jwk": st.dictionaries(st.sampled_from(["x", "X", "kid", "use"]), TEXTS, max_size=2),
        "claims": st.dictionaries(st.sampled_from(["htu", "jti", "exp"]), TEXTS, max_size=1),
        "spoil": st.booleans(),
        "der": st.just(True),
        "drop_signature": st.just(True),
    },
)
MUTATIONS = st.lists(
    st.tuples(st.integers(0, 2000), st.sampled_from(["", "=", "A", "Q", "g", "w", ".", " ", "/"])),
    max_size=2,
)


@given(st.sampled_from(list(KEYS)), VARIATIONS, MUTATIONS, STRUCK_OUT)
@quick(150)
def test_nothing_is_accepted_that_the_key_in_the_header_did_not_sign(
    alg, variations, mutations, more
):
    said = {"htm": "GET", "htu": URL, "iat": NOW, "jti": "1", "access_token": ACCESS_TOKEN}
    text = builder.proof(KEYS[alg], nonce=NONCES.issue(NOW), alg=alg, **said, **variations)
    for position, put in mutations:
        at = position % len(text)
        text = text[:at] + put + text[at + 1 :]
    signed = {
        policy.name: independently_verified(text, policy is DUENDE) for policy in POLICIES.values()
    }
    for policy, struck_out, profile in [*WHOLE_PROFILES, *more]:
        cnf = {"jkt": jkt(read_proof(text), context(profile))}
        report = checked(profile, text, cnf)
        if report.accepted and struck_out != "signature":
            assert signed[policy.name], report
        if not mutations and not variations and (alg != "EdDSA" or policy is RFC_9449):
            assert report.accepted, report


def independently_verified(text, any_case):
    """Does the signature verify with the header's key? Nothing of dpop_lab is asked.

    Duende reads the members of a jwk in `any_case`, the last of a name counts.
    """
    parts = text.split(".")
    if len(parts) != 3:
        return False
    try:
        header = json.loads(loosely(parts[0]))
        jwk = header["jwk"].items()
        key = public_key({name.lower() if any_case else name: value for name, value in jwk})
        verify(key, loosely(parts[2]), ".".join(parts[:2]).encode(), header["alg"])
    except (ValueError, KeyError, TypeError, AttributeError, InvalidSignature):
        return False
    return True


def loosely(segment):
    """The octets of base64url with or without padding."""
    return base64.urlsafe_b64decode(segment.rstrip("=") + "=" * (-len(segment.rstrip("=")) % 4))


def public_key(jwk):
    """A cryptography key from a public JWK."""

    def whole(name):
        return int.from_bytes(loosely(jwk[name]), "big")

    if jwk["kty"] == "RSA":
        return rsa.RSAPublicNumbers(whole("e"), whole("n")).public_key()
    if jwk["kty"] == "OKP":
        return ed25519.Ed25519PublicKey.from_public_bytes(loosely(jwk["x"]))
    curve = builder.CURVES[jwk["crv"]]()
    return ec.EllipticCurvePublicNumbers(whole("x"), whole("y"), curve).public_key()


def verify(key, signature, octets, alg):
    """Raise unless the signature over the octets is the key's."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(signature, octets)
        return
    sha = builder.HASHES[alg[2:]]()
    if isinstance(key, ec.EllipticCurvePublicKey):
        half = len(signature) // 2
        r, s = (int.from_bytes(one, "big") for one in (signature[:half], signature[half:]))
        key.verify(encode_dss_signature(r, s), octets, ec.ECDSA(sha))
    elif alg.startswith("PS"):
        salted = padding.PSS(mgf=padding.MGF1(sha), salt_length=sha.digest_size)
        key.verify(signature, octets, salted, sha)
    else:
        key.verify(signature, octets, padding.PKCS1v15(), sha)


# ---- one strict spelling ----------------------------------------------------------------------


def strictly_spelt(text):
    """The text is what encoding its own content gives, and its values are of the RFC's types."""
    for segment in text.split("."):
        usual = re.fullmatch(r"[A-Za-z0-9_-]*", segment)
        if not usual or builder.encode(loosely(segment)) != segment:
            return False
    header, said = (strict_object(builder.decode(part)) for part in text.split(".")[:2])
    if header is None or said is None or "crit" in header:
        return False
    texts = all(isinstance(said.get(n, ""), str) for n in ("jti", "htm", "htu", "ath", "nonce"))
    return texts and type(said.get("iat", 0)) in (int, float)


def strict_object(octets):
    """The JSON object in the octets, None where a member comes twice or more follows."""
    doubtful = []

    def members(pairs):
        doubtful.extend(["twice"] * (len(dict(pairs)) != len(pairs)))
        return dict(pairs)

    try:
        value = json.loads(octets, object_pairs_hook=members, parse_constant=doubtful.append)
    except ValueError:
        return None
    return None if doubtful or octets.startswith(b"\xef\xbb\xbf") else value


SPELLINGS = st.sampled_from(
    [
        '{"jti":"1"}', ' {"jti":"1"}\n', '{"jti":"1","jti":"2"}', '{"jti":"1"}x', '{"jti":"1"} ',
        '{"a":{"b":1,"b":1}}', '{"iat":"5"}', '{"iat":5.5}', '{"iat":true}', '{"iat":NaN}',
        '{"iat":-Infinity}', '{"htu":["x"]}', '{"htm":null}', '{"ath":{}}', "\ufeff{}", "{}",
        '{"crit":[]}', '{"crit":null}', '{"x":"\\u0041"}', '{"iat":null}', '{"nonce":5}',
    ]
)  # fmt: skip
SEGMENTS = SPELLINGS.map(lambda text: builder.encode(text.encode()))
LOOSE = st.sampled_from(
    [
        lambda segment: segment,
        lambda segment: segment + "=" * (-len(segment) % 4),
        lambda segment: segment[:-1] + chr(ord(segment[-1]) + 1),
        lambda segment: f"{segment[:4]}\n{segment[4:]}",
        lambda segment: segment.replace("-", "+").replace("_", "/"),
    ]
)


@given(
    st.tuples(SEGMENTS, SEGMENTS), st.lists(LOOSE, min_size=3, max_size=3), st.binary(max_size=9)
)
@quick(250)
def test_strict_form_passes_exactly_what_is_spelt_in_one_way(segments, loosened, signature):
    parts = [change(part) if part else part for change, part in zip(
        loosened, [*segments, builder.encode(signature)], strict=True
    )]  # fmt: skip
    text = ".".join(parts)
    report = checked(RFC_9449.token, text)
    if report["well_formed"].mark == "passed":
        assert (report["strict_form"].mark == "passed") == strictly_spelt(text), text
        wanted, seen, defect = strict_form.judge(read_proof(text), context(DUENDE.api, text))
        strict = report["strict_form"]  # whoever asks
        assert (strict.wanted, strict.found, strict.defect) == (wanted, seen, defect or "")


@given(headers(WHOLE), claims(WHOLE))
@quick(70)
def test_what_a_proof_says_is_read_back_as_it_was_written(header, claims):
    text = builder.jws(header, claims, KEYS["ES256"], alg="ES256")
    proof = read_proof(text)
    assert not proof.problem
    written = [json.dumps(value) for value in (header, claims)]
    assert [json.dumps(value) for value in (proof.header, proof.claims)] == written


@given(TEXTS | st.text("https:/.%20aA@[]#?\\", max_size=30).map(lambda text: f"https://h/{text}"))
@quick(200)
def test_any_text_can_be_compared_as_a_url(text):
    for reading in (RFC_9449.api.reading, DUENDE.token.reading, DUENDE.api.reading):
        assert reading.same_url(URL, text) in (True, False)
        assert not reading.same_url(text, URL) or reading.same_url(URL, text)
    normal = normal_url(text)
    if normal:
        spelt = f"{normal.scheme}://{normal.hostname}:{normal.port}{normal.path}"
        if ":" not in normal.hostname:
            again = normal_url(spelt)
            assert again is None or again.path == normal.path


# ---- whole servers ----------------------------------------------------------------------------


class Target:
    """A twin that an attacker knows much about: a live bound token, a used proof, a secret."""

    def __init__(self, policy):
        self.world = World(policy, every_row=False)
        self.token = self.world.token()
        self.proof = self.world.token_proof()
        self.api_proof = self.world.api_proof(self.token)
        assert self.world.token_request(self.proof).status == 200
        assert self.world.call(self.token, self.api_proof).status == 200


TARGETS = {}


def target_of(name):
    """The target under a policy, made once."""
    if name not in TARGETS:
        TARGETS[name] = Target(POLICIES[name])
    return TARGETS[name]


LINES = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=30)
FORM = urlencode({"grant_type": "client_credentials", "client_id": "m2m.dpop", "scope": "api"})
BODIES = (
    st.binary(max_size=60)
    | st.just(f"{FORM}&client_secret=secret".encode())
    | st.just(FORM.encode())
    | st.text(max_size=30).map(lambda text: f"{FORM}&client_secret={text}".encode())
    | st.just(b"&" * 2000)
    | st.just(b"client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
              b"&client_assertion=a.b.c&grant_type=client_credentials")
)  # fmt: skip
PATHS = st.sampled_from(
    [TOKEN, API, PLAIN_API, "/api/test/", "/CONNECT/%74oken", "/.well-known/openid-configuration"]
)


@st.composite
def requests(draw, known):
    """Any request, made of noise and of what the attacker knows."""
    values = LINES | st.sampled_from(
        [
            f"DPoP {known.token}", f"Bearer {known.token[:-4]}", f"DPoP  {known.token}",
            known.proof, known.api_proof, known.token, "DPoP", "DPoP a.b.c", "Basic bTJtOg==",
            "Basic bTJtLmRwb3A6c2VjcmV0", FORM_TYPE[1], "POST", "https://else.example",
        ]
    )  # fmt: skip
    names = LINES | st.sampled_from(
        ["Authorization", "authorization", "DPoP", "dpop", "Content-Type", "Origin", "Host",
         "Access-Control-Request-Method", "Access-Control-Request-Headers", "X-Forwarded-Host"]
    )  # fmt: skip
    method = draw(st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "get"]) | LINES)
    target = draw(PATHS) + draw(st.just("") | LINES.map(lambda text: f"?{text}"))
    target = draw(st.just(target) | LINES)
    lines = draw(st.lists(st.tuples(names, values), max_size=5))
    if draw(st.booleans()):
        lines.append(FORM_TYPE)
    return method, target, lines, draw(BODIES)


@pytest.mark.parametrize("name", POLICIES)
@given(data=st.data())
@quick(90)
def test_no_request_breaks_a_server_or_gets_in_without_a_new_proof(name, data):
    known = target_of(name)
    method, target, lines, body = data.draw(requests(known))
    answer = known.world.send(method, target, lines, body)
    assert 200 <= answer.status < 500
    if answer.status < 300:
        document = method == "GET" and "/.well-known/" in target.lower()
        assert document or (answer.status == 204 and method == "OPTIONS")
    assert method != "HEAD" or not answer.body
    for pair in answer.headers:
        assert not set("\r\n") & set("".join(pair))
    token = known.world.token()
    assert known.world.call(token, known.world.api_proof(token)).status == 200


@pytest.mark.parametrize("name", POLICIES)
@given(data=st.data())
@quick(70)
def test_form_values_of_any_kind_are_answered_in_the_terms_of_oauth(name, data):
    known = target_of(name)
    names = st.sampled_from(["scope", "resource", "grant_type", "client_id", "client_secret"])
    values = TEXTS | st.sampled_from(["urn:resource1", "refresh_token", "m2m", "http://[", "x:"])
    form = data.draw(st.dictionaries(names, values, max_size=3))
    pairs = {name: value.encode("utf-8", "replace") for name, value in form.items()}
    answer = known.world.token_request(known.world.token_proof(jti=secrets.token_hex()), **pairs)
    members = json.loads(answer.body)
    if answer.status == 200:
        assert members["token_type"] == "DPoP"
    else:
        assert answer.status in (400, 401)
        assert members["error"].isascii()


@given(jwks(WHOLE))
@quick(90)
def test_a_key_has_the_thumbprint_that_another_maker_computes_or_none(jwk):
    proof = Jws(text="a.b.c", header={"jwk": jwk})
    found = jkt(proof, context(RFC_9449.api))
    try:
        wanted = builder.thumbprint(jwk)
    except (KeyError, TypeError):
        return
    texts = all(isinstance(jwk[name], str) for name in builder.THUMBPRINT_MEMBERS[jwk["kty"]])
    if texts and "".join(jwk[n] for n in builder.THUMBPRINT_MEMBERS[jwk["kty"]]).isascii():
        assert found == wanted == thumbprint(jwk)
