"""What to mend where two URLs differ, or a proxy changed something: there, or at the server."""

from dpop_lab.doctor.times import TOO_STRICT

PROXY = (
    "the server sees another URL, as behind a proxy or gateway that ends TLS, or adds or takes a"
    " prefix: let the proxy send X-Forwarded-Proto, X-Forwarded-Host and X-Forwarded-Prefix and the"
    " server trust them, or set the server's public base URL or mount path."
)
FORWARD = (
    "Let each proxy, gateway or CDN on the way forward the header DPoP, and Authorization as it"
    " came: an allow-list of headers, such as an origin request policy, has to name it."
)
BEHIND = f"The client is right if it calls the URL in htu. Then {PROXY}"
ROUTE = (
    "The server compares with the pattern of its route in place of the URL that was called: mend it"
    " there. The client is right to fill the template in."
)
JOINED = (
    "The URL that the request has here holds its host twice, as a base URL joined with a whole one:"
    " it is no URL to sign, and htu may be right. If the client calls it, mend how the client makes"
    " its URL; if only the server's log has it, mend how the server puts its own URL together."
)
INNER = (
    "The server is asked at {0}, a URL inside its network, and htu has the public one: behind a"
    " proxy it has to compare htu with the URL that the client calls, set there as its base URL or"
    " got from X-Forwarded headers. If the client itself calls that URL, htu has to be it."
)
DECODES = (
    "The server, or a proxy before it, decodes the path before it compares: mend it there, so that"
    " it compares the path as it came. The client is right. Till then, call a path without such"
    " characters (by another id, say)."
)
WITH_QUERY = (
    "The server has to cut query and fragment off its own URL before it compares (RFC 9449 §4.3"
    " (9)): mend it there. The client is right: htu has neither."
)
METHOD = (
    "The server has to compare htm with the client's method, as X-Forwarded-Method tells it, and"
    " not with that of a subrequest by which a proxy asks it (forward auth, auth_request), which is"
    " often a GET: let the proxy hand the client's method on (nginx: proxy_set_header"
    " X-Original-Method $request_method). A cache that turns HEAD into GET has to pass requests"
    " with a proof as they are (Varnish: return (pass))."
)
ALIKE = (
    "The server has to make both URLs alike before it compares them (RFC 9449 §4.3): with and"
    " without the port that the scheme has anyway, and in whatever letter case of the host, they"
    " mean the same. htu is right."
)
SLASH = (
    "Call and sign one URL, to the letter; the server has {0}. Join base URL and path with one"
    " slash; a rewrite or redirect on the way may add or take one, too."
)
ISSUER = (
    "The server has to know its public URL (its host name, base URL or the proxy's X-Forwarded"
    " headers): it compares iss with that. The token was issued under another name."
)
#: what is to be mended at the server
AT_SERVER = (BEHIND, ROUTE, JOINED, DECODES, WITH_QUERY, ISSUER, TOO_STRICT, ALIKE)
