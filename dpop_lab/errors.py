"""Every error the lab raises, under one root, each with its evidence.

    LabError                 the root: problem, wanted, found, advice
    ├── KeyUnusable          what was given is no private key that can sign (reason says why)
    ├── SettingsError        the client's settings are not what a client needs
    ├── TokenRefused         the token endpoint gave no usable token (dpop_lab.client.token)
    └── Unreachable          a server over the network gave no answer (dpop_lab.lab.live)

A bad proof is a result, never an exception: see `dpop_lab.checking`.
"""

from collections.abc import Mapping
from typing import Any

MOST, LONGEST = 40, 60  # names that are all said, characters of a name that are compared and shown


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


def one_of(kind: str, name: str, known: Mapping[str, Any], *, listed: str = "") -> Any:
    """What has this name. Raises `LabError` with all names, or with those alike and where all are.

    `kind` says what is named, `listed` where to read the names when they are too many to be said.
    """
    expect(name, str, f"the name of a {kind}")
    if name in known:
        return known[name]
    advice, wanted = "", f"one of {', '.join(known)}"
    if len(known) > MOST:
        from difflib import get_close_matches  # when used

        alike = get_close_matches(name[:LONGEST].lower(), known) or list(known)[:1]
        advice, wanted = listed, f"a {kind} such as {' or '.join(alike)}"
    found = repr(name)
    found = f"{found[:LONGEST]}…" if len(found) > LONGEST else found
    raise LabError(f"No such {kind}", wanted=wanted, found=found, advice=advice)


_KEY = "a private key as PEM, DER, OpenSSH, PKCS#12 or JWK"
_KIND = "EC P-256, P-384 or P-521, Ed25519, or RSA"
_PATH_OR_KEY = "Text is taken for a path unless it holds '-----BEGIN' or begins with '{'."
_REMOVE = "Change or remove the key's password where it was made; OpenSSH needs pip install bcrypt."
_SAID = {  # reason: what is the matter, what was wanted, what to do
    "no_such_file": ("There is no such key file", "the path of a file, or a key", _PATH_OR_KEY),
    "unreadable_file": ("The key file cannot be read", "a file", "Look at its kind and its mode."),
    "password_missing": ("The key is encrypted", "its password", "Give the password too."),
    "wrong_password": (
        "The key does not open",
        "its password",
        "Try openssl pkey -in FILE -noout",
    ),
    "public_key": ("This is a public key", _KEY, "Give the private key it belongs to."),
    "certificate": ("This is a certificate", _KEY, "Give the private key it was made for."),
    "symmetric_key": ("This is a shared secret", _KEY, "Only an asymmetric key can prove here."),
    "unsupported_curve": ("A curve that is not used here", _KIND, "Make one with generate_key."),
    "unsupported_key": ("A kind of key that is not used here", _KIND, "Use generate_key."),
    "unsupported_encryption": ("The key's encryption is not known here", "another", _REMOVE),
    "rsa_too_small": ("The RSA key is too small", "2048 bits or more", "RFC 7518 section 3.3."),
    "rsa_too_large": ("The RSA key is too large", "16384 bits at most", "2048 or 3072 will do."),
    "several_keys": ("There is more than one key", "one private key", "Give one of them alone."),
    "no_key": ("There is no usable key in it", "one private signing key", "Give the key itself."),
    "not_for_signing": ("This JWK is not for signing", "use sig, key_ops with sign", ""),
    "wrong_algorithm": ("The algorithm does not fit the key", "", "Leave alg out for the default."),
    "damaged_key": ("The key is damaged", _KEY, "Export it again, or copy the whole of it."),
    "not_a_key": ("This is no key", _KEY, "Give a path, the file's content, or a JWK."),
}


class KeyUnusable(LabError, ValueError):
    """No private signing key could be had from what was given.

    The reason says the rest, unless there is another `problem`, or something else was `wanted`.

    `reason` is one of `no_such_file`, `unreadable_file`, `password_missing`, `wrong_password`,
    `unsupported_encryption`, `public_key`, `certificate`, `symmetric_key`, `unsupported_key`,
    `unsupported_curve`, `rsa_too_small`, `rsa_too_large`, `several_keys`, `no_key`,
    `not_for_signing`, `wrong_algorithm`, `damaged_key`, `not_a_key`.
    """

    def __init__(self, reason: str, found: str, *, wanted: str = "", problem: str = "") -> None:
        usual, usually_wanted, advice = _SAID[reason]
        super().__init__(
            problem or usual,
            wanted=wanted or usually_wanted,
            found=found,
            advice="" if problem else advice,
        )
        self.reason = reason


class SettingsError(LabError, ValueError):
    """The client's settings (JSON or keyword arguments) lack a member or hold a wrong one."""
