"""What servers' words mean: wordings of servers, libraries and browsers, each with its topic."""

import pytest

from dpop_lab.doctor.urls import differences, oddities
from dpop_lab.doctor.words import meaning
from dpop_lab.session.call import Call

WORDINGS = {  # error code, a space, the words
    "fresh": (
        "invalid_request DPoP proof is not active",
        "invalid_dpop_proof DPoP proof iat is not recent enough",
        "invalid_dpop_proof DPoP proof iat is too far in the future",
        "invalid_dpop_proof DPoP proof iat is stale",
        "invalid_dpop_proof DPoP proof iat is outside the acceptable window",
        "invalid_dpop_proof DPoP proof is too old",
        "invalid_dpop_proof DPoP proof expired",
        "invalid_dpop_proof DPoP Proof token has expired",
        '"iat" validation failure (1764327600): JWT was issued more than 5 seconds ago',
        "invalid_dpop_proof invalid DPoP key binding"
        ' ("iat" claim timestamp check failed (too far in the past))',
        "DPoP proof iat must be recent (within 60s)",
        "invalid_dpop_proof Invalid clock skew of the proof",
        "invalid_dpop_proof The DPoP proof must be issued at a time within the window",
        "invalid_dpop_proof DPoP iat in the future: check client clock skew",
    ),
    "htu": (
        "invalid_request DPoP HTTP URL mismatch",
        "invalid_dpop_proof 'htu' claim in the DPoP proof JWT is invalid.",
        'invalid_dpop_proof \\"htu\\" mismatch',
        "invalid_token DPoP proof htu mismatch.",
        "invalid_dpop_proof htu in the DPoP proof does not match request uri",
        "DPoP proof htu does not match the request URL",
        'invalid_dpop_proof DPoP "htu" claim does not match the HTTP URL',
        "DPoP URL mismatch",
        "htu mismatch: proof was bound to another URI",
    ),
    "htm": (
        "invalid_request DPoP HTTP method mismatch",
        "invalid_dpop_proof htm in the DPoP proof does not match request method",
        "DPoP proof htm (HTTP method) does not match request method",
    ),
    "ath": (
        "invalid_dpop_proof DPoP proof ath mismatch",
        "DPoP proof access token hash does not match the presented token",
        "invalid_token DPoP access-token hash mismatch",
    ),
    "nonce": (
        "use_dpop_nonce Authorization server requires nonce in DPoP proof",
        "use_dpop_nonce DPoP proof iat is not recent enough, use a DPoP nonce instead",
        "invalid_dpop_proof DPoP nonce is required",
        "(use_dpop_nonce) Authorization server requires nonce in DPoP proof.",
        "use_dpop_nonce Resource server requires nonce in DPoP proof",
        "invalid_dpop_proof The DPoP proof nonce is not one this server issued, or it has expired.",
    ),
    "unused": (
        "invalid_request DPoP proof has already been used",
        "invalid_dpop_proof DPoP proof replay detected",
        "invalid_request DPoP proof JWT Replay detected",
        "invalid_dpop_proof DPoP proof jti is not unique",
        "invalid_dpop_proof DPoP jti already used",
        "DPoP proof replayed",
        "invalid_dpop_proof JTI has already been seen; DPoP proofs may be used once",
    ),
    "one_header": (
        "invalid_dpop_proof DPoP header not present",
        "invalid_request DPoP proof is missing",
        "invalid_dpop_proof DPoP proof required",
        "invalid_dpop_proof Multiple DPoP headers detected",
        "invalid_dpop_proof DPoP proof header is required",
        "invalid_request The DPoP header is missing from the request",
        "Missing DPoP proof",
        "invalid_dpop_proof No DPoP proof was found in the request",
    ),
    "bound_key": (
        "invalid_token Invalid DPoP key binding",
        "invalid_token DPoP proof key does not match the access token confirmation (cnf.jkt).",
        "invalid_token JWK thumbprint mismatch between DPoP proof and access token",
        "invalid_token The DPoP proof is made with another key than the access token's cnf",
        "DPoP proof and token binding verification failed",
        "invalid_token failed jkt verification of the DPoP proof",
    ),
    "signature": (
        "invalid_dpop_proof The DPoP proof has an invalid signature.",
        "invalid_dpop_proof invalid DPoP key binding (signature verification failed)",
    ),
    "typ": ('invalid_dpop_proof unexpected "typ" JWT header value of the DPoP proof',),
    "alg": (
        "invalid_dpop_proof DPoP proof algorithm 'HS256' is not in the allowed set.",
        'invalid_dpop_proof "alg" (Algorithm) Header Parameter value not allowed',
    ),
    "jti": ("invalid_dpop_proof DPoP proof must have a jti string property",),
    "jwk": (
        "invalid_dpop_proof DPoP proof is missing the 'jwk' header parameter.",
        "invalid_dpop_proof DPoP proof contains an invalid 'jwk' header.",
    ),
    "no_private_key": ("invalid_dpop_proof DPoP proof JWK must not contain private key material.",),
    "well_formed": (
        "invalid_request Malformed DPoP proof: three parts expected",
        "invalid_request DPoP header verification failure",
    ),
    "missing claims": ("invalid_request DPoP mandatory claims are missing",),
    "any row": (
        "invalid_dpop_proof Invalid DPoP proof",
        "invalid_dpop_proof DPoP proof validation failed",
        "invalid_dpop_proof invalid DPoP key binding",
        "token request failed, [invalid_dpop_proof]: invalid DPoP key binding",
        "invalid_token DPoP verification failed",
    ),
    "refresh key": (
        "The DPoP proof token in the refresh token request does not match the original used.",
        "invalid_grant Refresh token is bound to a different DPoP key",
        "invalid_grant The refresh token was issued to another key (jkt mismatch)",
    ),
    "code key": (
        "invalid_request DPoP Proof public key thumbprint does not match dpop_jkt",
        "invalid_grant The authorization code is bound to another DPoP key.",
        "code exchange, 400: invalid_token, Invalid DPoP key binding",
    ),
    "spent grant": (
        "invalid_grant Invalid code",
        "invalid_grant Code not valid",
        "invalid_grant Invalid refresh token",
        "invalid_grant Authorization code has already been used",
        "invalid_grant Refresh token expired",
        "invalid_grant Session not active",
    ),
    "pkce": (
        "invalid_grant PKCE verification failed",
        "invalid_grant Invalid code_verifier",
    ),
    "redirect": ("invalid_grant redirect_uri mismatch",),
    "not_expired": (
        "invalid_token The access token expired",
        "invalid_token Token has expired",
    ),
    "no scheme": (
        "invalid_token DPoP tokens are not supported. Use a Bearer token.",
        "Unsupported authorization scheme",
        "Invalid authorization scheme. Expected 'Bearer <token>'.",
        "INVALID_AUTH_HEADER",
        "invalid_request Missing Bearer token",
        "DPoP is not enabled for this realm",
    ),
    "scheme": (
        "invalid_token DPoP-bound token requires 'DPoP' authorization scheme",
        "invalid_token DPoP bound access token must not be presented as Bearer",
    ),
    "token form": (
        "Malformed token",
        "invalid_request Invalid token",
        "invalid_token INVALID_JWT_FORMAT",
    ),
    "lost key": (
        "CredentialsException: DPOP_KEY_MISSING",
        "private key not found",
        "Could not retrieve dpop keys from storage: Cannot read properties of undefined",
        "java.security.UnrecoverableKeyException: no such alias in AndroidKeyStore",
        "keychain error -25300: errSecItemNotFound",
        "Failed to load DPoP key from IndexedDB",
    ),
    "cors": (
        "Access to fetch at 'https://a.example/o' from origin 'https://b.example' has been blocked"
        " by CORS policy: Request header field dpop is not allowed",
        'Refused to get unsafe header "DPoP-Nonce"',
        "Cross-Origin Request Blocked: (Reason: CORS header missing)",
    ),
    "connection": (
        "SSL: CERTIFICATE_VERIFY_FAILED self signed certificate",
        "connect ECONNREFUSED 127.0.0.1:8443",
    ),
}


def topic_of(found):
    """What words are about, by what was made of them."""
    return found and found.explains[0]


@pytest.mark.parametrize("topic", WORDINGS)
def test_words_mean_what_they_are_about(topic):
    found = {}
    for text in WORDINGS[topic]:
        code, _, words = text.partition(" ")
        known = code.startswith(("invalid_", "use_"))
        call = Call(error=code, description=words) if known else Call(description=text)
        found[text] = meaning(call)
    assert {text: topic_of(one) for text, one in found.items()} == dict.fromkeys(found, topic)
    assert all(one.title and one.action for one in found.values())


@pytest.mark.parametrize(
    ("error", "grant", "topic"),
    [
        ("invalid_dpop_proof", "client_credentials", "any row"),
        ("invalid_token", "authorization_code", "code key"),
        ("invalid_grant", "refresh_token", "refresh key"),
    ],
)
def test_a_key_binding_is_that_of_the_grant(error, grant, topic):
    call = Call(error=error, description="Invalid DPoP key binding", form={"grant_type": grant})
    assert topic_of(meaning(call)) == topic


def test_the_same_words_about_a_scheme_depend_on_the_scheme_that_was_sent():
    words = "unsupported authentication scheme"
    topics = [
        meaning(Call(description=words, scheme=one)).explains[0] for one in ("DPoP", "Bearer")
    ]
    assert topics == ["no scheme", "scheme"]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("Provided htu:  http://op:4000/oidc/token Computed htu:  http://op:4000/token", "/oidc"),
        ("htu mismatch: expected 'https://a.example/x', got 'http://a.example/x'", "scheme http"),
        ("DPoP htu mismatch: got http://b.internal/x, want http://a.example/x", "b.internal"),
        ("htu claim 'https://a.example/x/' does not match 'https://a.example/x'", "slash"),
    ],
)
def test_two_urls_in_the_words_are_compared(words, part):
    assert part in meaning(Call(description=words)).title


def test_two_times_in_the_words_are_compared():
    words = "DPoP proof is not active: iat=1764327600, server time=1764328422, lifetime=10s"
    found = meaning(Call(description=words))
    assert "822 s (13 min 42 s) behind" in found.title and "10 s" in found.title
    early = meaning(Call(description="iat=1764328422 is in the future, now=1764327600"))
    assert "ahead" in early.title


def test_urls_are_told_apart_by_the_part_that_differs():
    url = "https://api.example.com/v1/users/7"
    others = {
        "": url,
        "scheme": url.replace("https", "http"),
        "host": url.replace("api", "inner"),
        "port": url.replace(".com", ".com:8443"),
        "prefix": url.replace("/v1", ""),
        "slash": f"{url}/",
        "case": url.replace("users", "Users"),
        "template": url.replace("7", "{id}"),
        "encoding": url.replace("7", "%37%37"),
        "query": f"{url}?a=1",
        "fragment": f"{url}#a",
        "user": url.replace("//", "//me@"),
        "spelling": url.replace("api", "API"),
        "path": url.replace("users", "groups"),
        "form": "/v1/users/7",
    }
    wanted = {"encoding": url.replace("7", "77%2F").replace("%2F", "")}
    found = {part: differences(wanted.get(part, url), one) for part, one in others.items()}
    del found["encoding"]  # unreserved characters: the same URL
    assert {part: "".join(told) for part, told in found.items()} == {part: part for part in found}
    assert "encoding" in differences("https://a.example/u/b@c", "https://a.example/u/b%40c")
    assert not oddities(url) and len(oddities("https://A.example/{id}/?x")) == 3
