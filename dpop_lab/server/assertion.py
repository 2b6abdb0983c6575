"""A client assertion: how a client with a key says who it is, once for each (RFC 7523)."""

from collections.abc import Callable

from dpop_lab.jose.encoding import Members
from dpop_lab.jose.jws import read_jws, verify
from dpop_lab.server.duende_site import Client
from dpop_lab.server.resource_server import Party


def use_assertion(
    server: Party, client: Client, assertion: str, client_key: Callable[[], Members]
) -> bool:
    """Is the assertion signed, current, meant for this server, and new? It is then used up.

    `client_key` gives the public JWK that verifies it (RFC 7523 section 3).
    """
    reading, now = server.policy.token.reading, server.clock.now()
    jws = read_jws(assertion)
    claims, alg, jti = jws.claims, jws.header.get("alg"), jws.claims.get("jti")
    ends = reading.number(claims.get("exp"))
    starts = None if ends is None else reading.number(claims.get("nbf", min(ends, now)))
    if ends is None or starts is None:
        return False
    good = (
        alg in reading.algorithms
        and starts <= ends
        and claims.get("iss") == claims.get("sub") == client.client_id
        and starts - reading.leeway <= now
        and not reading.expired(ends, now)
        and isinstance(jti, str)
        and bool(jti.strip())
        and server.policy.audience_fits(jws.header, claims.get("aud"), server.base_url)
        and verify(jws.signing_input, jws.signature, alg=str(alg), jwk=client_key())
    )
    remember = int(ends) + reading.leeway + 1 - now
    return good and server.used.claim(("assertion", jti), now=now, remember=remember)
