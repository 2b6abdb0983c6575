"""What people write where a value belongs: a shell variable, a template, a name in brackets."""

import re
from dataclasses import replace

from dpop_lab.wire.message import Exchange

SECRET_FIELDS = ("authorization", "dpop")
PLACEHOLDER = re.compile(
    r"""\$?\{{1,2}(?P<braces>[^{}\n]*)\}{1,2}   # {{proof}}, ${PROOF}, {make_proof()}
    | \$\((?P<command>.*)\) | `(?P<ticks>.*)`   # $(make-proof)
    | \$(?:env:)?(?P<shell>\w+)                 # $PROOF, $env:PROOF
    | %(?P<windows>\w+)%
    | <(?P<angle>[^<>\n]*)> | \[(?P<square>[A-Za-z _-]*)\]
    | (?P<plea>(?i:your|my|the|insert|put)(?:[ _-][A-Za-z]+)+)
    | (?P<capitals>(?:[A-Z]+[_-])*(?:TOKEN|PROOF|JWT|DPOP))
    | [\w.-]{0,60}(?P<dots>\.\.\.|…)""",
    re.X,
)


def placeholder(value: str) -> str:
    """The name of what a placeholder stands for, as `<name>`; empty for a value that is none."""
    match = PLACEHOLDER.fullmatch(value[:1000].strip()) if value else None
    if match is None:
        return ""
    kind = match.lastgroup or ""
    named = "" if kind in ("dots", "command", "ticks", "square") else match[kind]
    words = " ".join(re.findall(r"\w+", named)[:6])[:60]
    return f"<{words or 'value'}>"


def without_placeholders(exchange: Exchange) -> Exchange:
    """The exchange with `<name>` for each placeholder where a proof or a token belongs."""
    changed = tuple(
        (name, _named(value) if name.lower() in SECRET_FIELDS else value)
        for name, value in exchange.request_headers
    )
    return replace(exchange, request_headers=changed)


def _named(value: str) -> str:
    scheme, gap, rest = value.partition(" ")
    if gap and scheme.lower() in ("dpop", "bearer", "basic") and (name := placeholder(rest)):
        return f"{scheme} {name}"
    return placeholder(value) or value
