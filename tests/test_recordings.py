"""The twin answers every recorded exchange with the real server alike, over both carriers.

One lab per carrier serves all exchanges, as one server did when they were recorded. They
stay independent all the same: every jti, nonce and assertion is made anew for each, and the few
proofs with a fixed jti (empty, blank) are the only ones at their endpoint to have it.
"""

import json
import secrets
from dataclasses import replace

import pytest

from dpop_lab.lab.lab import Lab
from tests import replay
from tests.builder import access_token_hash, key
from tests.replay import Asked, differences

EXCHANGES = {exchange["name"]: exchange for exchange in replay.read()}
CARRIERS = ("in process", "socket")
# The real server answers these with 500; the twin with `invalid_dpop_proof`, `Invalid 'jwk' value.`
ANSWERED_DIFFERENTLY = {
    "token jwk null",
    "api jwk null",
    "token jwk empty",
    "api jwk empty",
    "token jwk without kty",
    "api jwk without kty",
}
API = "/api/dpop/test"
MISSING_NONCE = 'DPoP error="use_dpop_nonce", error_description="Missing \'nonce\' value."'
INVALID_NONCE = 'DPoP error="use_dpop_nonce", error_description="Invalid \'nonce\' value."'
REPLAY = 'DPoP error="invalid_dpop_proof", error_description="Detected DPoP proof token replay."'


def site_of(lab, carrier):
    """The way into a lab that its carrier gives."""
    return replay.over_socket(lab) if carrier == "socket" else replay.in_process(lab)


@pytest.fixture(scope="module")
def sites():
    """A site for each carrier, made when first asked for."""
    made = {}

    def site(carrier):
        if carrier not in made:
            lab = Lab(carrier=carrier)
            made[carrier] = lab, site_of(lab, carrier)
        return made[carrier][1]

    yield site
    for lab, one in made.values():
        one.close()
        lab.close()


@pytest.fixture(scope="module")
def lab():
    """The lab whose clock is moved, by each test from wherever it is."""
    with Lab() as made:
        yield made


@pytest.fixture(scope="module")
def site(lab):
    return replay.in_process(lab)


def challenge(answer):
    """Status and challenge of an answer of the API."""
    return answer.status, answer.header("WWW-Authenticate")


def description(answer):
    """Status and error description of an answer of the token endpoint."""
    return answer.status, json.loads(answer.body).get("error_description")


# ---- the recordings ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXCHANGES)
@pytest.mark.parametrize("carrier", CARRIERS)
def test_the_twin_answers_as_the_real_server_did(sites, carrier, name):
    found = differences(sites(carrier), EXCHANGES[name])
    assert not found, "\n" + "\n".join(found)


def test_the_only_answers_that_differ_are_the_real_servers_falls():
    falls = {
        name
        for name, exchange in EXCHANGES.items()
        if any(answer["status"] >= 500 for answer in exchange["answers"])
    }
    assert falls == ANSWERED_DIFFERENTLY == replay.FAULTS


def test_all_recorded_exchanges_are_here():
    assert len(EXCHANGES) == 314


# ---- what only waiting shows ------------------------------------------------------------------


@pytest.mark.parametrize("age", [50, 57])
def test_a_nonce_is_taken_for_a_minute(lab, site, age):
    nonce = site.fresh_nonce()
    lab.clock.advance(age)
    proof = site.proof(key(), "POST", "/connect/token", nonce=nonce)
    assert site.token_request("m2m.dpop.nonce", proof).status == 200


@pytest.mark.parametrize("age", [63, 70])
def test_an_older_nonce_is_refused_and_a_new_one_given(lab, site, age):
    nonce = site.fresh_nonce()
    lab.clock.advance(age)
    proof = site.proof(key(), "POST", "/connect/token", nonce=nonce)
    answer = site.token_request("m2m.dpop.nonce", proof)
    assert description(answer) == (400, "Invalid 'nonce' value.")
    assert answer.header("DPoP-Nonce") not in (None, nonce)


def test_the_api_knows_a_used_proof_for_as_long_as_it_is_fresh(lab, site):
    token = site.token("m2m.dpop", key())
    proof = site.proof(key(), "GET", API, access_token=token, iat=site.now() + 22)
    assert site.api(token, proof).status == 200
    lab.clock.advance(48)
    assert challenge(site.api(token, proof)) == (401, REPLAY)


@pytest.mark.parametrize(("wait", "wanted"), [(52, (401, REPLAY)), (58, (200, None))])
def test_the_api_remembers_a_jti_for_55_seconds(lab, site, wait, wanted):
    token, jti = site.token("m2m.dpop", key()), secrets.token_urlsafe()
    for seconds, answer in [(0, (200, None)), (wait, wanted)]:
        lab.clock.advance(seconds)
        proof = site.proof(key(), "GET", API, access_token=token, jti=jti)
        assert challenge(site.api(token, proof)) == answer


@pytest.mark.parametrize(
    ("wait", "wanted"), [(80, (200, None)), (368, (200, None)), (382, (401, "DPoP"))]
)
def test_a_token_of_75_seconds_is_taken_for_five_minutes_more(lab, site, wait, wanted):
    token = site.token("m2m.short", key())
    lab.clock.advance(wait)
    proof = site.proof(key(), "GET", API, access_token=token)
    assert challenge(site.api(token, proof)) == wanted


@pytest.mark.parametrize(("wait", "status"), [(300, 400), (655, 400), (665, 200)])
def test_the_token_endpoint_remembers_a_jti_for_660_seconds(lab, site, wait, status):
    jti = secrets.token_urlsafe()

    def asked():
        proof = site.proof(key(), "POST", "/connect/token", jti=jti)
        return site.token_request("m2m.dpop", proof)

    assert asked().status == 200
    lab.clock.advance(wait)
    answer = asked()
    replayed = (400, "Detected replay of DPoP proof token.")
    assert description(answer) == (replayed if status == 400 else (200, None))


# ---- with nonces demanded at the API ----------------------------------------------------------


@pytest.fixture(scope="module", params=CARRIERS)
def demanding(request):
    """A lab whose API demands nonces, its site, and a token for it."""
    with Lab(carrier=request.param, api_nonce=True) as lab:
        site = site_of(lab, request.param)
        yield lab, site, site.token("m2m.dpop", key())
        site.close()


def call(site, token, **variations):
    """Call the API with a proof that varies."""
    return site.api(token, site.proof(key(), "GET", API, access_token=token, **variations))


def api_nonce(site, token):
    """A nonce of the API, fetched just now."""
    return call(site, token).header("DPoP-Nonce")


@pytest.mark.parametrize(
    "claims", [{}, {"nonce": ""}, {"nonce": " "}, {"nonce": None}, {"nonce": 5}], ids=str
)
def test_a_proof_without_a_usable_nonce_is_challenged(demanding, claims):
    _, site, token = demanding
    answer = call(site, token, claims=claims)
    assert challenge(answer) == (401, MISSING_NONCE)
    assert answer.header("DPoP-Nonce") and answer.body == ""


def test_a_nonce_of_the_api_is_taken_again_and_again_while_it_lasts(demanding):
    lab, site, token = demanding
    nonce = api_nonce(site, token)
    for _ in range(3):
        answer = call(site, token, nonce=nonce)
        assert challenge(answer) == (200, None) and answer.header("DPoP-Nonce") is None
        lab.clock.advance(2)


def test_an_invented_nonce_is_refused_as_invalid(demanding):
    _, site, token = demanding
    answer = call(site, token, nonce="made-up")
    assert challenge(answer) == (401, INVALID_NONCE) and answer.header("DPoP-Nonce")


def test_an_outdated_nonce_of_the_api_is_refused_as_invalid(demanding):
    lab, site, token = demanding
    nonce = api_nonce(site, token)
    lab.clock.advance(11)
    answer = call(site, token, nonce=nonce)
    assert challenge(answer) == (401, INVALID_NONCE)
    assert answer.header("DPoP-Nonce") not in (None, nonce)


def test_neither_server_takes_the_others_nonce(demanding):
    _, site, token = demanding
    assert challenge(call(site, token, nonce=site.fresh_nonce())) == (401, INVALID_NONCE)
    proof = site.proof(key(), "POST", "/connect/token", nonce=api_nonce(site, token))
    answer = site.token_request("m2m.dpop.nonce", proof)
    assert description(answer) == (400, "Invalid 'nonce' value.")


def test_with_a_nonce_iat_may_be_of_any_age_but_must_be_there(demanding):
    _, site, token = demanding
    nonce = api_nonce(site, token)
    assert call(site, token, nonce=nonce, iat=site.now() - 86400).status == 200
    assert call(site, token, nonce=nonce, iat=site.now() + 86400).status == 200
    invalid = 'DPoP error="invalid_dpop_proof", error_description="Invalid \'iat\' value."'
    assert challenge(call(site, token, nonce=nonce, without=["iat"])) == (401, invalid)


@pytest.mark.parametrize(
    ("variations", "text"),
    [({"spoil": True}, "Invalid DPoP proof token."), ({"htm": "PUT"}, "Invalid 'htm' value.")],
    ids=["signature", "htm"],
)
def test_signature_and_htm_are_looked_at_before_the_nonce(demanding, variations, text):
    _, site, token = demanding
    answer = call(site, token, **variations)
    wanted = f'DPoP error="invalid_dpop_proof", error_description="{text}"'
    assert challenge(answer) == (401, wanted) and answer.header("DPoP-Nonce") is None


# ---- the comparison itself --------------------------------------------------------------------


def altered(change):
    """A change to each answer, as a change to a site."""
    return lambda site: replace(site, send=lambda asked: change(site.send(asked)), seen=set())


def in_body(old, new):
    return altered(lambda answer: replace(answer, body=answer.body.replace(old, new)))


def before_value(claim, text):
    return in_body(f'{{"type":"{claim}","value":"', f'{{"type":"{claim}","value":"{text}')


def in_headers(name, value):
    return altered(
        lambda answer: replace(
            answer,
            headers=tuple((key, value if key == name else old) for key, old in answer.headers),
        )
    )


def with_header(name, value):
    return altered(lambda answer: replace(answer, headers=((name, value), *answer.headers)))


ALTERATIONS = {
    "status": ("api, no token", altered(lambda answer: replace(answer, status=403))),
    "a header more": ("m2m.dpop", with_header("Vary", "Origin")),
    "a nonce on success": ("m2m.dpop", with_header("DPoP-Nonce", secrets.token_urlsafe(32))),
    "another challenge": ("api, no token", in_headers("WWW-Authenticate", "DPoP realm=x")),
    "letter case of a content type": (
        "discovery",
        in_headers("Content-Type", "application/json; charset=utf-8"),
    ),
    "an empty nonce": ("nonce wanted", in_headers("DPoP-Nonce", "")),
    "the same nonce twice": (
        "nonce answered with the same proof",
        in_headers("DPoP-Nonce", secrets.token_urlsafe(32)),
    ),
    "an apostrophe not escaped": ("token no htm", in_body("\\u0027", "'")),
    "a space in the body": ("token no htm", in_body('":"', '": "')),
    "another order": (
        "m2m.dpop",
        in_body('"expires_in":3600,"token_type":"DPoP"', '"token_type":"DPoP","expires_in":3600'),
    ),
    "another time than the token's": ("api", before_value("exp", "1")),
    "another jti than the token's": ("api", before_value("jti", "0")),
    "another jkt": ("api", in_body("u0022:\\u0022", "u0022:\\u0022x")),
    "another proof": ("api", before_value("proof_token", "ey")),
    "a token of someone else's": ("m2m.dpop", in_body('n":"ey', 'n":"eyey')),
    "a certificate beside another x5t": ("keys", in_body('"x5t":"', '"x5t":"x')),
    "another base": ("discovery", in_body('"issuer":"http', '"issuer":"xhttp')),
}


@pytest.mark.parametrize("name", ALTERATIONS)
def test_the_comparison_notices(sites, name):
    exchange, alter = ALTERATIONS[name]
    site = sites("in process")
    assert differences(site, EXCHANGES[exchange]) == []
    assert differences(alter(site), EXCHANGES[exchange])


def test_a_difference_names_the_exchange_and_shows_both_sides(sites):
    site = in_body("\\u0027", "'")(sites("in process"))
    found = differences(site, EXCHANGES["token no htm"])
    assert found[0] == "'token no htm', answer 1:"
    assert [line for line in found if line.startswith("  wanted")] == [
        r'  wanted "error_description":"Invalid \u0027htm\u0027 value."}'
    ]
    assert [line for line in found if line.startswith("  got")] == [
        """  got    "error_description":"Invalid 'htm' value."}"""
    ]


# ---- odds the recordings rest on --------------------------------------------------------------


def test_several_header_lines_reach_the_server_as_several(sites):
    for carrier in CARRIERS:
        site = sites(carrier)
        token = site.token("m2m.dpop", key())
        proof = site.proof(key(), "GET", API, claims={"ath": access_token_hash(token)})
        lines = (("Authorization", f"DPoP {token}"), ("DPoP", proof), ("DPoP", proof))
        answer = site.send(Asked("GET", API, lines))
        assert challenge(answer) == (401, 'DPoP error="invalid_request"')


def test_the_command_replays_a_file_against_a_running_server(tmp_path, capsys):
    names = ["discovery", "m2m.dpop", "nonce given", "api", "key with a proof", "api jwk null"]
    raw = {one["name"]: one for one in json.loads(replay.EXCHANGES.read_text(encoding="utf-8"))}
    exchanges, client_jwk = tmp_path / "exchanges.json", tmp_path / "client.json"
    exchanges.write_text(json.dumps([raw[name] for name in names]), encoding="utf-8")
    with Lab(carrier="socket") as lab:
        jwk = {**lab.client_key.private_jwk(), "kid": lab.client_key_id}
        client_jwk.write_text(json.dumps(jwk), encoding="utf-8")
        with_key = [lab.base_url, str(exchanges), "--client-jwk", str(client_jwk)]
        assert replay.main(with_key) == 0
        assert replay.main(with_key[:2]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "6 of 6 alike, 0 different",
        "5 of 5 alike, 0 different, 1 not asked (they need --client-jwk)",
    ]
