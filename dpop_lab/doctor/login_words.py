"""What is said where people sign in: of codes, refresh tokens, addresses, PKCE, the login."""

from dpop_lab.doctor.grammar import Wording

KEEP = """Keep the key as long as what is bound to it, where it outlives page loads, restarts and
    other processes; where it is lost, log in again."""
ANEW = "and start the login anew."
#: What stands before words about proofs; what is refused in the browser is known as `authorize`.
OF_LOGINS = (
    Wording(
        "code key",
        r"dpop_jkt + <missing> - <differs>|thumbprint",
        "the server wants dpop_jkt in the authorization request, and there is none",
        "Send dpop_jkt, the thumbprint of the key (RFC 7638), or push the request with a proof.",
    ),
    Wording(
        "code key",
        r"^\[authorize .*(?:jkt|thumbprint).{0,40}<differs> | ^\[authorize .*<differs>.{0,40}\bjkt",
        """dpop_jkt names another key than the request that was pushed (PAR), its proof, or what the
        server knows of this login""",
        """Make one key for each login, before its first request, and use it for all: its thumbprint
        is dpop_jkt, it signs the proof of the pushed request and that of the token request.""",
    ),
    Wording(
        "code key",
        r"^\[authorize .*(?:jkt|thumbprint)",
        "the server does not take dpop_jkt: it is no thumbprint of a key",
        """Send the JWK thumbprint of RFC 7638: SHA-256 of the public JWK's required members, as
        base64url, 43 characters.""",
    ),
    Wording(
        "pkce",
        r"^\[authorize .*(?:pkce|code.?challenge|transform algorithm|challenge method)",
        "the authorization request has no code_challenge that the server takes (PKCE)",
        f"""Send base64url of the SHA-256 of a new code_verifier as code_challenge, and
        code_challenge_method=S256, {ANEW}""",
    ),
    Wording(
        "redirect",
        r"""^\[authorize .*redirect.?ur[il] | invalid parameter: redirect_uri
        | (?:callback|redirect|reply) ?ur[il]s? mismatch | redirect_uri_mismatch
        | redirect(?:ion)?.?ur[il]s?\b.{0,60}(?:regist|whitelist|allowed|\blist\b|configured)""",
        "the redirect_uri is none of those that the client is registered with",
        """Register it to the letter, with scheme, host, port, path and slash at the end, or send
        one that is registered.""",
    ),
    Wording(
        "client id",
        r"""\b(?:code|grant|token)\b.{0,40}\b(?:issued|given|belongs?) (?:to|for).{0,30}\bclient
        | client.?id\b.{0,20}(?:mismatch|match|differ) | client mismatch""",
        "the code or refresh token was given to another client_id than the one that brings it",
        f"Send one client_id, in the authorization request and with what comes of it, {ANEW}",
    ),
    Wording(
        "client id",
        r"""(?:unknown|invalid|disabled) client(?:.?id)?\b(?!.{0,9}(?:secret|assert|auth))
        | client(?:.?id)? (?:is |was )?(?:not (?:found|enabled|registered)|unknown)""",
        "the server does not know this client_id, or it is switched off",
        "Compare client_id, to the letter, with what is registered at this very server and realm.",
    ),
    Wording(
        "invalid_request_uri",
        r"""request_?uri\b.{0,40}(?:expired|unknown|invalid|not found|used|already|no longer)
        | (?:unknown|invalid|expired|used) request_?uri""",
        "the request_uri is used up, outdated, or another client's",
        """Push the request anew for each login, a reload or the button back too, and send the
        browser there at once, with the client_id that pushed it.""",
    ),
    Wording(
        "state",
        r"""\bstate\b(?: \w+){0,3} (?:mismatch|(?:do(?:es)? not|doesn't|didn't|not) match|missing
        |not (?:found|valid)|invalid|expired|lost|unknown) | checks\.state
        | (?:invalid|unexpected|no matching|unknown|missing|no) (?:\w+ )?state\b(?! store)""",
        """the answer belongs to another login than the one that the client remembers, or the client
        has forgotten its own: the state is not there""",
        f"""Keep state, verifier and key of each login until its callback, where the callback finds
        them: the same origin (localhost is not 127.0.0.1), a cookie that comes back (SameSite=Lax),
        one callback for each answer. Do not redeem the code, {ANEW}""",
    ),
    Wording(
        "mix-up",
        r"""(?:response|authori[sz]ation|callback)\b.{0,40}\b(?:iss|issuer)\b.{0,40}(?:mismatch
        |unexpected|missing|invalid|match) | \biss(?:uer)?\b.{0,30}(?:response|callback)""",
        """the answer does not name the server that was asked, by iss (RFC 9207)""",
        f"""Compare iss with the issuer in the metadata of the server that was asked. Unless they
        are the same, do not redeem the code, {ANEW}""",
    ),
    Wording(
        "invalid_request",
        r"^\[authorize .*#invalid_request ",
        """a parameter of the authorization request is missing, doubled, or not as the server takes
        it""",
        """Compare the parameters in the URL with the server's metadata: response_type,
        response_mode, scope, prompt, code_challenge_method, each once.""",
    ),
    Wording(
        "pkce",
        r"\bpkce\b | code.?verifier | code.?challenge",
        "code_verifier is not the text whose hash went with the authorization request (PKCE)",
        """Keep the code_verifier with the state of the login, and start the login anew: the code
        is spent.""",
    ),
    Wording(
        "redirect",
        r"redirect.?ur[il]",
        "redirect_uri is not that of the authorization request, or is not registered",
        "Send the one of the authorization request, to the letter, and start the login anew.",
    ),
    Wording(
        "spent grant",
        r"""(?:invalid|unknown|expired|used) (?:authori[sz]ation )?code\b
        | \bcode\b(?: \w+){0,2} (?:not (?:valid|found)|invalid|expired|unknown)
        | \bcode\b.{0,30}already | (?:invalid|expired|revoked|unknown|used) refresh.?token
        | refresh.?token.{0,20}\b(?:reuse|replay|rotated) | stale token
        | refresh.?token (?:is |has |was )?(?:invalid|expired|revoked|not|already|used|unknown)
        | #invalid_grant .*\b(?:expired|revoked|not active|used)""",
        """the code or refresh token is used up, expired or unknown; each code counts once, and so
        do most refresh tokens, also when the answer was lost or the request refused""",
        """Start the login anew: a new authorization code is needed. Send one request at a time,
        not two at once, and bring proof and nonce with the first.""",
    ),
)
#: What stands among words about keys.
OF_BOUND_GRANTS = (
    Wording(
        "one_header",
        r"^\[par .*<proof>.*<missing>",
        "",
        """Sign a proof for this request, and send it in exactly one DPoP header. DPoP begins at the
        pushed request: the code is bound to the key of this proof, so sign the token request with
        the same key.""",
    ),
    Wording(
        "refresh key",
        r"initial refresh token and is required",
        "the refresh token was got with a proof, and none came with this request",
        "Send a proof with each use of it, too, by the key of the first one.",
    ),
    Wording(
        "refresh key",
        r"subsequent token requests unless",
        "the refresh token was got without a proof, and one came with this request",
        "Use it without a proof; or log in anew, with one from the beginning.",
    ),
    Wording(
        "refresh key",
        r"^\[refresh (?!.*signature).*(?:<key>|<differs>|original)",
        """the refresh token is bound to the key that it was got with, and this proof is by
        another""",
        f"Sign with the same key as when the refresh token was issued. {KEEP}",
    ),
    Wording(
        "code key",
        r"^\[par .*(?:dpop_jkt|thumbprint|\bkey\b)",
        "dpop_jkt names another key than the one that signed the proof beside it (PAR)",
        "Send the thumbprint of the key that signs the proof, or leave dpop_jkt out.",
    ),
    Wording(
        "code key",
        r"""dpop_jkt | \bauthori[sz]e endpoint\b | ^\[code (?!.*signature).*<key>
        | (?:pushed|\bpar\b|authori[sz]ation (?:request|code)|\bcode\b) + <key>""",
        """the code is bound to the key of the authorization request (dpop_jkt, or the proof of the
        pushed one, PAR), and the proof of the token request is by another key""",
        f"""Sign the token request with the same key as the authorization request. Store the key
        with the state of the login, so that the callback has it. {KEEP}""",
    ),
    Wording(
        "refresh key",
        r"#invalid_grant .*<key> | ^\[token .*<key>.*<differs> | ^\[token .*<differs>.*<key>",
        "the code or refresh token is bound to another key than that of this proof",
        f"""Sign with the same key as in the request that it was got with: the authorization request
        (dpop_jkt, PAR), or the first token request. {KEEP}""",
    ),
)
