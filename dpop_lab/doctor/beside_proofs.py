"""What is said of all but the proof: by browsers, key stores, gateways, of codes and schemes.

Of each: topic, pattern, meaning, advice, as `Wording` has them in its table.
"""

ELSEWHERE = """Call the endpoint that takes DPoP, ask the operator of this one, or use a token that
    is bound to no key. A bound token must not be sent as Bearer."""
SCHEME = r"""(?:unsupported|invalid|unknown|unexpected|wrong|bad|malformed|unrecogni[sz]ed)[
    _](?:http )?(?:authori[sz]ation|authentication|auth|token)(?:[ _]header)?[
    _](?:scheme|type|method|header) | (?:unsupported|bad|invalid|unknown)[ _]scheme
    | scheme (?:is )?not supported
    | authori[sz]ation header.{0,20}(?:format|malformed|invalid|must|requires)
    | (?:format|malformed|key=value).{0,50}\bauthori[sz]ation(?: header|:)"""

ALLOW = """The server must change, not the client: let it answer OPTIONS with the page's origin in
    Access-Control-Allow-Origin and with Access-Control-Allow-Headers: Authorization, DPoP; and let
    pages read what they need with Access-Control-Expose-Headers: DPoP-Nonce, WWW-Authenticate."""

BESIDE_PROOFS: tuple[tuple[str, str] | tuple[str, str, str, str], ...] = (
    (
        "cors",
        r"""access-control-expose | refused to get unsafe header
        | (?:dpop-nonce|www-authenticate)\b.{0,60}\b(?:null|undefined|none|exposed|readable)\b""",
        "the browser keeps this header of the answer from the page, as the server does not expose"
        " it (CORS)",
        """The server must change, not the client: let its answers carry
        Access-Control-Expose-Headers: DPoP-Nonce, WWW-Authenticate. Then the page can read the
        nonce and put it into a new proof.""",
    ),
    (
        "cors",
        r"""blocked by cors | \bcors\b.{0,40}(?:policy|error|header|fail|missing|preflight|request)
        | access-control-allow | preflight""",
        "the browser asks the server first (preflight, CORS), and the server does not allow it",
        ALLOW,
    ),
    (
        "connection",
        r"""self.signed | certificate (?:verif|has expired|is not trusted|signed by unknown)
        | unable to (?:verify the first|get local issuer) | \bssl(?:error|handshake)
        | tls handshake | \berr_(?:cert|ssl|connection|name) | pkix path | \bx509:
        | econnre(?:fused|set) | enotfound | getaddrinfo | name or service not known
        | connection (?:refused|reset|timed out)""",
        "no connection came about, so nothing of DPoP was looked at",
        "Look at the address, the network, its proxy and certificates.",
    ),
    (
        "lost key",
        r"""dpop_key_
        | (?:private|dpop|signing|device) ?key(?: ?pair)?s?\b(?: \w+){0,3} (?:not
        found|missing|lost|unavailable|no longer|not available|does not exist|from storage)
        | key ?pair.{0,40}(?:no longer|not found|missing|lost)
        | (?:could not|cannot|failed to|unable to) (?:\w+ ){0,2}(?:dpop|private|signing) keys?\b
        | \bno (?:(?:dpop|private|signing) key|key ?pair)
        | key_?(?:not_?found|missing|invalidated) | unrecoverablekey | keypermanentlyinvalidated
        | key permanently invalidated
        | key ?(?:store|chain)\w*.{0,40}(?:not found|missing|error|exception|fail|no
        longer|unable) | errsec(?:itemnotfound|interactionnotallowed)
        | indexed ?db.{0,60}(?:key|error|fail|clos)""",
        """the client can't get at its private key; without it, the tokens that are bound to it are
        of no use""",
        """Delete these tokens, make a new key and log in again: nothing else brings them back.
        Keep the key where it outlives restarts and updates, and out of backups to other
        devices.""",
    ),
    (
        "client metadata",
        r"#invalid_client_metadata .*dpop | dpop_bound_access_tokens",
        "the server refuses what the client's metadata say of DPoP",
        """Set dpop_bound_access_tokens to true in the client's metadata: at its registration, or
        in the document that its client_id names.""",
    ),
    (
        "no scheme",
        r"""\bdpop\b(?: (?!alg|typ|jwk|key|nonce|signature|iat|ath|jti|ht[mu])\w+){0,3}
        (?:(?:is|are) )?(?:unsupported|disabled|not
        (?:yet )?(?:supported|enabled|allowed|accepted|implemented))
        | use (?:a |the )?bearer | expected bearer | only bearer | bearer only
        | must (?:start with|be|use) (?:a )?bearer | (?:no|missing) bearer
        | bearer (?:access )?token (?:is )?(?:missing|required|not found|not present)""",
        "this server does not take the scheme DPoP here, only Bearer",
        ELSEWHERE,
    ),
    ("scheme", r"^\[\w* BEARER\].*(?:support|invalid|wrong|unexpected|unknown).*scheme"),
    (
        "scheme",
        r"""bound.{0,60}(?:bearer|dpop.{0,9} scheme) | dpop scheme
        | (?:expect|requires?|must|should|use).{0,40}\bdpop\b.{0,20}scheme
        | bearer.{0,30}(?:not allowed|not accepted|bound)""",
    ),
    (
        "no scheme",
        SCHEME,
        "this server may not know the scheme DPoP, only another one such as Bearer",
        ELSEWHERE,
    ),
    (
        "nonce",
        r"use_dpop_nonce | \bnonce\b",
        "the server wants a nonce of its own in the proof: a challenge, not a failure",
        """Take the value of the DPoP-Nonce header of this answer, put it into a new proof as
        nonce, with a new jti, and send the request again, once. In a browser a page reads that
        header only where the server's Access-Control-Expose-Headers names it.""",
    ),
    (
        "pkce",
        r"\bpkce\b | code.?verifier | code.?challenge",
        "code_verifier is not the text whose hash went with the authorization request (PKCE)",
        """Keep the code_verifier with the state of the login, and start the login anew: the code
        is spent.""",
    ),
    (
        "redirect",
        r"redirect.?ur[il]",
        "redirect_uri is not that of the authorization request, or is not registered",
        "Send the one of the authorization request, to the letter, and start the login anew.",
    ),
    (
        "spent grant",
        r"""(?:invalid|unknown|expired|used) (?:authori[sz]ation )?code\b
        | \bcode\b(?: \w+){0,2} (?:not (?:valid|found)|invalid|expired|unknown)
        | \bcode\b.{0,30}already | (?:invalid|expired|revoked|unknown|used) refresh.?token
        | refresh.?token reuse | stale token
        | refresh.?token (?:is |has |was )?(?:been
        )?(?:invalid|expired|revoked|not|already|used|unknown) | session not active
        | #invalid_grant .*\b(?:expired|revoked|not active|used)""",
        """the code or refresh token is used up, expired or unknown; each code counts once, and so
        do most refresh tokens, also when the answer was lost or the request refused""",
        """Start the login anew: a new authorization code is needed. Send one request at a time,
        not two at once, and bring proof and nonce with the first.""",
    ),
)
