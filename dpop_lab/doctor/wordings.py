"""What servers, libraries and browsers say of proofs, keys and tokens: the first that fits counts.

Specific words stand before those that may stand for any fault.
"""

from dpop_lab.doctor.general import BESIDE_PROOFS, ELSEWHERE, Wording
from dpop_lab.doctor.urls import PROXY

CLOCK = """Make the proof right before it is sent, do not keep it for later, and set the client's
    clock (NTP). If that clock is right, the server's is wrong or its window is short."""
KEEP = """Keep the key as long as what is bound to it, where it outlives page loads, restarts and
    other processes; where it is lost, log in again."""

SPECIFIC = (
    Wording(
        "client library",
        r"""token.?response\b.*token.?type | token.?type (?:cannot be null|must be bearer)
        | (?:unsupported|unknown|unexpected) token_type""",
        "the client's own library does not know token_type DPoP: the server answered as it should",
        """Use a library, or a version of it, that knows DPoP, or teach it this token_type. The
        calls to the API need Authorization: DPoP and proofs, too.""",
    ),
    Wording(
        "own rule",
        r"""^(?=.*(?:dpop|proof|jwk)).*\b(?:missing|lacks?|without|no|must \w+|requir\w+)
        (?:[\w:,\[]+ ){0,3}\[?(?:exp|aud|nbf|sub|iss|kid)\b
        | ^(?=.*(?:dpop|proof|jwk)).*\b(?:exp|aud|nbf|sub|iss|kid)(?: claim)?(?: is| was)?
        (?:missing|required|absent|expected|not (?:present|found|set)|must be)
        | #invalid_dpop_proof (?=.*(?:requir|missing|must|mandat)).*\b(?:nbf|exp|aud|iss|sub)\b""",
        """the server demands a member that RFC 9449 asks for in no proof (kid, exp, nbf, aud, iss,
        sub): a rule of its own""",
        "Tell its operator. Till then the client may add to the proof what the server names.",
        at_server=True,
    ),
    Wording(
        "api key",
        r"""subscription.?key | api.?key.{0,20}(?:missing|required|invalid|not found)
        | (?:missing|no|invalid) api.?key""",
        "a gateway wants an API key of its own; nothing of DPoP was looked at",
        "Send that key as the gateway's operator says, beside token and proof.",
    ),
    *BESIDE_PROOFS,
    Wording(
        "not_expired",
        r"""(?<!proof )(?<!dpop )\btoken (?:has |is |was )?(?:been )?(?:expired|inactive)
        | access.?token (?:is |was )?(?:no longer|not) (?:active|valid any)
        | expired (?:access )?token""",
    ),
    Wording(
        "ath",
        r"\bath\b.{0,12} (?:not allowed|forbidden|unexpected)",
        "there is an ath where no access token goes with the proof",
        "Leave ath out of the proof of a token request: it belongs beside an access token alone.",
    ),
    Wording(
        "invalid_client",
        r"private_key_jwt | client.?assertion.{0,60}(?:used|already|replay|twice)",
        "the client assertion was used before",
        "Make a new assertion for each request, also for the one with the nonce: each counts once.",
    ),
    Wording(
        "own key",
        r"different key than (?:that of )?the client.?assertion",
        "the proof is signed with the key that the client authenticates with",
        "Use a key for proofs alone, another one than that of the client's assertions.",
    ),
    Wording("ath", r"\bath\b | access.?token.?hash | hash of the access token"),
    Wording(
        "htu",
        r"""\bhtu\b | \bur[li]s?\b.{0,30}match | match\w*.{0,30}\bur[li]\b | http ur[li]
        | wrong ur[li]""",
        "",
        f"""Set htu to scheme, host, port and path of the URL that is called, without query and
        fragment. If it is that already, {PROXY}""",
    ),
    Wording("htm", r"\bhtm\b | method.{0,20}match | match\w*.{0,20}method | http method"),
    Wording(
        "unused",
        r"""replay | re-?used | already (?:been )?(?:used|seen|consumed|processed) | not unique
        | used (?:before|already|twice|more than once) | used once | duplicate.{0,20}(?:jti|proof)
        | \bjti\b.{0,30}(?:exists|seen|used|already)""",
        "",
        """Make a new proof for each request, with a new jti and iat. A library or a proxy that
        sends a request again by itself (nginx: proxy_next_upstream) sends the old proof: let the
        client retry, and nobody else.""",
    ),
    Wording(
        "fresh",
        r"""too (?:new|early|far in the future) | (?:in|from) the future | ahead of | not yet
        valid""",
        "this sounds like the row fresh: iat lies ahead of the server's clock",
        """Set the client's clock (NTP), in UTC, and give iat in seconds, not milliseconds. If that
        clock is right, the server's is behind.""",
    ),
    Wording(
        "fresh",
        r"""too (?:old|far in the past) | issued.{0,9} more than | \bstale\b | expired | recent
        | in the past | not fresh | (?:more|older) than .{0,20}(?:ago|s\b|sec|min) |
        max\w*.?age""",
        "this sounds like the row fresh: iat is too old for the server",
        CLOCK,
    ),
    Wording(
        "fresh",
        r"""\biat\b(?!.{0,40}\b(?:jti|htm)\b) | issued.?at | not active | \bclock | skew
        | timestamp | time window | lifetime | acceptable window""",
        "this sounds like the row fresh: iat is too far from the server's clock",
        CLOCK,
    ),
    Wording(
        "missing claims",
        r"""(?:mandatory|required|missing|necessary) (?:(?!jti)\w+ )?claims?\b
        | claims? (?:is |are )?missing""",
        "a claim of the proof is missing",
        """Give each proof jti, htm, htu and iat, beside an access token ath too, for a server with
        nonces its nonce too; in the header typ, alg and jwk.""",
    ),
    Wording(
        "jwk",
        r"(?:not|off)\b.{0,20}\bcurve | coordinates? | invalid (?:ec )?point",
        "this sounds like the row jwk: x and y are no point of the curve",
        """Give x and y of one key, not swapped, each as base64url of 32 octets (P-256) with its
        leading zeros; best let the library export the public JWK.""",
    ),
    Wording("typ", r"\btyp\b | dpop\+jwt | jwt type | (?<!key )\btype in (?:the )?dpop header"),
    Wording(
        "alg",
        r"\balg\b | algorithm",
        "this sounds like the row alg: the server does not take what the proof is signed with",
    ),
    Wording("jti", r"\bjti\b | jwt id"),
    Wording(
        "jwk",
        r"""(?:missing|no|without) (?:the )?jwk
        | \bjwk.{0,9} (?:header )?(?:is )?(?:missing|required)""",
    ),
    Wording(
        "well_formed",
        r"""(?:dpop(?! access token)|proof).*(?:too long|malformed|parse|decod|not a
        (?:valid |well.formed )?jwt|jwt format|header verification)
        | (?:malformed|parse|decod\w+|invalid jwt).*(?:dpop|proof)""",
    ),
    Wording(
        "no binding",
        r"""(?:missing|without|lacks?|requires?) (?:\w+ ){0,2}(?:cnf|jkt)\b | \bno (?:cnf|jkt)\b
        | \bno dpop (?:confirmation|key thumbprint)\b | bearer token type must be used without
        | \b(?:cnf|jkt)(?:[./]jkt)?(?: claim| member)? (?:is |was )?(?:missing|required|absent|not
        found) | token (?:is )?(?:not (?:dpop.|sender.|key.)?(?:bound|constrained)|unbound)""",
        "the access token is bound to no key",
        """Send a proof in a DPoP header with the token request, then the answer says token_type
        DPoP; with that token call the API. If there was one, ask the server's operator why the
        token has no cnf.jkt.""",
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
        r"""^\[refresh
        .*(?:bound|binding|jkt|thumbprint|confirmation|match|differ|original|\bkey)""",
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
        r"""dpop_jkt | \bauthori[sz]e endpoint\b
        | (?:\bkey|thumbprint|jkt).{0,60}authori[sz]ation (?:request|code)
        | (?:pushed|\bpar\b|authori[sz]ation
        (?:request|code)|\bcode\b).{0,80}\b(?:key|jkt|thumbprint)
        | ^\[code .*(?:bound|binding|jkt|thumbprint|confirmation|\bkey)""",
        """the code is bound to the key of the authorization request (dpop_jkt, or the proof of the
        pushed one, PAR), and the proof of the token request is by another key""",
        f"""Sign the token request with the same key as the authorization request. Store the key
        with the state of the login, so that the callback has it. {KEEP}""",
    ),
    Wording(
        "refresh key",
        r"#invalid_grant .*(?:thumbprint|jkt|\bcnf|confirmation|\bkey\b|binding)",
        "the code or refresh token is bound to another key than that of this proof",
        f"Sign with the same key as in the request that it was got with. {KEEP}",
    ),
    Wording(
        "one_header",
        r"""\b(?:no|missing|without|requires?|required|lacks?|expects?|expected)\b.{0,30}\bdpop\b
        | \b(?:multiple|several|more than one|exactly one|only one|too many)\b.{0,20}\bdpop\b
        | must (?:include|have|provide|contain|send|carry)\b.{0,20}\bdpop\b | multiple proofs
        | \bdpop\b.{0,40}\b(?:more than one|multiple|several|two)\b
        | \bdpop\b.{0,30}\bnot (?:present|found|provided|given|supplied|set|sent)\b
        | \bdpop\b.{0,30}\b(?:missing|required|absent|needed|expected|empty|mandatory)\b
        | proof.of.possession.{0,20}required""",
        "",
        "Sign a proof for this request, and send it in exactly one DPoP header.",
    ),
    Wording("no_private_key", r"private (?:key|member|part)"),
    Wording(
        "bound_key",
        r"""\bjkt\b | \bcnf\b | thumbprint | bound to | not bound | (?:another|different|wrong) key
        | key.{0,20}match | confirmation | binding verification""",
        "",
        f"Sign with the key that the access token was got with. {KEEP}",
    ),
    Wording("signature", r"signature | jws verif"),
    Wording("jwk", r"\bjwk\b | public key | \bkty\b | \bcurve\b | key type"),
    Wording("at_typ", r"at\+jwt | token type"),
    Wording("audience", r"\baud\b | audience"),
    Wording("issuer", r"\biss\b | issuer"),
    Wording(
        "any row",
        r"""^\[(?:token|code|refresh) .*key binding
        | #invalid_dpop_proof .*(?:binding|valid|verif|fail|bad)
        | dpop (?:\w+ )?(?:verif|valid)\w*.{0,20}fail | invalid dpop (?:proof|token|jwt)""",
        "such words may stand for any fault of the proof, and do not say which",
        """The reason is in the server's log. Check iat and the client's clock, htm, htu, the
        signature and its key; or paste the proof with method and URL of the request: then each
        row is asked.""",
    ),
    Wording(
        "token form",
        r"""^\[(?:api)? (?:DPOP)? \d*\] .*(?:malformed|jwt.?format|not a (?:valid )?jwt|invalid jwt)
        | ^\[(?:api)? (?:DPOP)? \d*\] .*(?:parse|decod|number of segments|token format)
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
