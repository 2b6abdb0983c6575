"""A JWT as a picture: its three parts in three colours, and decoded beside them."""

from collections.abc import Container, Iterator
from dataclasses import dataclass, replace

from dpop_lab.show import Block, Table
from dpop_lab.show.html import Look, escaped
from dpop_lab.show.values import cut, pairs

SEGMENTS = ("header", "payload", "signature")  # in this order, with dots between them
LONGEST = 1200  # characters of a segment that are shown
Member = tuple[str, str, str]  # name, value, and what the name means, empty where that is unknown


@dataclass(frozen=True, slots=True, repr=False)
class Jwt(Block):
    """A JWT, encoded and decoded; nothing in it is believed."""

    title: str
    encoded: str
    header: tuple[Member, ...]
    claims: tuple[Member, ...]
    #: What there is to say of the signature, or of a text that has no three parts.
    remark: str = ""
    changed: tuple[str, ...] = ()  #: the `SEGMENTS` that are not what they were

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Names and values of all members, the remark first where there is one."""
        parts = (("header", self.header), ("claims", self.claims))
        members = [(f"{part}.{name}", text) for part, those in parts for name, text, _ in those]
        return [("the text", self.remark), *members] if self.remark else members

    def without(self, names: Container[str]) -> "Jwt":
        """The JWT without the members of these names."""
        header, claims = (
            tuple(member for member in part if member[0] not in names)
            for part in (self.header, self.claims)
        )
        return replace(self, header=header, claims=claims)

    def lines(self) -> Iterator[str]:
        yield from ("", self.title, *pairs(self.pairs, "  "), "")

    def html(self, look: Look) -> str:
        parts = self.encoded.split(".", len(SEGMENTS) - 1)
        encoded = ".".join(
            f'<span{look(name)} title="{name}">{escaped(cut(part, LONGEST))}</span>'
            for name, part in zip(SEGMENTS, parts, strict=False)
        )
        sent = f"<div{look('encoded')}>{encoded}</div>" if self.encoded else ""
        members = self._part("header", self.header, look) + self._part("payload", self.claims, look)
        said = f"<p{look('remark')}>{escaped(self.remark)}</p>" if self.remark else ""
        title = f"<div{look('title')}>{escaped(self.title)}</div>" if self.title else ""
        return f"{title}<div{look('jwt')}>{sent}<div{look('decoded')}>{members}{said}</div></div>"

    def _part(self, part: str, members: tuple[Member, ...], look: Look) -> str:
        rows = "".join(_row(*member, look) for member in members)
        changed = ", changed" * (part in self.changed)
        caption = f"<caption{look('part', part)}>{part}{changed}</caption>"
        return f"<table{look('table')}>{caption}<tbody>{rows}</tbody></table>" if members else ""

    def markdown(self) -> str:
        return Table(self.title, tuple(self.pairs)).markdown()


def _row(name: str, value: str, meaning: str, look: Look) -> str:
    """A member; what its name means is seen when the mouse is over it, or when it is chosen."""
    known = escaped(name)
    if meaning:
        summary = f'<summary{look("known")} title="{escaped(meaning)}">{known}</summary>'
        known = f"<details>{summary}<div{look('meaning')}>{escaped(meaning)}</div></details>"
    head = f'<th scope="row"{look("name", "member")}>{known}</th>'
    return f"<tr{look('row')}>{head}<td{look('code')}>{escaped(value)}</td></tr>"
