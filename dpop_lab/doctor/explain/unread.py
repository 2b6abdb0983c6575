"""What a person is told of a request that no server got to read."""

from dpop_lab.doctor.explain.telling import Entry, short


def tls_entry(url: str, *, time: float, number: int = 0) -> Entry:
    """What a person is told of a client that spoke TLS to the port at this URL, and was cut off."""
    return Entry(
        number=number,
        time=time,
        refused=True,
        verdict="TLS: hung up on, no request was read",
        why=(("change", f"A client spoke TLS to this port: use {url}"),),
    )


def left_entry(asked: str, octets: int, *, name: str, time: float, number: int) -> Entry:
    """What a person is told of a client that left before the body of what it asked had come."""
    change = (
        "Nothing, where you stopped the client. Else send the whole body: as many octets as"
        " Content-Length says, or chunks up to the last one."
    )
    return Entry(
        number=number,
        time=time,
        refused=True,
        verdict=f"{short(asked, 120)}: no answer, its body broke off after {octets} octets",
        name=name,
        why=(("change", change),),
    )
