"""Documents that are no request: each is recognised and judged, whatever its members hold."""

import json

import pytest

from dpop_lab.doctor.diagnosis import diagnose
from tests import builder
from tests.world import VICTIM

ALGS = "dpop_signing_alg_values_supported"
JKT = "F8WqAVf_eSwQpz_BvNlFAktixUkO5E7KDv4j5v65wCM"
SERVER = {"issuer": "https://as.example.com", "token_endpoint": "https://as.example.com/token"}
RESOURCE = {"resource": "https://api.example.com", "authorization_servers": [SERVER["issuer"]]}
CLIENT = {"client_id": "https://app.example.com/c.json", "redirect_uris": ["https://a.example/cb"]}
ACTIVE = {"active": True, "token_type": "DPoP", "iat": 1, "exp": 2}
URL = f"https://as.example.com/authorize?response_type=code&client_id=web&dpop_jkt={JKT}"
DOCUMENTS = [  # what is pasted, a word of its kind, the titles' first words
    (SERVER | {ALGS: ["ES256", "RS256"]}, "8414", []),
    (SERVER, "8414", []),
    (SERVER | {ALGS: ["ES256", "none"]}, "8414", [ALGS]),
    (SERVER | {ALGS: ["HS256"]}, "8414", [ALGS]),
    (SERVER | {ALGS: "ES256"}, "8414", [ALGS]),
    (SERVER | {ALGS: []}, "8414", [ALGS]),
    (SERVER | {"token_endpoint": "http://as.example.com/token"}, "8414", ["token_endpoint"]),
    ({"issuer": "http://localhost:8080", "jwks_uri": "http://localhost:8080/k"}, "8414", []),
    (RESOURCE | {ALGS: ["ES256"], "dpop_bound_access_tokens_required": True}, "9728", []),
    (RESOURCE | {"dpop_bound_access_tokens_required": "true"}, "9728", ["dpop_bound_access_"]),
    (CLIENT | {"dpop_bound_access_tokens": True, "client_secret": "hush-hush-1"}, "7591", []),
    (CLIENT | {"dpop_bound_access_tokens": False}, "7591", []),
    (CLIENT | {"scope": "atproto"}, "7591", ["dpop_bound_access_tokens is missing"]),
    (CLIENT | {"dpop_bound_access_tokens": "yes"}, "7591", ["dpop_bound_access_tokens"]),
    (ACTIVE | {"cnf": {"jkt": JKT}}, "7662", []),
    (ACTIVE, "7662", ["cnf.jkt is missing"]),
    (ACTIVE | {"cnf": {"x5t#S256": JKT}}, "7662", ["cnf.jkt is missing"]),
    (ACTIVE | {"cnf": {"jkt": f"{JKT}="}}, "7662", ["cnf.jkt is no thumbprint"]),
    (ACTIVE | {"cnf": {"jkt": [JKT]}}, "7662", ["cnf.jkt is no thumbprint"]),
    (ACTIVE | {"token_type": "Bearer"}, "7662", []),
    (ACTIVE | {"token_type": "Bearer", "cnf": {"jkt": JKT}}, "7662", ["token_type says bearer,"]),
    (
        ACTIVE | {"token_type": "Bearer", "ext": {"cnf": {"jkt": JKT}}},
        "7662",
        ["cnf.jkt stands in"],
    ),
    ({"active": False}, "7662", ["active is false"]),
    ({"access_token": "opaque", "token_type": "Bearer"}, "token response", []),
    ({"sub": "1", "email": "a@example.com"}, "userinfo", []),
    (URL, "authorization request", []),
    (URL.partition("?")[2], "authorization request", []),
    (URL.replace(JKT, "c0ffee" * 10 + "c0ff"), "authorization request", ["dpop_jkt is no"]),
    (URL.partition("&dpop_jkt")[0], "authorization request", []),
    ("https://a.example/cb?code=c-1-of-this-test&state=s", "answer to an authorization", []),
    ({"request_uri": "urn:ietf:params:oauth:request_uri:1", "expires_in": 60}, "pushed", []),
    (RESOURCE | {"resource": "http://api.example.com"}, "9728", ["resource is an http"]),
]


@pytest.mark.parametrize(("pasted", "kind", "titles"), DOCUMENTS)
def test_a_document_is_told_and_a_finding_made_only_where_something_is_wrong(pasted, kind, titles):
    text = pasted if isinstance(pasted, str) else json.dumps(pasted, indent=2)
    told = diagnose(text)
    assert kind in told.kind
    assert told.exit_code == bool(titles)
    found = [one.title for one in told.problems]
    assert [one[: len(start)] for one, start in zip(found, titles, strict=True)] == titles
    assert told.as_dict()["documents"][0]["kind"] == told.documents[0].kind
    assert "hush-hush-1" not in told.text() + told.markdown() + json.dumps(told.as_dict())


@pytest.mark.parametrize("value", [None, 1, "x" * 20_000, [], ["ES256"] * 2000, {"a": {}}, "<b>"])
def test_members_of_any_type_give_a_short_report(value):
    for pasted in (SERVER, RESOURCE, CLIENT, ACTIVE):
        for name in (*pasted, ALGS, "cnf", "dpop_bound_access_tokens", "scope"):
            many = {f"member{number}": value for number in range(200)} if value is None else {}
            told = diagnose(json.dumps(pasted | many | {name: value}))
            assert told.exit_code in (0, 1, 2)
            assert len(told.text()) < 10_000


@pytest.mark.parametrize(
    "pasted",
    [
        f"curl https://as.example/par -d client_id=a -d response_type=code -d dpop_jkt={JKT}=",
        f"HTTP/1.1 302 Found\nLocation: {URL}=\n\n",
        f"GET {URL.partition('.com')[2]}%3D HTTP/1.1\nHost: as.example.com\n\n",
    ],
)
def test_a_dpop_jkt_is_judged_wherever_it_is_sent(pasted):
    assert [one.title[:27] for one in diagnose(pasted).problems] == ["dpop_jkt is no thumbprint o"]


def test_a_token_bound_by_mutual_tls_is_a_bearer_token_and_one_bound_by_dpop_is_none():
    for member, found in (("x5t#S256", []), ("jkt", ["token_type says"])):
        token = builder.jws({"typ": "at+jwt"}, {"cnf": {member: JKT}}, VICTIM)
        answer = json.dumps({"access_token": token, "token_type": "Bearer"})
        for pasted in (answer, f"HTTP/1.1 200 OK\nContent-Type: application/json\n\n{answer}"):
            titles = [one.title for one in diagnose(pasted).problems]
            assert [one[:15] for one in titles if "token_type" in one] == found


def test_claims_of_a_jwt_are_no_document():
    claims = {"sub": "1", "email": "a@example.com", "iat": 1, "exp": 2, "iss": "https://a.example"}
    assert diagnose(json.dumps(claims)).documents == ()
    assert (
        diagnose({"issuer": "a", "token_endpoint": "b", "htm": "GET", "htu": "c"}).documents == ()
    )
