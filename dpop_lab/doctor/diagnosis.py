"""From anything pasted to what is wrong with it and what to do; nothing is sent anywhere."""

import re
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from dpop_lab.doctor.examine import examine
from dpop_lab.doctor.examined import Examined, explained_beside, refused_somehow, told_once
from dpop_lab.doctor.exchanges import ALONE, Others
from dpop_lab.doctor.paste.recognise import read_paste
from dpop_lab.doctor.problem import METHODS, Problem
from dpop_lab.doctor.report import (
    all_values,
    details,
    headline,
    key_values,
    nothing_wrong,
    others,
    preface,
)
from dpop_lab.doctor.secrets import Secrets
from dpop_lab.errors import LabError, expect
from dpop_lab.server.policy import Policy
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.session.asked import Jwks, issued_keys, keys_of
from dpop_lab.session.call import LONGEST, Call, linked, without_user
from dpop_lab.show import Block, Fold, Shown, Table, as_markdown, as_text
from dpop_lab.show.values import FAR, at_once, mapped, shown
from dpop_lab.wire.secrets import is_hidden
from dpop_lab.wire.syntax import normal_url

if TYPE_CHECKING:
    from dpop_lab.doctor.documents import Document

SCHEME = re.compile("(?:dpop|bearer) +", re.I)
NO_URL = "The url that was given is no http(s) URL, and not used."
HEALTHY, FINDINGS, NOT_UNDERSTOOD = 0, 1, 2
TOLD = ("kind", "understood", "healthy", "exit_code", "verdict", "secrets", "remarks")
WHAT = """Paste a proof, an access token, header lines, a server's error, a raw request or \
response, a curl command, a HAR file or a session log."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Diagnosis(Shown):
    """What something is, what is wrong with it and what to do: shown by a notebook as a report.

    `text()`, `markdown()` and `as_dict()` are the other forms; no secret is repeated in any.
    """

    kind: str  #: what it was taken for
    understood: bool
    examined: tuple[Examined, ...]  #: each request in it
    jwks: Jwks = ()
    documents: "tuple[Document, ...]" = ()  #: metadata and others that are no request
    remarks: tuple[str, ...] = ()
    now: float
    _secrets: Callable[[], Secrets]  #: found when something is said

    @property
    def secrets(self) -> tuple[str, ...]:
        """The kinds of secrets in it."""
        return self._secrets().kinds

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All problems of all requests, first those of the request that matters most."""
        return tuple(problem for one in self._by_weight() for problem in one.problems)

    def _by_weight(self) -> list[Examined]:
        """The requests with problems: the last that was refused, others refused, the rest."""
        told = {each.found for one in self.examined for each in one.problems} - {""}
        judged = (
            Examined(
                call=Call(name=one.kind * (one.kind != self.kind)),
                policy=RFC_9449,
                problems=tuple(each for each in one.problems if each.found not in told),
            )
            for one in self.documents
        )
        asked = explained_beside(self.examined, self.documents)
        ill = [one for one in (*judged, *asked) if one.problems]
        refused = [one for one in reversed(ill) if one.call.refused]
        return [*refused, *(one for one in ill if not one.call.refused)]

    @property
    def healthy(self) -> bool:
        """Was it understood, and is nothing wrong?"""
        return self.exit_code == HEALTHY

    @property
    def exit_code(self) -> int:
        """0 healthy, 1 findings, 2 not understood."""
        if not self.understood:
            return NOT_UNDERSTOOD
        return FINDINGS if self.problems else HEALTHY

    @property
    def verdict(self) -> str:
        """The whole in a line or two: what it is, what is wrong first, what to do about that."""
        line = self._summary()
        for first in self.problems[:1]:
            line = f"{line[:-1]}, {'first' if self.problems[1:] else 'namely'} {first.title}. "
            line += first.action
        return self._secrets().clean([line])[0]

    def _summary(self) -> str:
        if not self.understood:
            return f"Not understood: {self.kind}. {WHAT}"
        if not (count := len(self.problems)):
            return f"This is {self.kind}. {nothing_wrong(self.kind, self.documents, self.examined)}"
        return f"This is {self.kind} with {'one finding' if count == 1 else f'{count} findings'}."

    @property
    def mark(self) -> str:
        """`passed`, `failed`, or `not asked` of what was not understood."""
        return ("passed", "failed", "not asked")[self.exit_code]

    def text(self, *, everything: bool = False) -> str:
        """The report as plain text; with `everything` all details, each row with its own line."""
        return as_text(self._blocks(everything=everything))

    __repr__ = text

    def markdown(self) -> str:
        """The report as Markdown, for an issue or a chat: nothing pasted acts in it."""
        return as_markdown(self.blocks())

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON values, for machines."""
        told = {name: getattr(self, name) for name in TOLD}
        told["keys"] = [key_values(one) for one in self.jwks]
        said = all_values(told, self.documents, self.examined, self.now)
        values: dict[str, Any] = _clean(said, self._secrets)
        return values

    def blocks(self) -> Iterator[Block]:
        """What it is, its one cause and what to do; then what else is wrong, and all details."""
        return self._blocks(everything=True)

    def _blocks(self, *, everything: bool) -> Iterator[Block]:
        """Without secrets; unless `everything` is told the details are short."""
        calls, order = [one.call for one in self.examined], self._by_weight()
        blocks: list[Block] = [headline(self._summary(), next(iter(order), None), self.mark)]
        blocks += [*others(order), *preface(calls, self.secrets, self.remarks, self.jwks)]
        parts: list[Block] = [Table(one.kind, one.facts) for one in self.documents if one.facts]
        parts += details(self.examined, self.now, everything=everything)
        blocks += [Fold("Details", tuple(parts))] * bool(parts)
        return iter(_clean(blocks, self._secrets))


def _clean(said: Any, secrets: Callable[[], Secrets]) -> Any:
    """Blocks or values without the secrets."""
    return at_once(partial(mapped, said), lambda texts: secrets().clean(texts) if texts else [])


def diagnose(
    anything: object,
    *,
    url: str = "",
    method: str = "",
    token: str = "",
    nonce: str = "",
    now: float | None = None,
    jwks: Mapping[str, Any] | None = None,
    policy: Policy | None = None,
) -> Diagnosis:
    """Say what something is, what is wrong with it by the rows of RFC 9449, and what to do.

    Takes a proof, an access token, header lines, a server's error text or JSON, an answer of
    `requests`, raw HTTP, a curl command, a HAR file, a session log, a recorded exchange, as text,
    octets, JSON values or objects; a `pathlib.Path` is read. What is known besides is given by
    name: `url` and `method` of the request, the access `token` and the server's `nonce`, `now`
    (seconds since 1970) when it was sent, `jwks` the issuer's keys, `policy` the rules to hold it
    to (the demo's for the demo, `RFC_9449` for any other). Nothing is sent or run, and whatever is
    given, it does not raise; only arguments of another type raise `LabError`.
    """
    expect(policy, (Policy, type(None)), "policy", "DUENDE or RFC_9449.")
    known = _known(now, url=url, method=method, token=token, nonce=nonce)
    pasted, unused = read_paste(anything), [NO_URL] * bool(url and not known.url)
    calls = linked([*pasted.calls]) if len(pasted.calls) > 1 else pasted.calls
    pasted = replace(pasted, calls=tuple(_with(one, known) for one in calls))
    keys, secrets = (*keys_of(jwks), *issued_keys(pasted.calls)), cache(partial(Secrets, pasted))
    here = time.time() if now is None else now
    examined = _examined(pasted.calls, secrets, policy=policy, now=here, jwks=keys)
    examined += tuple(refused_somehow(pasted, examined))
    return Diagnosis(
        kind=pasted.kind,
        understood=pasted.understood,
        examined=examined,
        jwks=pasted.jwks,
        documents=_clean(pasted.documents, secrets),
        remarks=(*pasted.remarks, *unused),
        now=here,
        _secrets=secrets,
    )


def _known(now: float | None, **texts: str) -> Call:
    """What was given by name. Raises `LabError` for another type, and for a time that is none."""
    for name, text in texts.items():
        expect(text, str, name)
    expect(now, (int, float, type(None)), "now", "Seconds since 1970.")
    if now is not None and not abs(now) < FAR:
        raise LabError("now is no time", wanted="seconds since 1970", found=shown(now, 40))
    url, method, nonce = texts["url"], texts["method"].strip()[:40], texts["nonce"]
    good = len(url) <= LONGEST and normal_url(url) is not None
    return Call(
        url=without_user(url) if good else "",
        method=method.upper() if method.upper() in METHODS else method,
        token=SCHEME.sub("", texts["token"].strip()),
        nonces=(nonce,) * bool(nonce),
        sent_at=now,
    )


def _examined(
    calls: tuple[Call, ...], secrets: Callable[[], Secrets], **known: Any
) -> tuple[Examined, ...]:
    """Each call examined after those before it, its words clean: a problem may be shown alone."""
    used, others, examined = set[Hashable](), _others(calls), []
    for others.at, call in enumerate(calls):
        one = examine(call, others, used=used, **known)
        problems, remarks = _clean((one.problems, one.remarks), secrets)
        examined.append(replace(one, problems=problems, remarks=remarks))
    return tuple(told_once(examined))[::-1]


def _others(calls: tuple[Call, ...]) -> Others:
    if len(calls) < 2 and not any("dpop_jkt" in one.form or one.personal for one in calls):
        return ALONE
    from dpop_lab.doctor.sequence import Sequence  # one call alone is the usual case

    return Sequence(calls)


def _with(call: Call, known: Call) -> Call:
    """The call with what was given by name; of the tokens its own counts."""
    if known.url:
        call = replace(call, url=known.url, url_guessed=False)
    call = replace(call, method=known.method or call.method)
    if known.token and not is_hidden(known.token) and not call.token:
        hidden = tuple(one for one in call.hidden if one != "access_token")
        call = replace(call, token=known.token, hidden=hidden)
    if known.sent_at is not None:
        call = replace(call, sent_at=known.sent_at, date=None)
    return replace(call, nonces=(*call.nonces, *known.nonces))
