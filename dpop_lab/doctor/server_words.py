"""What is said of a server's own faults: a check it lacks, a store, keys or room it needs."""

from dpop_lab.doctor.grammar import Wording

OF_SERVERS = (
    Wording(
        "api key",
        r"subscription.?key | api.?key + <missing> | invalid api.?key",
        "a gateway wants an API key of its own; nothing of DPoP was looked at",
        """Send that key as the gateway's operator says, beside token and proof; or ask the operator
        to have DPoP checked there: as it is set up, this route does not know the scheme.""",
    ),
    Wording(
        "let in",
        r"""expect\D{1,24}(?:40[0-3]|unauthorized|forbidden|bad ?request)\D{1,40}(?:2\d\d|ok)\b
        | assert 2\d\d == 40[0-3] | should(?:nt| not)? (?:it|this|that) .{0,6}\b40[0-3]\b
        | \bnever (?:calls?|does) verif
        | (?:still|nevertheless|all the same|anyway) (?:accept|authori[sz]e|allow|succeed|process)
        | \b(?:accept|authori[sz]|allow|succeed|process|let)\w*.{0,50}\b(?:without|no|lacking)\b
        .{0,20}\b(?:proof|dpop)\b - \bmust\b|not (?:accept|allow)|unsupported
        | \b(?:does not|doesnt|do not|dont|never|no code ever)\b.{0,12}
        \b(?:verif(?:y|ies)|checks?|validates?|compares?|enforces?|looks? at)\b.{0,60}
        (?:<proof>|<key>|\bath\b|\bjti\b|\bhtu\b|\bhtm\b) - signature (?:does|did) not
        | (?:dpop|mandate|binding|proof).{0,20}\b(?:is|was) (?:not|never)
        (?:enforced|checked|validated)""",
        "the server lets in what it must refuse: it does not make a check that RFC 9449 demands",
        """The server must make that check, and refuse where it fails: without it a token that was
        stolen works for whoever has it. This is to be mended there; the client is right.""",
        at_server=True,
    ),
    Wording(
        "own store",
        r"""(?:\bjti\b|replay|nonce) + (?:redis|memcache|database|\bdb\b|\bstore\b|\bcache\b) +
        (?:unavailable|refused|time?d? ?out|cannot|could not|unable|down\b|fail|unreachable)
        | (?:unable|cannot|could not) (?:to )?(?:verify|check|store) (?:the )?jti
        | nonce.?secret""",
        "the server can't use its own memory of jti or nonces (a cache, a database, a secret)",
        """Look into the server: all its nodes need one store and one secret, and have to reach
        them. The client has nothing to mend; it may send the request again later, with a new
        proof.""",
        at_server=True,
    ),
    Wording(
        "issuer keys",
        r"""\bkid\b.{0,30}(?:not found|unknown|not in|no match)
        | no (?:matching |suitable )?key.{0,30}(?:jwks|\bkid\b)
        | jwks.{0,50}(?:stale|fetch|fail|refused|timeout|timed out|unreachable)
        | signing key (?:was )?not found | idx10501 | idx10503""",
        "the API does not find the issuer's key by which it would verify the access token",
        """Let the API fetch the issuer's JWK Set anew where it meets an unknown kid, from the
        issuer that the token names (iss), and look whether it gets there. Nothing of the proof is
        wrong. If the token is another issuer's: fetch one from the issuer that the API trusts.""",
        at_server=True,
    ),
    Wording(
        "too large",
        r"sent too big header | (?:response|answer) header.{0,40} too (?:large|big|long)",
        "the header lines of the server's answer are too large for the gateway before it",
        """Let the gateway take larger answers: in nginx by proxy_buffer_size and proxy_buffers. Or
        let the server send fewer and shorter header lines (cookies, tokens, DPoP-Nonce).""",
        at_server=True,
    ),
    Wording(
        "too large",
        r"""^\[\w* \w* 431\] | #web_page .*too large | header.{0,30} too (?:large|big|long)
        | too (?:large|big|long) (?:\w+ )?header | bytes of headers""",
        """the header lines of the request, with token and proof among them, are too large for the
        server or a proxy before it""",
        """Let the server and each proxy take more: in nginx by large_client_header_buffers, in
        Apache by LimitRequestFieldSize, in Tomcat and Spring by max-http-request-header-size, in
        Node by --max-http-header-size, in Kestrel by MaxRequestHeadersTotalSize. Or use a smaller
        token (fewer scopes, groups, claims) and an EC key in place of RSA.""",
        at_server=True,
    ),
)
