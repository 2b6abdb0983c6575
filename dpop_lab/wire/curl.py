"""A request of a session log told in another form: as a command for curl."""

from shlex import quote

from dpop_lab.show.values import printable
from dpop_lab.wire.message import Redacted

NOT_SAID = ("host", "content-length", "connection")  # curl adds these itself


def as_curl(exchange: Redacted) -> str:
    """The request of an exchange as a `curl` command, a header a line, quoted for a POSIX shell.

    What was redacted stays so: put your own token in the place of `<access_token 1>`.
    """
    lines = [f"curl --include --request {quote(exchange.method)} {quote(exchange.url)}"]
    for name, value in exchange.request_headers:
        if name.lower() not in NOT_SAID:
            lines.append(f"  --header {quote(f'{name}: {value}')}")
    if exchange.request_body:
        lines.append(f"  --data-raw {quote(exchange.request_body)}")
    return printable(" \\\n".join(lines), "\n\t")
