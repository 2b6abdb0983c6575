"""What a server may know or do otherwise, where it names a row that passes here."""

from dpop_lab.checking import Check
from dpop_lab.doctor.urls import ENCODED, differences
from dpop_lab.proof import rules
from dpop_lab.session.call import Call
from dpop_lab.show.values import shown
from dpop_lab.wire.syntax import without_query

REASONS = {
    rules.htu: "the server takes another URL for its own, as behind a proxy that hides scheme, host"
    " or prefix: compare with the URL in its log or metadata.",
    rules.fresh: "compare the server's clock with the client's; its window may be smaller.",
    rules.unused: "the proof was sent before, in an exchange that is not in this paste.",
    rules.nonce: "the nonce was outdated when it came, or is that of another server.",
    rules.one_header: "something on the way may add or take a DPoP header.",
    rules.signature: "was the text changed on the way?",
}


def why_passed(row: Check, call: Call) -> str:
    """What may be behind it, to stand after "Here the row passes:"."""
    htu, url = call.proof.claims.get("htu"), without_query(call.url)
    if row != rules.htu or not isinstance(htu, str) or not url:
        return REASONS.get(row, "is this the request that was refused?")
    if odd := differences(url, htu):
        return (
            f"htu is the URL of the request in another spelling, with {' and '.join(odd.values())}."
            " By RFC 9449 a server makes both alike first; this one seems to compare letter by"
            f" letter. Send htu as the request has it: {shown(url, 300)[1:-1]}."
        )
    if ENCODED.search(url):
        return (
            "its path is percent-encoded, and a server that decodes the path before it compares"
            " wants the decoded form: try that, and tell the server's operator. Or " + REASONS[row]
        )
    return REASONS[row]
