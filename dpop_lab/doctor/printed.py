"""What a program prints of a value into a header line, in place of a proof or a token."""

import re
from collections.abc import Iterator
from dataclasses import replace

from dpop_lab.doctor.problem import OF_A_TOKEN, Problem
from dpop_lab.proof import rules
from dpop_lab.server.access_token import scheme
from dpop_lab.session.call import Call
from dpop_lab.show.values import shown

#: What a program prints: of nothing, of what is still to come, of an object, of octets.
PRINTED = re.compile(
    r"""(?P<nothing>undefined|null|none|nil|nan|true|false|%!s\(<nil>\))
    |(?P<later>\[object[ ]promise\]|promise[ ]?[{<].*|<(?:coroutine|_?future|task)\b.*
      |instance[ ]of[ ]'_?future.*|system\.threading\.tasks\..*
      |(?:java\.util\.concurrent|kotlinx\.coroutines)\..*)
    |(?P<object>\[object[ ]\w+\]|<[\w. ]+[ ]object[ ]at[ ].*|<?function\b.*)
    |(?P<octets>b['"].*|\[b@[0-9a-f]+|\[\d+(?:,[ ]?\d+)+\])
    |(?P<wrapped>(?:optional|some|just|ok)[(\[ ].*)
    |(?P<name>(?-i:[A-Z]{2,20}(?:_[A-Z]{2,20})+\w{0,40}))""",
    re.X | re.I | re.S,
)
MENDS = {
    "nothing": "The client had none when it made the header: wait until there is one.",
    "later": "Await what makes it: the program put what is still to come (a promise, a task, a"
    " coroutine) into the header, and its name was sent.",
    "object": "Put the text itself into the header, a proof in its compact form: the program put an"
    " object there, and its name was sent.",
    "octets": "Make text of the octets (in Python: .decode()) before they go into the header.",
    "name": "This is a placeholder: what had to put a proof or a token in its place (a service"
    " worker, an interceptor, a template) did not. See that it runs, and for this URL.",
    "wrapped": "Send the text alone, without what the program puts around it.",
}
#: What servers may say of such words in place of a proof.
OF_A_PROOF = (
    "well_formed", "one_header", "any row", "token form", "invalid_dpop_proof", "typ", "alg",
    "jwk", "invalid_token", "bare_challenge", "signature",
)  # fmt: skip


def printed(call: Call) -> Iterator[Problem]:
    """Words in the header lines DPoP and Authorization that are neither proof nor token."""
    for name, value in call.headers:
        start, _, rest = value.strip().partition(" ")
        word = rest.strip() if start.lower() in ("dpop", "bearer") and rest else value.strip()
        found = PRINTED.fullmatch(word[:300])
        kind = found.lastgroup if found else None
        if kind and name.lower() == "dpop":
            said = f"the DPoP header holds {shown(word.strip('[]<>'), 60)} in place of a proof"
            one = Problem.at(rules.well_formed, said, MENDS[kind])
            if call.succeeded:
                title = f"the server accepted what it must refuse: {one.title}"
                action = f"Mend the server: it must ask for a proof. {one.action}"
                one = replace(one, title=title, action=action, at_server=True)
            yield replace(one, explains=OF_A_PROOF)
        elif kind and name.lower() == "authorization":
            said = f"the word {shown(word, 60)} stands where the access token should"
            yield replace(Problem.at(scheme, said, MENDS[kind]), explains=OF_A_TOKEN)
