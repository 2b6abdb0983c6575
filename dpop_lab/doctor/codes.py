"""What error codes and statuses mean in general, and what to do."""

import re

MEANINGS = {  # of the codes in RFC 6749, 6750, 8707 and 9449, the most telling first
    "invalid_dpop_proof": (
        "The server found fault with the proof and does not say which.",
        "Give the proof itself, with method and URL of the request: then every row is asked.",
    ),
    "use_dpop_nonce": (
        "The server wants a nonce of its own in the proof (RFC 9449 §8, §9).",
        "Take the value of the DPoP-Nonce header of this answer, put it into a new proof as nonce, "
        "with a new jti, and send the request again, once.",
    ),
    "invalid_token": (
        "The access token is expired, damaged, revoked, or bound to another key.",
        "Fetch a new access token with a proof by the key that will sign the API's proofs.",
    ),
    "invalid_client": (
        "The server does not know the client, or not by this secret or key.",
        "Check client_id and secret and how they are sent: as form parameters, as HTTP Basic, or "
        "as an assertion, which must be a new one each time, also when the request is sent again.",
    ),
    "invalid_scope": (
        "The client may not have this scope, or the server does not know it.",
        "Ask for a scope that the client is registered for.",
    ),
    "invalid_grant": (
        "The code or refresh token is used up, expired, or was given to another client or key.",
        "Start the flow anew; a refresh token of a public client stays bound to its key.",
    ),
    "invalid_request": (
        "A parameter or header is missing, doubled, or does not fit the others.",
        "Send grant_type and each parameter once, one Authorization and one DPoP header.",
    ),
    "invalid_target": (
        "The server does not know the resource that was named.",
        "Name a resource the client may ask for, or none.",
    ),
    "unauthorized_client": (
        "This client may not use this grant.",
        "Use a client that is registered for the grant.",
    ),
    "unsupported_grant_type": (
        "The server does not know this grant_type, or there is none.",
        "Send grant_type=client_credentials as a form parameter, not as JSON.",
    ),
    "insufficient_scope": (
        "The access token is good, but its scope does not reach this resource.",
        "Ask for a token with the scope that the challenge names.",
    ),
    "server_error": ("The server failed.", "Look into its log; the request may be right."),
    "temporarily_unavailable": ("The server is busy or in repair.", "Send it again later."),
}
STRICTER = (
    "No row that can be asked fails, so the server is stricter or knows something else: compare "
    "its clock, the URL and the method it sees, and the algorithms in its metadata."
)
REDIRECTS = (301, 302, 303, 307, 308)
STATUSES = {
    401: (
        "The server does not take these credentials, and gives no reason.",
        "Look at the WWW-Authenticate header of the answer: it says what it wants.",
    ),
    **dict.fromkeys(REDIRECTS, (
        "The server redirects.", "Call the URL it names, with a proof whose htu is that URL."
    )),
    403: ("The server knows the caller, who may not do this.", "Ask for what the caller may do."),
    404: ("Nothing is at this URL.", "Check the path, to the letter; htu must be the same."),
    405: ("This URL does not take this method.", "Use the method it takes; htm must be the same."),
    407: ("A proxy on the way wants a login.", "Give the proxy its user and password."),
    413: ("The body is too large for the server.", "Send less."),
    415: ("The body is of a type that the server does not take.",
          "Token requests are application/x-www-form-urlencoded."),
    429: ("Too many requests.", "Wait as long as Retry-After says."),
    431: (
        "The header lines are too large for the server or a proxy before it.",
        "Use a smaller token (fewer scopes, groups, claims) or key, or let the server take more:"
        " in nginx by large_client_header_buffers.",
    ),
    500: ("The server fell over.", "Look into its log."),
    502: ("A gateway got no good answer from the server behind it.", "Look at the gateway."),
    503: ("The server is busy or in repair.", "Send it again later."),
    504: ("A gateway waited in vain for the server behind it.", "Look at the gateway."),
}  # fmt: skip
BEFORE = (407, 413, 429, 431, 502, 503, 504)  # said before anyone looked at the proof
STATUS = re.compile(
    r"\b[45]\d\d (?:Bad Request|Unauthorized|Forbidden|Not Found|Client Error|Server Error"
    r"|Internal Server Error|Method Not Allowed)\b",
    re.I,
)
