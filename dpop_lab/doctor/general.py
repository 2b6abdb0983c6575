"""What is said of all but the proof: by browsers, key stores, gateways; codes and statuses."""

from collections.abc import Iterator

from dpop_lab.doctor.grammar import Wording

ELSEWHERE = """Call the endpoint that takes DPoP, ask the operator of this one (a gateway's policy
    may have to be changed to take the scheme DPoP), or use a token that is bound to no key. A bound
    token must not be sent as Bearer."""
SCHEME = r"""^\[(?:api)? DPOP .*credentials were not (?:provided|given|found)
    | ^\[(?:api)? DPOP [^#]*#(?!invalid_dpop)\S* .*(?:(?:access|security|bearer|auth) token (?:is
    |was )?(?:missing|required|not (?:found|present|provided))|\b(?:no|missing) (?:access |security
    |auth )?token\b)
    | (?:unsupported|invalid|unknown|unexpected|wrong|bad|malformed)[ _](?:http
    )?(?:authori[sz]ation|authentication|auth|token)[ _](?:scheme|type|method|header)
    | (?:unsupported|bad|invalid|unknown)[ _]scheme
    | authori[sz]ation header.{0,20}(?:format|malformed|invalid|must|requires)
    | (?:format|malformed|key=value).{0,50}\bauthori[sz]ation(?: header|:)"""
ALLOW = """The server must change, not the client: let it, and any gateway before it, answer OPTIONS
    with a 2xx and without asking for a token or a proof, with the page's origin in
    Access-Control-Allow-Origin, with Access-Control-Allow-Headers: Authorization, DPoP, and with
    Access-Control-Allow-Methods; and let its answers carry Access-Control-Expose-Headers:
    DPoP-Nonce, WWW-Authenticate."""
EXPOSE = """The server must change, not the client: let its answers carry
    Access-Control-Expose-Headers: DPoP-Nonce, WWW-Authenticate. Then the page can read the nonce
    and put it into a new proof."""
TICKET = """Fetch a ticket, good once and for seconds, by a call with a proof, and bring that when
    the WebSocket opens, never the access token in its URL. A program that can set header lines
    sends both with the handshake: a GET, its htu with https in place of wss."""
#: What stands before all words about proofs.
BESIDE_PROOFS = (
    Wording(
        "cors",
        r"access-control-expose | refused to get unsafe header",
        """the browser keeps this header of the answer from the page, as the server does not expose
        it (CORS)""",
        EXPOSE,
        at_server=True,
    ),
    Wording(
        "cors",
        r"""blocked by cors | \bcors\b.{0,40}(?:policy|error|header|fail|missing|preflight|request)
        | access-control-allow(?!-[\w-]+: ) | preflight""",
        "the browser asks the server first (preflight, CORS), and the server does not allow it",
        ALLOW,
        at_server=True,
    ),
    Wording(
        "websocket",
        r"""websocket.{0,200}(?:authentication failed|no valid
        credentials|handshake|\b40[13]\b)(?!.*\bhtu\b)""",
        """a page in a browser can't give a WebSocket header lines, so neither access token nor
        proof went with its handshake""",
        TICKET,
    ),
    Wording(
        "connection",
        r"""self.signed | certificate (?:verif|has expired|is not trusted)
        | unable to (?:verify the first|get local issuer) | \bssl(?:error|handshake)
        | tls handshake | \berr_(?:cert|ssl|connection|name) | pkix path | \bx509:
        | econnre(?:fused|set) | \benotfound | getaddrinfo | name or service not known
        | connection (?:refused|reset|timed out)""",
        "no connection came about, so nothing of DPoP was looked at",
        "Look at the address, the network, its proxy and certificates.",
    ),
    Wording(
        "no crypto",
        r"""reading (?:generatekey|importkey|digest|exportkey)\b
        | (?:crypto|subtle)\b.{0,40} (?:undefined|null\b|not
        (?:defined|available|supported)|unavailable|missing)
        | undefined\b.{0,40}\bsubtle\b | secure contexts?\b""",
        "there is no WebCrypto (crypto.subtle): a page has it in a secure context alone",
        "Serve the page by https, or from localhost; give jsdom, say, a WebCrypto of its own.",
    ),
    Wording(
        "lost key",
        r"not ?authenticated ?exception | interaction ?not ?allowed",
        "the key is there, but the device does not let it be used now",
        """Unlock the device, or let the person confirm, before a proof is signed; or make the key
        such that it works without.""",
    ),
    Wording(
        "lost key",
        r"""dpop_key_ | key ?pair.{0,40}does not match the one used
        | (?:key ?pair|keyset\b|(?:private|dpop|signing|device) ?keys?\b(?! binding)).{0,40}?<lost>
        | \bno (?:(?:dpop|private|signing) key|key ?pair)
        | (?:could not|cannot|failed to|unable to) (?:\w+ ){0,2}(?:dpop|private|signing) keys?\b
        | key_?(?:not_?found|missing|invalidated) | key permanently invalidated
        | no such file.{0,80}\bkey | unrecoverable ?key | bad_decrypt | bad ?padding ?exception
        | aead ?bad ?tag | err ?sec ?(?:item|interaction) ?not
        | (?:key ?(?:store|chain)|secure enclave)\w*.{0,40}(?:<lost>|error|exception|fail|unable)
        | indexed ?db.{0,60}(?:key|error|fail|clos)""",
        """the client's private key is lost, or out of reach; without it, the tokens that are bound
        to it are of no use""",
        """Delete these tokens, make a new key and log in again: nothing else brings them back.
        Keep the key where it outlives restarts and updates, and out of backups to other
        devices.""",
    ),
    Wording(
        "client metadata",
        r"#invalid_client_metadata .*dpop | dpop_bound_access_tokens",
        "the server refuses what the client's metadata say of DPoP",
        """Set dpop_bound_access_tokens to true in the client's metadata: at its registration, or
        in the document that its client_id names.""",
    ),
    Wording(
        "no scheme",
        r"""\bdpop\b(?: (?!alg|typ|jwk|key|nonce|signature|iat|ath|jti|ht[mu])\w+){0,3}
        <unsupported> | bearer only | (?:scheme|prefix)\W{1,3}bearer\b
        | (?:use|only|expect(?:s|ed)|no|missing|must (?:be|start
        with))\W(?:(?!dpop got)\w+ ){0,2}\W?bearer
        | ^\[\w* (?:DPOP [^#]*#\w*|\ \d*\]\ #)\ .*\bjwt is not in the form
        | bearer (?:access )?token.{0,9}<missing> | \bjwt not present | unknown auth scheme
        | (?:decod|pars)\w*.{0,20} dpop$ | not find bearer token | scheme.{0,9} (?:is )?unknown""",
        "this server does not take the scheme DPoP here, only Bearer",
        ELSEWHERE,
        at_server=True,
    ),
    Wording("scheme", r"^\[\w* BEARER .*(?:support|invalid|wrong|unexpected|unknown).*scheme"),
    Wording(
        "scheme",
        r"""(?:bound|constrained).{0,60}(?:bearer|dpop.{0,9} scheme) | dpop scheme
        | scheme must be dpop
        | (?:expect|requires?|must|should|use).{0,40}\bdpop\b.{0,20}scheme
        | \bbearer\b.{0,30}(?:<unsupported>|bound)""",
    ),
    Wording(
        "no scheme",
        SCHEME,
        "this server may not know the scheme DPoP, only another one such as Bearer",
        ELSEWHERE,
        at_server=True,
    ),
    Wording(
        "nonce",
        r"use_dpop_nonce | \bnonce\b",
        "the server wants a nonce of its own in the proof: a challenge, not a failure",
        """Take the value of the DPoP-Nonce header of this answer, put it into a new proof as
        nonce, with a new jti, and send the request again, once. In a browser a page reads that
        header only where the server's Access-Control-Expose-Headers names it.""",
    ),
)
#: Codes of RFC 6749, 6750, 8707 and 9449, the most telling first; what each means, what to do.
CODES = """
invalid_token | the access token is expired, damaged, revoked, or bound to another key | Fetch a new
  access token with a proof by the key that will sign the API's proofs.
invalid_client | the server does not know the client, or not by this secret or key | Check client_id
  and secret and how they are sent: as form parameters, as HTTP Basic, or as an assertion, which
  must be a new one each time, also when the request is sent again.
invalid_scope | the client may not have this scope, or the server does not know it | Ask for a scope
  that the client is registered for.
invalid_grant | the code or refresh token is used up, expired, or was given to another client or key
  | Start the flow anew; a refresh token of a public client stays bound to its key.
invalid_request | a parameter or header is missing, doubled, or does not fit the others | Send
  grant_type and each parameter once, one Authorization and one DPoP header.
invalid_target | the server does not know the resource that was named | Name a resource the client
  may ask for, or none.
unauthorized_client | this client may not use this grant | Use a client that is registered for the
  grant.
unsupported_grant_type | the server does not know this grant_type, or there is none | Send
  grant_type=client_credentials as a form parameter, not as JSON.
insufficient_scope | the access token is good, but its scope does not reach this resource | Ask for
  a token with the scope that the challenge names.
invalid_request_uri | the request_uri is unknown, used before, outdated or another client's | Push
  the request again (PAR), and send the browser there at once, with the client_id that pushed it.
unsupported_response_type | the server does not know this response_type, or not for this client |
  Send response_type=code.
access_denied | the person said no | Ask again when the person wants it.
login_required | nobody is signed in, and prompt=none forbids to ask | Leave out prompt=none.
interaction_required | the server has to ask the person something, and prompt=none forbids it |
  Leave out prompt=none.
consent_required | the person has to agree first, and prompt=none forbids to ask | Leave out
  prompt=none.
server_error | the server failed | Look into its log; the request may be right.
temporarily_unavailable | the server is busy or in repair | Send it again later.
bare_challenge | the challenge names no error: there was no access token that the server takes, but
  an expired, damaged or Bearer one, or none | Send the access token under the scheme DPoP; if it
  was, fetch a new one and try again.
web_page | a web page came where an API or a token endpoint should answer | Check the URL, and
  whether a login page, a proxy or a firewall (WAF) stands in between, which may stumble over the
  length of the header lines.
"""
#: The same of statuses.
STATUSES = """
401 | the server does not take these credentials, and gives no reason | Look at the WWW-Authenticate
  header of the answer: it says what it wants.
(?:301|302|303|307|308) | the server redirects | Call the URL it names, with a proof whose htu is
  that URL.
403 | the server knows the caller, who may not do this | Ask for what the caller may do.
404 | nothing is at this URL | Check the path, to the letter; htu must be the same.
405 | this URL does not take this method | Use the method it takes; htm must be the same.
415 | the body is of a type that the server does not take | Token requests are
  application/x-www-form-urlencoded.
"""
#: What a server says that fell over: whatever comes, it must not.
FELL_OVER = """
500 | the server fell over | Look into its log, or tell its operator, who may have to update it or
  to report a bug. Whatever comes, it has to answer in words; the request may be right.
"""
#: Statuses that are said before anyone looks at the proof.
BEFORE = """
407 | a proxy on the way wants a login | Give the proxy its user and password.
413 | the body is too large for the server | Send less.
429 | too many requests | Wait as long as Retry-After says.
"""
#: Those of a gateway, which does not tell what it got from the server behind it.
OF_GATEWAYS = """
502 | a gateway got no good answer from the server behind it | Look into the gateway's log, and
  that of the server behind it: did the request reach it, and did it fall over, close the connection
  or answer with more header lines than the gateway takes? The proof is not told to be wrong.
503 | the server, or one behind a gateway, is busy or in repair | Send it again later, with a new
  proof; if that stays, look into the logs of gateway and server.
504 | a gateway waited in vain for the server behind it | Look at the server behind the gateway: is
  it slow, or does it wait for something itself, such as the issuer's keys or the store of the jti?
  The proof is not told to be wrong.
"""


def _read(table: str, says: str, topic: str = "", *, at_server: bool = False) -> Iterator[Wording]:
    """The wordings of a table, whose rows may go on in lines that are indented."""
    for row in table.strip().replace("\n  ", " ").split("\n"):
        key, means, do = row.split(" | ")
        yield Wording(topic or key, says.replace("KEY", key), means, do, at_server)


#: What codes and statuses mean where words tell nothing.
IN_GENERAL = (
    Wording(
        "any row",
        r"#invalid_dpop_proof\b",
        "the server found fault with the proof and does not say which",
        "Give the proof itself, with method and URL of the request: then every row is asked.",
    ),
    *_read(BEFORE, r"^\[\w* \w* KEY\]", "before"),
    *_read(OF_GATEWAYS, r"^\[\w* \w* KEY\]", "before", at_server=True),
    *_read(CODES, r"#KEY\b"),
    *_read(STATUSES, r"^\[\w* \w* KEY\]", "status"),
    *_read(FELL_OVER, r"^\[\w* \w* KEY\]", "status", at_server=True),
    Wording("own code", r"#\w", "an error of the server's own", "Look it up in its documentation."),
    Wording("status", r"^\[\w* \w* \d", "the server gives no reason", "Look into its log."),
)
