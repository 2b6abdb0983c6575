"""Every error the lab raises, under one root, each with its evidence.

    LabError                 the root: problem, wanted, found, advice
    ├── EncodingError        text that is not in the one strict base64url spelling
    ├── KeyUnusable          what was given is no private key that can sign (reason says why)
    ├── SettingsError        the client's settings are not what a client needs
    ├── TokenRefused         the token endpoint gave no usable token (dpop_lab.client.token)
    │   └── WrongTokenType   it gave one that is not bound to the key
    └── Unreachable          a server over the network gave no answer (dpop_lab.lab.live)

A bad proof is a result, never an exception: see `dpop_lab.checking`.
"""


class LabError(Exception):
    """A caller's mistake or a broken transport: what was wanted, what was found, what to do.

    `problem`, `wanted`, `found` and `advice` are plain text without secrets; empty when not known.
    """

    def __init__(
        self, problem: str, *, wanted: str = "", found: str = "", advice: str = ""
    ) -> None:
        self.problem, self.wanted, self.found, self.advice = problem, wanted, found, advice
        facts = [f"wanted {wanted}"] * bool(wanted) + [f"found {found}"] * bool(found)
        text = problem + (": " + ", ".join(facts) if facts else "") + "."
        super().__init__(f"{text} {advice}" if advice else text)

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows instead of a traceback: the one sentence is meant to be enough."""
        return [f"{type(self).__name__}: {self}"]


def expect(value: object, kind: type | tuple[type, ...], name: str, advice: str = "") -> None:
    """Raise `LabError` unless the value is of the kind: told before it is an AttributeError."""
    if not isinstance(value, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        wanted = " or ".join(one.__name__ for one in kinds)
        found = f"a {type(value).__name__}"
        raise LabError(f"Not what {name} takes", wanted=wanted, found=found, advice=advice)


class EncodingError(LabError, ValueError):
    """Text that is not in its one strict spelling (RFC 7515 section 2, RFC 4648 section 5)."""


class KeyUnusable(LabError, ValueError):
    """No private signing key could be had from what was given.

    `reason` is one of `no_such_file`, `unreadable_file`, `password_missing`, `wrong_password`,
    `unsupported_encryption`, `public_key`, `certificate`, `symmetric_key`, `unsupported_key`,
    `unsupported_curve`, `rsa_too_small`, `rsa_too_large`, `several_keys`, `no_key`,
    `not_for_signing`, `wrong_algorithm`, `damaged_key`, `not_a_key`.
    """

    def __init__(
        self, problem: str, *, reason: str, wanted: str = "", found: str = "", advice: str = ""
    ) -> None:
        super().__init__(problem, wanted=wanted, found=found, advice=advice)
        self.reason = reason


class SettingsError(LabError, ValueError):
    """The client's settings (JSON or keyword arguments) lack a member or hold a wrong one."""
