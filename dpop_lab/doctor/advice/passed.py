"""What a server may know or do otherwise, where it names a row that passes here."""

from dpop_lab.checking import Check
from dpop_lab.doctor.urls import ENCODED, PROXY, differences
from dpop_lab.proof import rules
from dpop_lab.session.call import Call
from dpop_lab.show.values import shown
from dpop_lab.wire.syntax import without_query

#: Of rows that a server may see otherwise than this paste does.
REASONS = {
    rules.htu: f"Here htu is the URL that was called, so {PROXY}",
    rules.fresh: "The proof was made in time, by the clocks that are known here: compare the"
    " server's clock with the client's (NTP). The server's window may be smaller than others':"
    " make the proof right before it is sent.",
    rules.unused: "The proof was sent before, in an exchange that is not known here: make a new"
    " one for each request, also for one that a library sends again by itself.",
    rules.nonce: "The nonce was outdated when it came, or is that of another server: put the newest"
    " DPoP-Nonce of this server into a new proof and send it again, once.",
    rules.alg: "RFC 9449 allows this algorithm, and this server does not take it: sign with one"
    " that its metadata name (dpop_signing_alg_values_supported) or its challenge (algs); most"
    " take ES256.",
    rules.one_header: "The header was sent: something on the way may add or take one, or this"
    " endpoint of the server does not read it. Look at what arrives.",
    rules.signature: "The text may have been changed on the way: look at what arrives.",
}
#: Rows of which a server decides by what is not here, or by what it chooses to take.
OPEN_YET = (rules.fresh, rules.unused, rules.nonce, rules.alg)
COMPARE = "Is this the request that was refused? Then look into the server's log."


def why_passed(row: Check, call: Call) -> str:
    """What may be behind it, and what to do."""
    htu, url = call.proof.claims.get("htu"), without_query(call.url)
    if row != rules.htu or not isinstance(htu, str) or not url:
        return REASONS.get(row, COMPARE)
    if odd := differences(url, htu):
        return (
            "Here htu is the URL of the request in another spelling, with"
            f" {' and '.join(odd.values())}. By RFC 9449 a server makes both alike first; this one"
            " seems to compare letter by letter. Send htu as the request has it:"
            f" {shown(url, 300)[1:-1]}."
        )
    if ENCODED.search(url):
        return (
            "The path is percent-encoded, and a server that decodes the path before it compares"
            " wants the decoded form: try that, and tell the server's operator. Or " + PROXY
        )
    return REASONS[row]
