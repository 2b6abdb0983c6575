"""What to change in the form of a proof: its header line, its spelling, its typ."""

from dpop_lab.checking import Finding
from dpop_lab.doctor.advice.written import advice
from dpop_lab.proof import TYP
from dpop_lab.session.call import TOKEN_ENDPOINT, Call
from dpop_lab.show.values import shown


@advice
def one_header(finding: Finding, call: Call) -> str:
    """How many there are, and where."""
    if finding.defect == "several":
        return (
            "Send one DPoP header: something adds a second, such as an interceptor that runs "
            "twice, a retry that appends where it should replace, or a proxy."
        )
    if finding.defect == "empty":
        return "Put the proof into the DPoP header: it is there, but empty."
    if call.place == TOKEN_ENDPOINT or call.scheme.lower() != "dpop":
        what = "token request" if call.place == TOKEN_ENDPOINT else "call"
        return f"Sign a proof for the {what} and send it in a DPoP header of its own."
    return "Send a DPoP header with a proof beside Authorization: the token alone proves nothing."


@advice
def well_formed(finding: Finding, call: Call) -> str:
    """What it looks like instead."""
    text = call.proofs[0] if call.proofs else ""
    word = text.split(" ")[0].lower()
    if word in ("dpop", "bearer", "dpop:"):
        return f"Take the word {shown(text.split(' ')[0])} away: the header holds the proof alone."
    if "," in text:
        return "Send one proof: here several stand in one header line, joined by a comma."
    if text[:1] in ('"', "'"):
        return "Take the quotes around the proof away."
    if finding.defect == "too_long":
        return "Make the proof shorter: with an EC key in place of RSA, without further members."
    parts = text.count(".") + 1
    if parts == 5:
        return "Send a signed JWT (JWS, three parts): this one is encrypted (JWE, five parts)."
    if parts < 3:
        lacks = "claims and signature are" if parts == 1 else "the signature is"
        return f"Send the whole proof, header.claims.signature: {lacks} missing."
    if parts > 3:
        return f"Send header.claims.signature, three parts between dots; here are {parts}."
    _, another, names = str(finding.found).partition("another JSON type than it can read: ")
    if another:
        return f"Give {names} in the JSON type the RFCs have: texts as strings, times as numbers."
    return "Encode header and claims as JSON objects in base64url (RFC 7515), each once."


DEVIATIONS = {
    "padding": "leave out the = at its end",
    "spare_bits": "encode it anew: its last character has bits that mean nothing",
    "foreign_alphabet": "use the URL-safe alphabet, - and _ in place of + and /",
    "white_space": "take out the white space",
    "number_as_text": "write it as a JSON number, without quotes",
    "not_a_number": "write it as a JSON number",
    "not_a_string": "write it as a JSON string",
    "value_in_an_array": "write the value itself, not an array of one",
    "duplicate_member": "name each member once",
    "text_after_the_object": "end after the closing brace",
    "byte_order_mark": "take out the byte order mark",
    "extension_not_understood": "leave crit out: no extension is known for proofs",
    "five_parts": "send a signed JWT, not an encrypted one",
    "unreadable": "it can't be decoded; was it copied whole?",
    "impossible_length": "its end is missing; was it copied whole?",
}


def in_words(deviation: str) -> str:
    """What to do about a deviation from the strict spelling."""
    return DEVIATIONS.get(deviation, "use the one strict spelling")


@advice
def strict_form(finding: Finding, call: Call) -> str:
    """Each deviation."""
    told = [f"{where}: {in_words(kind)}" for where, kind in call.proof.deviations]
    return f"Write the proof in its strict form. {'; '.join(told[:5])}."


@advice
def typ(finding: Finding, call: Call) -> str:
    """What it is instead, and where that comes from."""
    found = finding.found
    was = "it is missing" if found is None else f"here it is {shown(found, 40)}"
    kind = str(found).lower()
    hint = {
        TYP: " Small letters count.",
        "jwt": " Most JWT libraries put JWT there by themselves: set it in the header by hand.",
    }.get(kind, "")
    if kind.endswith("at+jwt"):
        hint = " This looks like the access token: the DPoP header is for the proof."
    return f"{finding.check.mend[:-1]}; {was}.{hint}"
