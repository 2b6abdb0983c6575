"""What servers, libraries and browsers say when something is refused: one table, the first
        counts.

Specific words stand before those that may stand for any fault.
"""

import re
from typing import NamedTuple

PROXY = """If it is that already, the server sees another URL, as behind a proxy or gateway that
    ends TLS or adds or takes a prefix: let the proxy send X-Forwarded-Proto and X-Forwarded-Host
    and the server trust them, or tell the server its public URL."""
CLOCK = """Make the proof right before it is sent, do not keep it for later, and set the client's
    clock (NTP). If that clock is right, the server's is wrong or its window is short."""
KEEP = """Keep the key as long as what is bound to it, where it outlives page loads, restarts and
    other processes; where it is lost, log in again."""
ELSEWHERE = """Call the endpoint that takes DPoP, ask the operator of this one, or use a token
        that
    is bound to no key. A bound token must not be sent as Bearer."""
SCHEME = """(?:unsupported|invalid|unknown|unexpected|wrong|bad|malformed|unrecogni[sz]ed)[
        _](?:http
    )?(?:authori[sz]ation|authentication|auth|token)(?:[ _]header)?[
        _](?:scheme|type|method|header)
    | unsupported scheme | scheme (?:is )?not supported
    | authori[sz]ation header.{0,20}(?:format|malformed|invalid|must)"""


class Wording(NamedTuple):
    """Words for one thing: `says` is searched for in `[where scheme] #code words`, small letters.

    Its alternatives stand between blanks. `where` is `code`, `refresh`, `token`, `api` or
        nothing,
    the scheme that of the request.
    """

    topic: str  #: the name of a row, or a few words
    says: str
    means: str = ""  #: of a row, empty: that it sounds like that row
    do: str = ""  #: of a row, empty: what the row says

    @property
    def pattern(self) -> re.Pattern[str]:
        """What `says` says, to be searched for."""
        return re.compile("|".join(" ".join(self.says.split()).split(" | ")))


TABLE = (
    Wording(
        "cors",
        r"""blocked by cors |
        \bcors\b.{0,40}(?:policy|error|header|fail|missing|preflight|request)
        | access-control-(?:allow|expose) | preflight | refused to get unsafe header""",
        "the browser asks the server first (preflight, CORS), and the server does not allow it",
        """The server must change, not the client: let it answer OPTIONS with the page's origin in
        Access-Control-Allow-Origin and with Access-Control-Allow-Headers: Authorization, DPoP;
        and
        let pages read what they need with Access-Control-Expose-Headers: DPoP-Nonce,
        WWW-Authenticate.""",
    ),
    Wording(
        "connection",
        r"""self.signed | certificate (?:verif|has expired|is not trusted|signed by unknown)
        | unable to (?:verify the first|get local issuer) | \bssl(?:error|handshake) | tls
        handshake
        | \berr_(?:cert|ssl|connection|name) | pkix path | \bx509: | econnre(?:fused|set) |
        enotfound
        | getaddrinfo | name or service not known | connection (?:refused|reset|timed out)""",
        "no connection came about, so nothing of DPoP was looked at",
        "Look at the address, the network, its proxy and certificates.",
    ),
    Wording(
        "lost key",
        r"""dpop_key_ | (?:private|dpop|signing|device) ?key(?: ?pair)?s?\b(?: \w+){0,3} (?:not
        found|missing|lost|unavailable|no longer|not available|does not exist|from storage)
        | key ?pair.{0,40}(?:no longer|not found|missing|lost)
        | (?:could not|cannot|failed to|unable to) (?:\w+ ){0,2}(?:dpop|private|signing) keys?\b
        | \bno (?:dpop|private|signing) key | unrecoverablekey | keypermanentlyinvalidated
        | key ?(?:store|chain)\w*.{0,40}(?:not found|missing|error|exception|fail|no
        longer|unable)
        | errsecitemnotfound | indexed ?db.{0,60}(?:key|error|fail|clos)""",
        """the client can't get at its private key; without it, the tokens that are bound to it
        are
        of no use""",
        """Delete these tokens, make a new key and log in again: nothing else brings them back.
        Keep
        the key where it outlives restarts and updates, and out of backups to other devices.""",
    ),
    Wording(
        "no scheme",
        r"""\bdpop\b(?: \w+){0,3} (?:(?:is|are) )?(?:not (?:yet
        )?(?:supported|enabled|allowed|accepted|implemented)|unsupported|disabled)
        | use (?:a |the )?bearer | expected bearer | only bearer | bearer only
        | must (?:start with|be|use) (?:a )?bearer | (?:no|missing) bearer
        | bearer (?:access )?token (?:is )?(?:missing|required|not found|not present)""",
        "this server does not take the scheme DPoP here, only Bearer",
        ELSEWHERE,
    ),
    Wording("scheme", r"^\[\w* bearer\].*(?:support|invalid|wrong|unexpected|unknown).*scheme"),
    Wording(
        "scheme",
        r"""bound.{0,60}(?:bearer|dpop.{0,9} scheme) | dpop scheme
        | (?:expect|requires?|must|should|use).{0,40}\bdpop\b.{0,20}scheme
        | bearer.{0,30}(?:not allowed|not accepted|bound)""",
    ),
    Wording(
        "no scheme",
        SCHEME,
        "this server may not know the scheme DPoP, only another one such as Bearer",
        ELSEWHERE,
    ),
    Wording(
        "nonce",
        r"use_dpop_nonce | \bnonce\b",
        "the server wants a nonce of its own in the proof: a challenge, not a failure",
        """Take the value of the DPoP-Nonce header of this answer, put it into a new proof as
        nonce,
        with a new jti, and send the request again, once.""",
    ),
    Wording(
        "pkce",
        r"\bpkce\b | code.?verifier | code.?challenge",
        "code_verifier is not the text whose hash went with the authorization request (PKCE)",
        """Keep the code_verifier with the state of the login, and start the login anew: the code
        is
        spent.""",
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
        | \bcode\b(?: \w+){0,2} (?:not (?:valid|found)|invalid|expired|unknown) |
        \bcode\b.{0,30}already
        | (?:invalid|expired|revoked|unknown|used) refresh.?token | refresh.?token reuse | stale
        token
        | refresh.?token (?:is |has |was )?(?:been
        )?(?:invalid|expired|revoked|not|already|used|unknown)
        | session not active | #invalid_grant .*\b(?:expired|revoked|not active|used)""",
        """the code or refresh token is used up, expired or unknown; each code counts once, and
        so do
        most refresh tokens, also when the answer was lost or the request refused""",
        """Start the login anew: a new authorization code is needed. Send one request at a time,
        not
        two at once, and bring proof and nonce with the first.""",
    ),
    Wording(
        "not_expired",
        r"""(?<!proof )(?<!dpop )\btoken (?:has |is |was )?(?:been )?expired | expired (?:access
        )?token""",
    ),
    Wording("ath", r"\bath\b | access.?token.?hash | hash of the access token"),
    Wording(
        "htu",
        r"""\bhtu\b | \bur[li]s?\b.{0,30}match | match\w*.{0,30}\bur[li]\b | http ur[li] | wrong
        ur[li]""",
        "",
        f"""Set htu to scheme, host, port and path of the URL that is called, without query and
        fragment. {PROXY}""",
    ),
    Wording("htm", r"\bhtm\b | method.{0,20}match | match\w*.{0,20}method | http method"),
    Wording(
        "unused",
        r"""replay | re-?used | already (?:been )?(?:used|seen|consumed|processed) | not unique
        | used (?:before|already|twice|more than once) | used once | duplicate.{0,20}(?:jti|proof)
        | \bjti\b.{0,30}(?:exists|seen|used)""",
    ),
    Wording(
        "fresh",
        r"""too (?:new|early|far in the future) | (?:in|from) the future | ahead of | not yet
        valid""",
        "this sounds like the row fresh: iat lies ahead of the server's clock",
        """Set the client's clock (NTP), in UTC, and give iat in seconds, not milliseconds. If
        that
        clock is right, the server's is behind.""",
    ),
    Wording(
        "fresh",
        r"""too (?:old|far in the past) | issued.{0,9} more than | \bstale\b | expired | recent |
        in the past
        | not fresh | (?:more|older) than .{0,20}(?:ago|s\b|sec|min) | max\w*.?age""",
        "this sounds like the row fresh: iat is too old for the server",
        CLOCK,
    ),
    Wording(
        "fresh",
        r"""\biat\b(?!.{0,40}\b(?:jti|htm)\b) | issued.?at | not active | \bclock | skew |
        timestamp
        | time window | lifetime | acceptable window""",
        "this sounds like the row fresh: iat is too far from the server's clock",
        CLOCK,
    ),
    Wording(
        "missing claims",
        r"""(?:mandatory|required|missing|necessary) (?:\w+ )?claims?\b | claims? (?:is |are
        )?missing""",
        "a claim of the proof is missing",
        """Give each proof jti, htm, htu and iat, beside an access token ath too, for a server
        with
        nonces its nonce too; in the header typ, alg and jwk.""",
    ),
    Wording("typ", r"\btyp\b | dpop\+jwt | jwt type"),
    Wording("alg", r"\balg\b | algorithm"),
    Wording("jti", r"\bjti\b | jwt id"),
    Wording(
        "jwk",
        r"""(?:missing|no|without) (?:the )?jwk | \bjwk.{0,9} (?:header )?(?:is
        )?(?:missing|required)""",
    ),
    Wording(
        "well_formed",
        r"""(?:dpop|proof).*(?:malformed|parse|decod|not a (?:valid )?jwt|jwt format|header
        verification)
        | (?:malformed|parse|decod\w+|invalid jwt).*(?:dpop|proof)""",
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
        r"""dpop_jkt | (?:\bkey|thumbprint|jkt).{0,60}authori[sz]ation (?:request|code)
        | (?:pushed|\bpar\b|authori[sz]ation
        (?:request|code)|\bcode\b).{0,80}\b(?:key|jkt|thumbprint)
        | ^\[code .*(?:bound|binding|jkt|thumbprint|confirmation|\bkey)""",
        """the code is bound to the key of the authorization request (dpop_jkt, or the proof of
        the
        pushed one, PAR), and the proof of the token request is by another key""",
        f"""Sign the token request with the same key as the authorization request. Store the key
        with
        the state of the login, so that the callback has it. {KEEP}""",
    ),
    Wording(
        "one_header",
        r"""\b(?:no|missing|without|requires?|required|lacks?|expects?|expected)\b.{0,30}\bdpop\b
        | \b(?:multiple|several|more than one|exactly one|only one|too many)\b.{0,20}\bdpop\b
        | must (?:include|have|provide|contain|send|carry)\b.{0,20}\bdpop\b | multiple proofs
        | \bdpop\b.{0,30}\bnot (?:present|found|provided|given|supplied|set|sent)\b
        | \bdpop\b.{0,30}\b(?:missing|required|absent|needed|expected|empty|mandatory)\b
        | proof.of.possession.{0,20}required""",
        "",
        "Sign a proof for this request, and send it in exactly one DPoP header.",
    ),
    Wording("no_private_key", r"private (?:key|member|part)"),
    Wording(
        "bound_key",
        r"""\bjkt\b | \bcnf\b | thumbprint | bound to | not bound | (?:another|different|wrong)
        key
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
        r"""^\[(?:token|code|refresh) .*key binding | #invalid_dpop_proof
        .*(?:binding|valid|verif|fail|bad)
        | dpop (?:\w+ )?(?:verif|valid)\w*.{0,20}fail | invalid dpop (?:proof|token|jwt)""",
        "such words may stand for any fault of the proof, and do not say which",
        """The reason is in the server's log. Check iat and the client's clock, htm, htu, the
        signature
        and its key; or paste the proof with method and URL of the request: then each row is
        asked.""",
    ),
    Wording(
        "token form",
        r"""^\[(?:api)? (?:dpop)?\] .*(?:malformed|jwt.?format|not a (?:valid )?jwt|invalid jwt)
        | ^\[(?:api)? (?:dpop)?\] .*(?:parse|decod|number of segments|token format)
        | #invalid_request invalid (?:access )?token""",
        """the words are about the form of the access token: it was changed on the way, or this
        server
        knows only Bearer, not the scheme DPoP, and took that word for part of the token""",
        f"""Compare the token with what the token endpoint gave, to the letter. If it is the same:
        {ELSEWHERE}""",
    ),
    Wording("bound_key", "binding"),
)
#: Topics of words that may stand for more than one fault.
CATCH_ALL = ("any row", "token form", "missing claims")
