"""What servers, libraries and browsers say of proofs, keys and tokens: the first that fits counts.

Specific words stand before those that may stand for any fault.
"""

from dpop_lab.doctor.general import BESIDE_PROOFS, ELSEWHERE
from dpop_lab.doctor.grammar import Wording
from dpop_lab.doctor.login_words import KEEP, OF_BOUND_GRANTS, OF_LOGINS
from dpop_lab.doctor.server_words import OF_SERVERS
from dpop_lab.doctor.url_mends import PROXY

CLOCK = """Make the proof right before it is sent, do not keep it for later, and set the client's
    clock (NTP). If that clock is right, the server's is wrong or its window is short."""
SEND = """Sign a proof for this request, and send it in exactly one DPoP header; a client library
    that knows DPoP does so by itself. For a client that can't, the server's operator can switch off
    that it needs DPoP."""

SPECIFIC = (
    *OF_SERVERS,
    Wording(
        "client library",
        r"""token.?type (?:cannot be null|must be bearer) | token.?response\b.*token.?type
        | token.?type\b.{0,30}(?:expected (?!dpop)|got dpop) - \bheader\b
        | (?:unsupported|unknown|unexpected|wrong|invalid) token_type - \bheader\b""",
        """the client's own library does not know this token_type, or compares it letter by letter:
        the server answered as it should, DPoP and dpop mean the same (RFC 6749 §5.1)""",
        """Use a library, or a version of it, that knows DPoP, or teach it this token_type, in
        capital and small letters alike. The calls to the API need Authorization: DPoP and proofs,
        too.""",
    ),
    Wording(
        "own rule",
        r"""(?:<proof>|\bjwk\b) + (?:<missing>|must be) + <demanded>
        | #invalid_dpop_proof (?=.*?<missing>).*<demanded> | <proof> +
        (?:unexpected|unknown|unrecogni[sz]ed|additional|extra) (?:claim|member|propert) -
        \bath\b""",
        """the server has a rule of its own: it demands a member that RFC 9449 asks for in no proof
        (kid, exp, nbf, aud, iss, sub), or refuses one that it has to pass over""",
        """Tell its operator. Till then the client may add to the proof what the server names, or
        leave that out.""",
        at_server=True,
    ),
    Wording(
        "header text",
        r"""err_invalid_char | unexpected char 0x | append\b.{0,20}\bheaders\b
        | ^\[[^\]]*\] # .*(?:valid|illegal|parse|(?:new-?line|carriage return|return char).{0,40})
        header""",
        """nothing was sent: the value has a character that no header line may have, mostly a line
        break at its end""",
        """Trim proof and token before they go into their header lines: what a file, a command or
        base64 gives has line breaks at its end, or every 76 characters; a JWT has none.""",
    ),
    *BESIDE_PROOFS,
    *OF_LOGINS,
    Wording(
        "not_expired",
        r"token\b(?! endpoint).{0,30} not (?:yet (?:valid|active)|(?:valid|active) (?:yet|before))",
        "the access token is not valid yet: its nbf lies ahead of the API's clock",
        """Set the clocks of this API and of the server that issues the tokens (NTP), and let the
        API allow some seconds of leeway.""",
        at_server=True,
    ),
    Wording(
        "not_expired",
        r"""(?<!proof )(?<!dpop )\btoken.{0,14} <ended> | <ended> (?:access )?token
        | #invalid_token (?!.*\bproof).*<ended>""",
    ),
    Wording(
        "ath",
        r"\bath\b.{0,12} (?:not allowed|forbidden|unexpected)",
        "there is an ath where no access token goes with the proof",
        "Leave ath out of the proof of a token request: it belongs beside an access token alone.",
    ),
    Wording(
        "invalid_client",
        r"(?:private_key_jwt|client.?assertion) + <reused>",
        "the client assertion was used before",
        "Make a new assertion for each request, also for the one with the nonce: each counts once.",
    ),
    Wording(
        "own key",
        r"different key than (?:that of )?the client.?assertion",
        "the proof is signed with the key that the client authenticates with",
        "Use a key for proofs alone, another one than that of the client's assertions.",
    ),
    Wording(
        "ath",
        r"\bath\b | <hash>",
        "",
        """Set ath to base64url, without =, of the SHA-256 of the very access token that is sent. A
        renewed token needs a new proof, as does each request.""",
    ),
    Wording(
        "htu",
        r"""\bhtu\b | <url> + <differs> - \bauthori[sz]e endpoint|\bcode\b | http ur[li]
        | <url> + <invalid> + <proof>
        | endpoint.{0,20} <differs> - \bkey\b|authori[sz]e endpoint""",
        "",
        f"""Set htu to scheme, host, port and path of the URL that is called, without query and
        fragment. If it is that already, {PROXY}""",
    ),
    Wording(
        "htm",
        r"""\bhtm\b | <method> + <differs> | http method
        | <proof> + \b(?:get|post|put|patch|delete)\b.*\b(?:get|post|put|patch|delete)\b""",
        "",
        """Set htm to the method of the request, in capital letters, in a new proof for each
        request, also for the one that a redirect leads to.""",
    ),
    Wording(
        "unused",
        r"<reused> - \bcode\b|duplicate header|unique identifier",
        "",
        """Make a new proof for each request, with a new jti and iat. A library or a proxy that
        sends a request again by itself (nginx: proxy_next_upstream) sends the old proof: let the
        client retry, and nobody else.""",
    ),
    Wording("jti", r"\bjti\b - \biat\b | jwt id | unique identifier"),
    Wording(
        "fresh",
        r"""\biat\b.{0,40}(?:integer|whole number|type int64|fraction)
        | (?:unmarshal|deserial)\w*.{0,60}\b(?:int(?:eger|64|32)?|long|i64)\b.{0,80}\biat\b""",
        "the server reads iat as a whole number of seconds alone, and falls over another number",
        """The server has to take a fraction of a second, too (NumericDate, RFC 7519 §2), or refuse
        the proof in words. Till then give iat as a whole number of seconds, cut off: not
        1764327600.25, not a text in quotes.""",
        at_server=True,
    ),
    Wording(
        "fresh",
        r"<early>",
        "iat lies ahead of the server's clock (row fresh)",
        """Set the client's clock (NTP), in UTC, and give iat in seconds, not milliseconds. If that
        clock is right, the server's is behind.""",
    ),
    Wording("fresh", r"<old>", "iat is too old for the server (row fresh)", CLOCK),
    Wording(
        "fresh",
        r"<time> - \b(?:jti|htm)\b",
        "iat is too far from the server's clock (row fresh)",
        CLOCK,
    ),
    Wording(
        "missing claims",
        r"\bclaims?\b + <missing> - \b(?:typ|alg|jwk|cnf|jkt)\b",
        "a claim of the proof is missing",
        """Give each proof jti, htm, htu and iat, beside an access token ath too, for a server with
        nonces its nonce too; in the header typ, alg and jwk.""",
    ),
    Wording(
        "jwk",
        r"(?:not|off)\b.{0,20}\bcurve | coordinates? | invalid (?:ec )?point",
        "x and y are no point of the curve (row jwk)",
        """Give x and y of one key, not swapped, each as base64url of 32 octets (P-256) with its
        leading zeros; best let the library export the public JWK.""",
    ),
    Wording("typ", r"\btyp\b | dpop\+jwt | (?<!key )\btype (?:in|header)\b + <proof>"),
    Wording("no_private_key", r"\bprivate (?:key|member|part|param) + \bjwk|contain|header|leak"),
    Wording("jwk", r"(?:\bjwk\b|public key) + <missing> - thumbprint|\bjkt\b"),
    Wording(
        "alg",
        r"(?<!field )\balg\b | algorithm",
        "the server does not take what the proof is signed with (row alg)",
    ),
    Wording(
        "well_formed",
        r"(?:<proof>|\bjws\b) + <unreadable> - dpop access token|\bjwk\b",
        "",
        """Send the proof as a JWT in compact form, header.claims.signature: three base64url parts,
        of which the first two are JSON objects. Nothing else may stand in the DPoP header: what
        came was cut, in quotes, or an object, a promise or another text in its place.""",
    ),
    Wording(
        "no binding",
        r"""(?:\b(?:cnf|jkt)\b|confirmation) + <missing> - <differs>
        | bearer token type must be used without
        | token\b.{0,20}\b(?:not|never) (?:\w+ )?(?:a )?(?:dpop.|sender.)?(?:bound|constrained)
        | token + \bunbound\b | \bno key\b.{0,20} bound
        | (?:dpop|sender|key).(?:bound|constrained) (?:access )?token (?:is )?(?:required|expected)
        | requires? (?:an? )?(?:dpop|sender|key).(?:bound|constrained) (?:access )?token
        | token.?type\b.{0,30}expected dpop""",
        "the access token is bound to no key",
        """Send a proof in a DPoP header with the token request, then the answer says token_type
        DPoP; with that token call the API. If there was one, ask the server's operator why the
        token has no cnf.jkt.""",
    ),
    Wording(
        "one_header",
        r"(?:\bno|without|missing|lacks|not present|not sen[dt]) (?:an? |the )?(?:dpop|proof)\b",
        "",
        SEND,
    ),
    *OF_BOUND_GRANTS,
    Wording(
        "one_header",
        r"<proof> + <several> - missing|\bno\b | duplicate header",
        "more than one DPoP header came (row one_header)",
        """Send exactly one DPoP header. A middleware, an interceptor or a retry that adds its own
        has to set the header, not append to it.""",
    ),
    Wording(
        "one_header",
        r"<proof> + <missing> - signature | <proof> + <several>",
        "",
        SEND,
    ),
    Wording(
        "signature",
        r"signature | jws verif | (?:not )?signed (?:by|with) the (?:embedded|public) | ecdsa",
    ),
    Wording(
        "bound_key",
        r"""\bjkt\b | \bcnf\b | thumbprint | confirmation | binding verification | bound to
        | not bound | <key> + <differs>""",
        "",
        f"Sign with the key that the access token was got with. {KEEP}",
    ),
    Wording("jwk", r"\bjwk\b | public key | \bkty\b | \bcurve\b | key type | key must be"),
    Wording("at_typ", r"at\+jwt | token type"),
    Wording("audience", r"\baud\b | audience"),
    Wording("issuer", r"\biss\b | issuer"),
    Wording(
        "any row",
        r"""^\[(?:token|code|refresh) .*key binding
        | #invalid_dpop_proof .*<invalid> | <proof> + <invalid> - access token|key binding""",
        "such words may stand for any fault of the proof, and do not say which",
        """The reason is in the server's log. Check iat and the client's clock, htm, htu, the
        signature and its key; or paste the proof with method and URL of the request: then each
        row is asked.""",
    ),
    Wording(
        "token form",
        r"""^\[(?:api)? (?:DPOP)? \d*\] (?!#invalid_(?:target|scope|client|grant)).*<unreadable>
        | ^\[(?:api)? (?:DPOP)? \d*\] .*(?:jwt.?format|token format)
        | #invalid_request invalid (?:access )?token""",
        """the words are about the form of the access token: it was changed on the way, or this
        server knows only Bearer, not the scheme DPoP, and took that word for part of the
        token""",
        f"""Compare the token with what the token endpoint gave, to the letter. If it is the same:
        {ELSEWHERE}""",
    ),
    Wording("bound_key", "binding"),
)
#: Topics of words that may stand for more than one fault.
VAGUE = (
    "any row", "token form", "missing claims", "invalid_token", "bare_challenge", "status",
    "server_error",
)  # fmt: skip
