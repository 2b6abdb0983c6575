"""A private key loaded from whatever people keep keys in: told apart by content, never by name."""

import errno
import os
import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from dpop_lab.errors import KeyUnusable
from dpop_lab.jose.encoding import from_json
from dpop_lab.jose.jwk import bind, from_mapping
from dpop_lab.jose.keys import PrivateKey

BLANK: Final = "\ufeff \t\r\n"
LIMIT: Final = 1 << 20  # octets of a file: no key is larger, and /dev/zero never ends


def load_key(
    source: str | bytes | os.PathLike[str] | Mapping[str, Any],
    password: str | bytes | None = None,
    *,
    alg: str | None = None,
) -> PrivateKey:
    """The private key in a file, text, octets or a JWK, in any format people keep keys in.

    PEM and DER (PKCS#8, SEC1, PKCS#1; encrypted too), OpenSSH, PKCS#12, a JWK, or a JWK Set with
    one usable key (RFC 7517). A str is the key itself when it reads like PEM or JSON, else a path.
    A password that is not needed is ignored. `alg` is what the key will sign with; without it the
    JWK's own `alg` counts, else the key's kind: EC by its curve, Ed25519 EdDSA, RSA PS256.

    Raises `KeyUnusable`, whose `reason` tells the cases apart. Looks at the key only: certificates
    beside it are neither checked nor kept.
    """
    if isinstance(source, Mapping):
        return from_mapping(source, alg)
    octets = _octets(source)
    utf16 = octets.startswith((b"\xff\xfe", b"\xfe\xff"))  # what PowerShell's > writes
    text = octets.decode("utf-16" if utf16 else "utf-8", "replace").strip(BLANK)
    if text.startswith(("{", "[")):
        return _from_json(text, alg)
    if re.match(r"(ssh|ecdsa|sk)-\S+\s+AAAA|---- BEGIN SSH2 PUBLIC", text):
        raise KeyUnusable("public_key", "an SSH public key")
    secret = password.encode(errors="surrogatepass") if isinstance(password, str) else password
    key = _from_pem(text, secret) if "-----BEGIN" in text else _from_der(octets, secret)
    return bind(key, alg)


def _octets(source: object) -> bytes:
    """What there is to parse: the source itself when it is a key, else the file it names."""
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    if isinstance(source, os.PathLike):
        return _read(source, repr(os.fspath(source)))
    if not isinstance(source, str):
        raise KeyUnusable("not_a_key", f"a value of type {type(source).__name__}")
    text = source.strip(BLANK)
    if not text or re.search(r"-----BEGIN|[\r\n]|\A[{\[<]|\A\w+-\S+\s+AAAA|\AeyJ[\w-]+\.", text):
        return text.encode("utf-8", "replace")
    # It may be a key in some unknown spelling: shown only when it looks like a file's name.
    likely = len(text) < 32 or re.search(r"\.\w{1,8}\Z", text)
    return _read(source, repr(text) if likely else f"a text of {len(text)} characters")


def _read(path: str | os.PathLike[str], shown: str) -> bytes:
    try:
        with open(os.path.expanduser(path), "rb") as file:
            octets = file.read(LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise KeyUnusable("no_such_file", shown) from None
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno not in (errno.ENAMETOOLONG, errno.EINVAL):
            raise KeyUnusable("unreadable_file", f"{error.strerror} at {shown}") from None
        raise KeyUnusable("not_a_key", f"{shown}, which can be no path either") from None
    if len(octets) > LIMIT:
        raise KeyUnusable("not_a_key", f"more than {LIMIT} octets in {shown}")
    return octets


# A PEM body holds single hyphens at most; allowing five in it would make this quadratic.
PEM: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(?:(?!-----).)*-----END \1-----", re.DOTALL)
DEK_INFO: Final = re.compile(r"DEK-Info\s*:([^,]*),\s*([0-9a-f]*)", re.IGNORECASE)
# PKCS#12 begins like all DER and then with its version, 3, which no other key format has.
PKCS12: Final = re.compile(rb"0(?:[\0-\x80]|\x81.|\x82..|\x83...)\x02\x01\x03", re.DOTALL)


def _from_pem(text: str, password: bytes | None) -> Any:
    """The one private key among the PEM blocks (RFC 7468), whatever stands around them."""
    blocks = {match[0]: match[1] for match in PEM.finditer(text.replace("\\n", "\n"))}
    private = [block for block, label in blocks.items() if label.endswith("PRIVATE KEY")]
    labels = "PEM " + ", ".join(blocks.values())
    if not blocks:
        raise KeyUnusable("damaged_key", "PEM that is cut off")
    if len(private) != 1:
        certificate = re.search(r"CERTIFICATE(?! REQUEST)", labels)
        public = "public_key" if "PUBLIC KEY" in labels else "not_a_key"
        reason = "several_keys" if private else "certificate" if certificate else public
        raise KeyUnusable(reason, labels)
    lines = [line.strip() for line in private[0].splitlines()]
    damaged = KeyUnusable("damaged_key", f"{labels}, not readable")
    if any(map(_has_short_iv, lines)):
        raise damaged
    octets = "\n".join(lines).encode() + b"\n"
    openssh = blocks[private[0]].startswith("OPENSSH")
    load = serialization.load_ssh_private_key if openssh else serialization.load_pem_private_key
    return _unlock(load, octets, password, damaged)


def _has_short_iv(line: str) -> bool:
    """Does a PEM header name fewer octets than its cipher's block? The library would panic."""
    header = DEK_INFO.match(line)
    return header is not None and len(header[2]) < (16 if "DES" in header[1].upper() else 32)


def _from_der(octets: bytes, password: bytes | None) -> Any:
    """The private key in DER or in PKCS#12 (RFC 7292)."""
    from cryptography.x509 import load_der_x509_certificate

    public = serialization.load_der_public_key
    for read, reason in ((load_der_x509_certificate, "certificate"), (public, "public_key")):
        try:
            _without_panic(read, octets)
        except (ValueError, UnsupportedAlgorithm):
            continue
        raise KeyUnusable(reason, f"a DER {reason.replace('_', ' ')}")
    load = _load_pkcs12 if PKCS12.match(octets) else serialization.load_der_private_key
    found = f"{len(octets)} octets of no known format" if octets.strip() else "nothing at all"
    return _unlock(load, octets, password, KeyUnusable("not_a_key", found))


def _without_panic(load: Callable[..., Any], *arguments: Any) -> Any:
    """What a loader returns, and a ValueError in place of a panic in the library's Rust.

    A panic is a BaseException, so that nobody takes it for an error; its class can't be imported.
    """
    try:
        return load(*arguments)
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise ValueError("cryptography panicked") from None


def _load_pkcs12(octets: bytes, password: bytes | None) -> Any:
    """The key in PKCS#12, with the other loaders' manners: a TypeError asks for a password."""
    from cryptography.hazmat.primitives.serialization import pkcs12

    try:
        return _without_panic(pkcs12.load_key_and_certificates, octets, password)[0]
    except (ValueError, TypeError):  # it has a TypeError of its own: for a password not in UTF-8
        raise (TypeError() if password is None else ValueError()) from None


def _unlock(
    load: Callable[..., Any], octets: bytes, password: bytes | None, otherwise: KeyUnusable
) -> Any:
    """What a loader makes of octets: first as they are, then with the password if it asks for one.

    So a password for a key that has none does no harm, and a wrong one is told from a broken key.
    """
    for secret in (None, password):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # how an old file was encoded concerns nobody here
                return _without_panic(load, octets, secret)
        except TypeError:
            pass  # it asks for a password
        # RuntimeError: how cryptography says that it does not read compressed points
        except (ValueError, UnsupportedAlgorithm, RuntimeError, InvalidTag) as error:
            said = str(error)
            if "password-protected" not in said:  # so OpenSSH asks, in cryptography 42
                unknown = isinstance(error, UnsupportedAlgorithm) or "nknown" in said
                raise (_unsupported(said) if unknown else otherwise) from None
        if not password:
            raise KeyUnusable("password_missing", "an encrypted key and no password")
        otherwise = KeyUnusable("wrong_password", "another")
    raise otherwise


def _unsupported(said: str) -> KeyUnusable:
    """The error for what a loader can't do, of what it said: then the key is not the trouble."""
    if "bcrypt" in said:
        return KeyUnusable("unsupported_encryption", "an OpenSSH key, and no bcrypt installed here")
    locked = re.search("cipher|KDF|encrypt", said)
    kind = "encryption" if locked else "curve" if "urve" in said else "key"
    return KeyUnusable(f"unsupported_{kind}", said)


def _from_json(text: str, alg: str | None) -> PrivateKey:
    try:
        value, found = from_json(text), "JSON that is no object"
    except ValueError:
        value, found = None, "text that only begins like JSON"
    except RecursionError:
        value, found = None, "JSON with too many brackets"
    if not isinstance(value, dict):  # here no error carries the text along
        raise KeyUnusable("not_a_key", found)
    return from_mapping(value, alg)
