"""What only the sequence of requests shows, and what in a sequence is as it should be."""

import json
from email.utils import formatdate
from urllib.parse import urlencode

import pytest

from dpop_lab import RFC_9449, SIGN_IN_CHANGES, Lab, SessionLog
from dpop_lab.doctor.sequence import Sequence
from dpop_lab.lab.sign_in.playing import played
from dpop_lab.session.call import read_call
from dpop_lab.session.sign_in.grants import MOST, SignIns
from dpop_lab.wire.message import Exchange
from tests import builder

NOW = 1_760_000_000
TOKEN_URL, PAR_URL, API = (
    "https://as.example.com/token", "https://as.example.com/par", "https://api.example.com/orders"
)  # fmt: skip
MINE, OTHER = builder.key("A"), builder.key("B")
TOKEN = builder.jws({"alg": "ES256", "typ": "at+jwt"}, {"sub": "s"}, OTHER)
NONCE = "use_dpop_nonce"


def asked(url=TOKEN_URL, form=None, *, at=0, key=MINE, jti=None, proved=True, **proof):
    """A request, as the first five parts of an exchange."""
    method = "POST" if form else "GET"
    token = TOKEN if url == API else None
    headers = [("Authorization", f"DPoP {TOKEN}")] if token else []
    if proved:
        said = {"htm": method, "htu": url, "iat": NOW + at, "jti": jti or f"j{at}"} | proof
        headers.append(("DPoP", builder.proof(key, access_token=token, **said)))
    kind = ("Content-Type", "application/x-www-form-urlencoded")
    return method, url, (*headers, kind), urlencode(form or {}), NOW + at


def answered(request, status=200, error="", *, nonce="", took=0.1, words="", **members):
    """The exchange of a request with its answer."""
    headers = [("Date", formatdate(request[-1], usegmt=True))]
    headers += [("DPoP-Nonce", nonce)] * bool(nonce)
    members |= {"error": error, "error_description": words} if error else {}
    if status == 401:
        challenge = f'DPoP error="{error}", error_description="{words}"'
        headers.append(("WWW-Authenticate", challenge))
    return Exchange(
        *request,
        ended_at=request[-1] + took,
        status=status,
        response_headers=tuple(headers),
        response_body=json.dumps(members),
    )


def calls(*exchanges):
    """Exchanges as the calls of one session."""
    return tuple(
        read_call(one, name=f"exchange {number} of {len(exchanges)}")
        for number, one in enumerate(exchanges, 1)
    )


def in_sequence(session):
    """The problems of each call that the others make plain."""
    sequence = Sequence(session)
    return [sequence.problems() for sequence.at in range(len(session))]


CODE = {"grant_type": "authorization_code", "code": "c-7741", "code_verifier": "v-7741"}
REFRESH = {"grant_type": "refresh_token", "refresh_token": "rt-7741"}
ASSERTION = {"grant_type": "client_credentials", "client_assertion": "ey.7741.x"}
PUSH = {"code_challenge": "x", "client_id": "c"}
JKT = builder.thumbprint(builder.public_jwk(MINE))
AUTHORIZE = f"https://as.example.com/authorize?client_id=c&dpop_jkt={JKT}"
GOT = {"access_token": TOKEN, "refresh_token": "rt-7741", "token_type": "DPoP"}
SPENT, GRANT = "spent grant", "invalid_grant"
#: name: the exchanges, what the problem of the last one explains, and which one it points at
FAULTS = {
    "an older nonce though a 200 had given a newer one": (
        answered(asked(API, at=0), 401, NONCE, nonce="n1"),
        answered(asked(API, at=1, nonce="n1"), nonce="n2"),
        answered(asked(API, at=9, nonce="n1"), 401, NONCE, nonce="n3"),
        "nonce", 2),
    "the nonce of the other server": (
        answered(asked(form=CODE, nonce="n0"), nonce="a1", **GOT),
        answered(asked(API, at=1, nonce="a1"), 401, NONCE, nonce="r1"),
        "nonce", 1),
    "a challenge that is not obeyed": (
        answered(asked(API), 401, NONCE, nonce="n1"),
        answered(asked(API, at=1), 401, NONCE, nonce="n2"),
        "nonce", 1),
    "a nonce that grew old": (
        answered(asked(API), 401, NONCE, nonce="n1"),
        answered(asked(API, at=600, nonce="n1"), 401, NONCE, nonce="n2"),
        "nonce", 1),
    "a retry with the same proof": (
        answered(asked(API, jti="j"), 401, NONCE, nonce="n1"),
        answered(asked(API, jti="j"), 401, NONCE, nonce="n2"),
        "unused", 1),
    "the same proof after a server's failure": (
        answered(asked(API, jti="j"), 503),
        answered(asked(API, jti="j"), 401, "invalid_dpop_proof", words="jti was used before"),
        "unused", 1),
    "a code that a request without nonce has spent": (
        answered(asked(form=CODE), 400, NONCE, nonce="n1"),
        answered(asked(form=CODE, at=1, nonce="n1"), 400, GRANT),
        SPENT, 1),
    "a code that was turned into tokens": (
        answered(asked(form=CODE), **GOT),
        answered(asked(form=CODE, at=1), 400, GRANT),
        SPENT, 1),
    "a refresh token spent without a proof": (
        answered(asked(form=REFRESH, proved=False), 401, "invalid_dpop_proof"),
        answered(asked(form=REFRESH, at=1), 400, GRANT, words="Invalid refresh token"),
        SPENT, 1),
    "an assertion for two requests": (
        answered(asked(form=ASSERTION), 400, NONCE, nonce="n1"),
        answered(asked(form=ASSERTION, at=1, nonce="n1"), 401, "invalid_client"),
        "invalid_client", 1),
    "a token request without a proof": (
        answered(asked(form=CODE, proved=False), **GOT | {"token_type": "Bearer"}),
        answered(asked(API, at=1), 401, "invalid_token"),
        "bound_key", 1),
    "an opaque token shown with another key": (
        answered(asked(form=CODE), **GOT),
        answered(asked(API, at=1, key=OTHER), 401, "invalid_token"),
        "bound_key", 1),
    "a refresh with another key": (
        answered(asked(form=CODE), **GOT),
        answered(asked(form=REFRESH, at=1, key=OTHER), 400, GRANT),
        "refresh key", 1),
    "dpop_jkt of another key": (
        answered(asked(AUTHORIZE, proved=False), 302),
        answered(asked(form=CODE, at=1, key=OTHER), 400, "invalid_request"),
        "code key", 1),
    "a pushed request with another key": (
        answered(asked(PAR_URL, PUSH), 201),
        answered(asked(form=CODE, at=1, key=OTHER), 400, GRANT),
        "code key", 1),
    "dpop_jkt and proof of one pushed request": (
        answered(asked(AUTHORIZE, proved=False), 302),
        answered(asked(PAR_URL, PUSH | {"dpop_jkt": JKT}, key=OTHER), 400, "invalid_request"),
        "code key", 0),
}  # fmt: skip


BY_SERVERS = {"a code that a request without nonce has spent"}  # RFC 9449 section 8


@pytest.mark.parametrize("name", FAULTS)
def test_what_the_sequence_shows_is_told_at_the_last_call(name):
    *exchanges, topic, number = FAULTS[name]
    *before, found = in_sequence(calls(*exchanges))
    assert not any(before)
    [problem] = found
    assert topic in problem.explains and problem.at_server == (name in BY_SERVERS)
    where = f"exchange {number}" if number else "this request"
    assert where in problem.title
    told = problem.title + problem.action
    assert "7741" not in told and TOKEN not in told


def test_of_very_many_requests_with_one_proof_the_first_is_remembered():
    failed = answered(asked(API, jti="j"), 503)
    again = [answered(asked(API, jti="j"), 401, "invalid_dpop_proof", words="jti used before")] * 60
    found = in_sequence(calls(failed, *again))
    assert all("exchange 1 " in one.title for problems in found[1:] for one in problems)
    assert all(found[1:])


HEALTHY = {
    "a challenge that is obeyed": (
        answered(asked(form=CODE), 400, NONCE, nonce="n1"),
        answered(asked(form=CODE, at=1, nonce="n1"), nonce="n2", **GOT)),
    "nonces that roll": (
        answered(asked(API), 401, NONCE, nonce="n1"),
        answered(asked(API, at=1, nonce="n1"), nonce="n2"),
        answered(asked(API, at=2, nonce="n2"), nonce="n3"),
        answered(asked(API, at=900, nonce="n3"), 401, NONCE, nonce="n4"),
        answered(asked(API, at=901, nonce="n4"))),
    "two requests at once with one nonce": (
        answered(asked(API), 401, NONCE, nonce="n1"),
        answered(asked(API, at=2, nonce="n1"), nonce="n2", took=3),
        answered(asked(API, at=3, nonce="n1"), 401, NONCE, nonce="n3"),
        answered(asked(API, at=6, nonce="n3"))),
    "each server has its own nonce": (
        answered(asked(form=CODE, nonce="n0"), nonce="a1", **GOT),
        answered(asked(API, at=1), 401, NONCE, nonce="r1"),
        answered(asked(API, at=2, nonce="r1"))),
    "the same fault twice": (
        answered(asked(form=CODE), 400, GRANT, words="PKCE verification failed"),
        answered(asked(form=CODE, at=1), 400, GRANT, words="PKCE verification failed")),
    "a plain Bearer token": (
        answered(asked(form=CODE, proved=False), **GOT | {"token_type": "Bearer"}),
        answered(asked(TOKEN_URL, proved=False, at=1), 403, "insufficient_scope")),
    "the key of dpop_jkt": (
        answered(asked(AUTHORIZE, proved=False), 302),
        answered(asked(form=CODE, at=1), **GOT)),
    "a refresh token that rolls": (
        answered(asked(form=REFRESH), **GOT),
        answered(asked(form=REFRESH | {"refresh_token": "rt-2"}, at=1), 400, GRANT)),
}  # fmt: skip


@pytest.mark.parametrize("name", HEALTHY)
def test_what_is_as_it_should_be_is_no_finding(name):
    assert not any(in_sequence(calls(*HEALTHY[name])))


def test_a_server_that_does_not_compare_dpop_jkt_is_at_fault():
    got = answered(asked(form=CODE, key=OTHER), **GOT)
    _, [problem] = in_sequence(calls(answered(asked(AUTHORIZE, proved=False), 302), got))
    assert problem.at_server


def test_a_dpop_jkt_of_this_very_key_made_in_another_way_is_told_with_the_right_one():
    odd = AUTHORIZE.replace(JKT, builder.decode(JKT).hex())
    refusal = answered(asked(form=CODE, at=1), 400, GRANT)
    _, [problem] = in_sequence(calls(answered(asked(odd, proved=False), 302), refusal))
    assert problem.wanted == JKT and JKT in problem.action and "hexadecimal" in problem.title


ATTACKS = {  # of a refresh token, and what the last request of each is told to be about
    "stolen_refresh_token": "refresh key",
    "stolen_refresh_token_without_proof": "refresh key",
    "refresh_token_used_first": SPENT,
    "code_used_first": SPENT,
    "revoked_refresh_token": SPENT,
}


@pytest.mark.parametrize("name", ATTACKS)
def test_of_refresh_tokens_a_redacted_log_tells_as_much_as_what_was_sent(name):
    log = Kept()
    with Lab(policy=RFC_9449) as lab:
        played(SIGN_IN_CHANGES[name], lab, RFC_9449, log)
    for exchanges in (log.raw, log):
        *_, [problem] = in_sequence(calls(*exchanges))
        assert problem.explains[0] == ATTACKS[name]


class Kept(SessionLog):
    """A log that keeps what was sent, too."""

    def __init__(self):
        super().__init__()
        self.raw = []

    def record(self, exchange):
        self.raw.append(exchange)
        return super().record(exchange)


def test_tokens_are_read_apart_from_what_they_are_called_by():
    sign_ins = SignIns()
    first, again, last = (
        sign_ins.read(read_call(one))
        for one in (
            answered(asked(form=CODE), **GOT),
            answered(asked(form=REFRESH, at=1), **GOT | {"refresh_token": "rt-2"}),
            answered(asked(form=REFRESH, at=2, key=OTHER), 400, GRANT),
        )
    )
    assert [one.name for one in first.given] == ["access_token", "refresh_token"]
    assert again.use.grant is first.given[1] and again.use.grant.source is first.use.grant
    grant = last.use.grant
    assert grant.bound.key == JKT and last.use.spent is grant.spent is again.use.call
    assert grant.again is last.use.call and [*again.given[-1].line][1:] == [grant, first.use.grant]


def test_of_very_many_sign_ins_the_last_are_remembered():
    sign_ins = SignIns()
    for number in range(MOST + 5):
        form = CODE | {"code": f"c-{number}"}
        got = GOT | {"access_token": f"at-{number}", "refresh_token": f"rt-{number}"}
        url = f"{AUTHORIZE}&state=s{number}"
        sign_ins.read(read_call(answered(asked(url, proved=False), 302)))
        used = sign_ins.read(read_call(answered(asked(form=form, proved=False), **got)))
    assert len(sign_ins.asked) == len(sign_ins.by_state) == MOST
    assert len(used.given) == 2 and used.given[0].source is used.use.grant


@pytest.mark.parametrize("line", ["Basic YzpzZWNyZXQ=", "***", "<redacted>"])
def test_a_client_that_may_have_authenticated_may_refresh_with_another_key(line):
    got = answered(asked(form=CODE), **GOT)
    method, url, headers, body, at = asked(form=REFRESH, at=1, key=OTHER)
    again = answered((method, url, (("Authorization", line), *headers), body, at), **GOT)
    assert not any(in_sequence(calls(got, again)))
    _, [problem] = in_sequence(calls(got, answered((method, url, headers, body, at), **GOT)))
    assert problem.at_server
