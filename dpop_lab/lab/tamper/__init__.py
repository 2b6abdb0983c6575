"""The catalogue of changes: everything that can be done to a proof or the request around it."""

from dpop_lab.lab.tamper.change import OWNER, Change, Edit

CHANGES = {
    c.name: c
    for c in (
        Change(name="honest", does="Nothing.", by=OWNER, section="RFC 9449 §4.2"),
        Change(
            name="htm_delete", does="x", by=OWNER, section="x", proof=Edit(claims={"htm": "DELETE"})
        ),
        Change(name="twice", does="x", by=OWNER, section="x", again=lambda p: p),
        Change(name="thief", does="x", by=OWNER, section="x", proof=Edit(signed_by="thief")),
    )
}
