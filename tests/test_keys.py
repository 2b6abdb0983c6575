import base64
import copy
import dataclasses
import datetime
import functools
import importlib.util
import json
import logging
import os
import pickle
import pprint
import struct
import sys
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import (
    dsa,
    ec,
    ed448,
    ed25519,
    padding,
    rsa,
    utils,
    x448,
    x25519,
)
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from jwcrypto.jwk import JWK

from dpop_lab import errors
from dpop_lab.errors import KeyUnusable, LabError
from dpop_lab.jose import key_formats
from dpop_lab.jose.encoding import base64url_decode, base64url_encode
from dpop_lab.jose.jwk import CURVES as JWK_NAMES
from dpop_lab.jose.key_formats import load_key
from dpop_lab.jose.keys import ALGORITHMS, PrivateKey, generate_key, public_jwk

PASSWORD = "correct horse Batterie-Ständer"
LOCK = BestAvailableEncryption(PASSWORD.encode())
HAS_BCRYPT = importlib.util.find_spec("bcrypt") is not None
# One key of each kind for the whole file: making RSA is what takes time.
MADE: dict[str, Any] = {
    "P-256": ec.generate_private_key(ec.SECP256R1()),
    "P-384": ec.generate_private_key(ec.SECP384R1()),
    "P-521": ec.generate_private_key(ec.SECP521R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate(),
    "RSA": rsa.generate_private_key(65537, 2048),
}
DEFAULTS = {
    "P-256": "ES256",
    "P-384": "ES384",
    "P-521": "ES512",
    "Ed25519": "EdDSA",
    "RSA": "PS256",
}
SMALL_RSA = rsa.generate_private_key(65537, 1024)
EC_PARAMETERS = {"P-256": "BggqhkjOPQMBBw==", "P-384": "BgUrgQQAIg==", "P-521": "BgUrgQQAIw=="}


def private(key: Any, encoding: Encoding, form: PrivateFormat, lock: Any = None) -> bytes:
    return key.private_bytes(encoding, form, lock or NoEncryption())


def pkcs8(key: Any, lock: Any = None) -> bytes:
    return private(key, Encoding.PEM, PrivateFormat.PKCS8, lock)


def traditional(key: Any, lock: Any = None) -> bytes:
    return private(key, Encoding.PEM, PrivateFormat.TraditionalOpenSSL, lock)


def with_parameters(key: Any) -> bytes:
    oid = EC_PARAMETERS[JWK_NAMES[key.curve.name]]
    head = f"-----BEGIN EC PARAMETERS-----\n{oid}\n-----END EC PARAMETERS-----\n"
    return head.encode() + traditional(key)


def pkcs12_of(key: Any, lock: Any = None) -> bytes:
    return pkcs12.serialize_key_and_certificates(b"me", key, None, None, lock or NoEncryption())


def jwk_of(key: Any) -> dict[str, Any]:
    return JWK.from_pyca(key).export(as_dict=True)


def certificate_of(key: Any) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "somebody")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + datetime.timedelta(1))
    return builder.sign(key, hashes.SHA256())


def public_pem(key: Any) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


ALL, NO_ED = tuple(MADE), ("P-256", "P-384", "P-521", "RSA")
CURVES = ("P-256", "P-384", "P-521")
# name: (what makes the source, the password to give, the kinds that have this format)
FORMATS: dict[str, tuple[Callable[[Any], Any], str | None, tuple[str, ...]]] = {
    "PKCS#8 PEM": (pkcs8, None, ALL),
    "PKCS#8 PEM, encrypted": (lambda key: pkcs8(key, LOCK), PASSWORD, ALL),
    "traditional PEM": (traditional, None, NO_ED),
    "traditional PEM, encrypted": (lambda key: traditional(key, LOCK), PASSWORD, NO_ED),
    "SEC1 after EC PARAMETERS": (with_parameters, None, CURVES),
    "PKCS#8 DER": (lambda key: private(key, Encoding.DER, PrivateFormat.PKCS8), None, ALL),
    "PKCS#8 DER, encrypted": (
        lambda key: private(key, Encoding.DER, PrivateFormat.PKCS8, LOCK),
        PASSWORD,
        ALL,
    ),
    "traditional DER": (
        lambda key: private(key, Encoding.DER, PrivateFormat.TraditionalOpenSSL),
        None,
        NO_ED,
    ),
    "OpenSSH": (lambda key: private(key, Encoding.PEM, PrivateFormat.OpenSSH), None, ALL),
    "PKCS#12": (pkcs12_of, None, ALL),
    "PKCS#12, encrypted": (lambda key: pkcs12_of(key, LOCK), PASSWORD, ALL),
    "JWK mapping": (jwk_of, None, ALL),
    "JWK text": (lambda key: json.dumps(jwk_of(key)), None, ALL),
    "JWK bytes": (lambda key: json.dumps(jwk_of(key), indent=2).encode(), None, ALL),
    "JWK of jwcrypto": (JWK.from_pyca, None, ALL),
    "JWK Set": (lambda key: {"keys": [jwk_of(key)]}, None, ALL),
    "JWK Set text": (lambda key: json.dumps({"keys": [jwk_of(key)]}), None, ALL),
}
COMBINATIONS = [(name, kind) for name, row in FORMATS.items() for kind in row[2]]
combinations = pytest.mark.parametrize(("name", "kind"), COMBINATIONS)


def verify(key: Any, signature: bytes, octets: bytes, alg: str) -> None:
    """With cryptography alone and a table of its own, so a wrong row in ALGORITHMS shows."""
    public = key.public_key()
    digest = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}.get(alg[2:])
    if alg.startswith("ES"):
        half = {"ES256": 32, "ES384": 48, "ES512": 66}[alg]
        assert len(signature) == 2 * half
        r, s = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
        public.verify(utils.encode_dss_signature(r, s), octets, ec.ECDSA(digest))
    elif alg.startswith("RS"):
        public.verify(signature, octets, padding.PKCS1v15(), digest)
    elif alg.startswith("PS"):
        salted = padding.PSS(padding.MGF1(digest), digest.digest_size)
        public.verify(signature, octets, salted, digest)
    else:
        public.verify(signature, octets)


@functools.cache
def loaded(kind: str) -> PrivateKey:
    return load_key(pkcs8(MADE[kind]))


def reason(source: Any, password: Any = None, **more: Any) -> str:
    with pytest.raises(KeyUnusable) as caught:
        load_key(source, password, **more)
    assert isinstance(caught.value, LabError)
    assert isinstance(caught.value, ValueError)
    assert PASSWORD not in str(caught.value)
    return caught.value.reason


@combinations
def test_a_key_signs_alike_in_whatever_format_it_comes(name: str, kind: str) -> None:
    make, password, _ = FORMATS[name]
    key = load_key(make(MADE[kind]), password)
    assert key.alg == DEFAULTS[kind]
    assert key == loaded(kind)
    verify(MADE[kind], key.sign(b"octets"), b"octets", key.alg)


@pytest.mark.parametrize("name", FORMATS)
def test_a_key_is_read_from_a_file_as_from_memory(name: str, tmp_path: Any) -> None:
    make, password, _ = FORMATS[name]
    source = make(MADE["P-256"])
    source = json.dumps(source) if isinstance(source, dict) else source
    path = tmp_path / "a key.pem"
    path.write_bytes(source.encode() if isinstance(source, str) else source)
    expected = load_key(pkcs8(MADE["P-256"]))
    assert load_key(path, password) == load_key(str(path), password) == expected
    assert load_key(bytearray(path.read_bytes()), password) == expected


@pytest.mark.skipif(not HAS_BCRYPT, reason="cryptography needs bcrypt for encrypted OpenSSH keys")
def test_an_encrypted_openssh_key_opens_with_its_password() -> None:
    source = private(MADE["P-256"], Encoding.PEM, PrivateFormat.OpenSSH, LOCK)
    assert load_key(source, PASSWORD) == load_key(MADE_PEM)
    assert reason(source) == "password_missing"
    assert reason(source, "other") == "wrong_password"


def test_an_encrypted_openssh_key_without_bcrypt_is_told_in_so_many_words() -> None:
    source = openssh_container(MADE["Ed25519"])
    assert reason(source) == "password_missing"
    expected = "wrong_password" if HAS_BCRYPT else "unsupported_encryption"
    assert reason(source, PASSWORD) == expected


def openssh_container(key: ed25519.Ed25519PrivateKey) -> bytes:
    """An encrypted OpenSSH file by hand: writing one with cryptography would need bcrypt."""

    def packed(octets: bytes) -> bytes:
        return struct.pack(">I", len(octets)) + octets

    options = packed(os.urandom(16)) + struct.pack(">I", 1)
    public = packed(b"ssh-ed25519") + packed(key.public_key().public_bytes_raw())
    body = b"openssh-key-v1\0" + packed(b"aes256-ctr") + packed(b"bcrypt") + packed(options)
    body += struct.pack(">I", 1) + packed(public) + packed(os.urandom(160))
    inside = base64.encodebytes(body)
    return b"-----BEGIN OPENSSH PRIVATE KEY-----\n%s-----END OPENSSH PRIVATE KEY-----\n" % inside


MADE_PEM = pkcs8(MADE["P-256"]).decode()
MADE_KEY = load_key(MADE_PEM)
SPELLINGS = {
    "a byte order mark": "\ufeff" + MADE_PEM,
    "CRLF": MADE_PEM.replace("\n", "\r\n"),
    "CR": MADE_PEM.replace("\n", "\r"),
    "comments before": "# my key\nBag Attributes\n  friendlyName: Schlüssel\n" + MADE_PEM,
    "text after": MADE_PEM + "\n-- \nregards\n",
    "white space around": " \n\t" + MADE_PEM + "\n\n ",
    "no last line end": MADE_PEM.rstrip(),
    "indented, as in a cell": MADE_PEM.replace("\n", "\n        "),
    "blanks at the ends of lines": MADE_PEM.replace("\n", "  \n"),
    "line ends written as \\n, as in a .env file": MADE_PEM.strip().replace("\n", "\\n"),
    "twice the same": MADE_PEM + MADE_PEM,
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_pem_is_read_as_people_paste_it(name: str) -> None:
    text = SPELLINGS[name]
    assert load_key(text) == load_key(text.encode()) == MADE_KEY


def test_pem_and_json_in_the_utf16_of_powershell_are_read() -> None:
    for text in (MADE_PEM, json.dumps(jwk_of(MADE["P-256"]))):
        assert load_key(text.encode("utf-16")) == MADE_KEY


def test_comments_in_another_encoding_do_not_matter() -> None:
    assert load_key("Schlüssel\n".encode("latin-1") + MADE_PEM.encode()) == MADE_KEY


def test_json_with_a_byte_order_mark_is_read() -> None:
    text = " \ufeff " + json.dumps(jwk_of(MADE["P-256"]) | {"kid": "Schlüssel"}, ensure_ascii=False)
    assert load_key(text) == load_key(text.encode()) == MADE_KEY


def test_a_jwk_may_have_a_number_of_5000_digits_where_nobody_reads_it() -> None:
    text = json.dumps(jwk_of(MADE["P-256"]) | {"more": "?"}).replace('"?"', "9" * 5000)
    assert load_key(text) == MADE_KEY


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"kty": %s}' % ("9" * 5000), "kty"),
        ('{"a":' * 100_000, "too many brackets"),
        ("[1]", "no object"),
        ('{"kty": "EC",', "only begins like JSON"),
    ],
    ids=["5000 digits", "brackets", "array", "broken"],
)
def test_json_that_is_no_key_is_told_for_what_it_is(text: str, found: str) -> None:
    with pytest.raises(KeyUnusable) as caught:
        load_key(text)
    assert found in str(caught.value.found)


def test_of_a_certificate_and_a_key_the_key_is_used() -> None:
    certificate = certificate_of(MADE["P-256"]).public_bytes(Encoding.PEM).decode()
    assert load_key(certificate + MADE_PEM) == load_key(MADE_PEM + certificate) == MADE_KEY
    assert load_key(public_pem(MADE["P-256"]).decode() + MADE_PEM) == MADE_KEY


def test_two_private_keys_in_one_pem_are_one_too_many() -> None:
    assert reason(MADE_PEM + pkcs8(MADE["Ed25519"]).decode()) == "several_keys"


@pytest.mark.parametrize("name", [name for name, row in FORMATS.items() if row[1] is None])
def test_a_password_that_is_not_needed_is_ignored(name: str) -> None:
    make, _, _ = FORMATS[name]
    assert load_key(make(MADE["P-256"]), "not needed") == MADE_KEY


@pytest.mark.parametrize("name", [name for name, row in FORMATS.items() if row[1]])
def test_a_wrong_password_is_told_apart_from_a_missing_one(name: str) -> None:
    source = FORMATS[name][0](MADE["P-256"])
    assert reason(source) == reason(source, "") == reason(source, b"") == "password_missing"
    for wrong in ("other", b"other", b"\xff", "\ud800", "x" * 5000):
        assert reason(source, wrong) == "wrong_password"
    assert load_key(source, PASSWORD.encode()) == MADE_KEY


def test_a_cipher_nobody_knows_is_not_called_a_wrong_password() -> None:
    text = traditional(MADE["P-256"], LOCK).decode().replace("AES-256-CBC", "ROT-13-CBC")
    assert reason(text, PASSWORD) in ("unsupported_encryption", "damaged_key")  # by version


SHORT_IVS = [("AES-128-CBC", 30), ("AES-256-CBC", 16), ("AES-192-CBC", 0), ("DES-EDE3-CBC", 14)]


def with_iv(cipher: str, digits: int, gap: str = " ") -> str:
    """A locked key whose initialisation vector has that many hexadecimal digits."""
    head, body = traditional(MADE["P-256"], LOCK).decode().split("DEK-Info: ")
    return f"{head}DEK-Info:{gap}{cipher},{'A' * digits}\n{body.partition(chr(10))[2]}"


@pytest.mark.parametrize(("cipher", "digits"), SHORT_IVS)
@pytest.mark.parametrize("gap", [" ", "", "\t  "])
def test_a_locked_key_with_a_short_initialisation_vector_is_damaged(
    cipher: str, digits: int, gap: str, capfd: Any
) -> None:
    text = with_iv(cipher, digits, gap)
    for source in (text, text.replace("\n", "\r\n"), text.encode("utf-16")):
        assert reason(source, PASSWORD) == reason(source) == "damaged_key"
    assert capfd.readouterr() == ("", "")  # where the library panics it writes a backtrace


def test_a_panic_of_the_library_is_an_error_and_a_wish_to_stop_is_none() -> None:
    load = serialization.load_pem_private_key
    with pytest.raises(ValueError):
        key_formats._without_panic(load, with_iv("AES-128-CBC", 30).encode(), PASSWORD.encode())
    for stop in (KeyboardInterrupt, SystemExit):
        with pytest.raises(stop):
            key_formats._without_panic(lambda error: (_ for _ in ()).throw(error), stop())


def test_no_such_file_and_a_directory_are_two_things(tmp_path: Any) -> None:
    assert reason(tmp_path / "none.pem") == reason(str(tmp_path / "none.pem")) == "no_such_file"
    (tmp_path / "file").write_bytes(b"")
    assert reason(tmp_path) == reason(str(tmp_path)) == "unreadable_file"
    assert reason(tmp_path / "file") == "not_a_key"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")
def test_a_file_below_a_file_is_no_file_and_an_endless_one_no_key(tmp_path: Any) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert reason(tmp_path / "file" / "key.pem") == "no_such_file"
    assert reason("/dev/zero") == "not_a_key"


@pytest.mark.skipif(
    sys.platform == "win32" or not hasattr(os, "geteuid") or os.geteuid() == 0,
    reason="root may read everything",
)
def test_a_file_one_may_not_read_is_unreadable(tmp_path: Any) -> None:
    path = tmp_path / "key.pem"
    path.write_text(MADE_PEM)
    path.chmod(0)
    assert reason(path) == "unreadable_file"


def test_the_home_directory_may_be_written_as_a_tilde(tmp_path: Any, monkeypatch: Any) -> None:
    (tmp_path / "key.pem").write_text(MADE_PEM)
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path))
    assert load_key("~/key.pem") == MADE_KEY


@pytest.mark.parametrize("text", ["a\0b", "a" * 100_000, "\0"])
def test_a_text_that_can_be_no_path_is_no_key_either(text: str) -> None:
    assert reason(text) in ("not_a_key", "no_such_file")  # Windows has no "name too long"


def test_key_text_that_was_taken_for_a_path_is_not_printed() -> None:
    text = base64.b64encode(private(MADE["Ed25519"], Encoding.DER, PrivateFormat.PKCS8)).decode()
    secret = jwk_of(MADE["Ed25519"])["d"]
    for source in (text, secret):
        with pytest.raises(KeyUnusable) as caught:
            load_key(source)
        assert source[-20:] not in str(caught.value)
        assert source[:20] not in str(caught.value)
    with pytest.raises(KeyUnusable, match=r"keys/client\.pem"):
        load_key("/no/such/directory/of/keys/client.pem")


SSH_PUBLIC = MADE["P-256"].public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
PUBLIC_JWK = {name: jwk_of(MADE["P-256"])[name] for name in ("kty", "crv", "x", "y")}
RUBBISH = {
    "nothing": b"",
    "white space": " \r\n ",
    "random": os.urandom(200),
    "HTML": "<!doctype html><html><body>404</body></html>",
    "HTML bytes": b"<html>\n</html>",
    "a JWT": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9.",
    "a long JWT": b"eyJhbGciOiJub25lIn0." + b"A" * 900 + b".AAAA",
    "prose": "this is\nmy key",
    "JSON without kty": "{}",
    "a JSON array": "[1, 2]",
    "broken JSON": '{"kty": "EC",',
    "deep JSON": "[" * 100_000,
    "kty that is no text": {"kty": ["EC"]},
    "keys that are no list": {"keys": {"kty": "EC"}},
    "a number": 42,
    "None": None,
    "a certificate request": "-----BEGIN CERTIFICATE REQUEST-----\nMA==\n"
    "-----END CERTIFICATE REQUEST-----",
    "DER cut off": private(MADE["P-256"], Encoding.DER, PrivateFormat.PKCS8)[:-9],
    "DER of something else": bytes.fromhex("3003020107"),
}
WRONG_SORT: dict[str, tuple[Any, str]] = {
    "public PEM": (public_pem(MADE["P-256"]), "public_key"),
    "public RSA PEM": (
        MADE["RSA"].public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1),
        "public_key",
    ),
    "public DER": (
        MADE["RSA"].public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "public_key",
    ),
    "public SSH": (SSH_PUBLIC, "public_key"),
    "public SSH text": (SSH_PUBLIC.decode() + " me@here", "public_key"),
    "public SSH2": ("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n", "public_key"),
    "public JWK": (PUBLIC_JWK, "public_key"),
    "public JWK text": (json.dumps(PUBLIC_JWK), "public_key"),
    "certificate": (certificate_of(MADE["P-256"]).public_bytes(Encoding.PEM), "certificate"),
    "certificate DER": (certificate_of(MADE["P-256"]).public_bytes(Encoding.DER), "certificate"),
    "oct JWK": ({"kty": "oct", "k": "c2VjcmV0"}, "symmetric_key"),
    "another kty": ({"kty": "AKP", "alg": "ML-DSA-44", "priv": "AA"}, "unsupported_key"),
    "DSA": (pkcs8(dsa.generate_private_key(1024)), "unsupported_key"),
    "RSA of 1024 bits": (pkcs8(SMALL_RSA), "rsa_too_small"),
    "RSA JWK of 1024 bits": (jwk_of(SMALL_RSA), "rsa_too_small"),
    "PKCS#12 without a key": (
        pkcs12.serialize_key_and_certificates(
            b"me", None, certificate_of(MADE["P-256"]), None, NoEncryption()
        ),
        "no_key",
    ),
    "PEM cut off": (MADE_PEM[:-40], "damaged_key"),
    "PEM with a part lost": (MADE_PEM.replace(MADE_PEM[60:80], ""), "damaged_key"),
    "OpenSSH with a part lost": (
        "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
        "damaged_key",
    ),
} | {
    f"{type(key).__name__} {getattr(getattr(key, 'curve', None), 'name', '')}": (
        pkcs8(key),
        "unsupported_curve",
    )
    for key in (
        ec.generate_private_key(ec.SECP256K1()),
        ec.generate_private_key(ec.SECP224R1()),
        ec.generate_private_key(ec.BrainpoolP256R1()),
        ed448.Ed448PrivateKey.generate(),
        x448.X448PrivateKey.generate(),
        x25519.X25519PrivateKey.generate(),
    )
}


@pytest.mark.parametrize("name", RUBBISH)
def test_rubbish_is_no_key(name: str) -> None:
    assert reason(RUBBISH[name]) == reason(RUBBISH[name], PASSWORD) == "not_a_key"


@pytest.mark.parametrize("name", WRONG_SORT)
def test_a_key_of_the_wrong_sort_is_called_by_its_name(name: str) -> None:
    source, expected = WRONG_SORT[name]
    assert reason(source) == reason(source, PASSWORD) == expected


EC_JWK, OTHER_JWK = jwk_of(MADE["P-256"]), jwk_of(ec.generate_private_key(ec.SECP256R1()))
OKP_JWK, RSA_JWK = jwk_of(MADE["Ed25519"]), jwk_of(MADE["RSA"])
LONG = base64url_encode(bytes(8) + base64url_decode(EC_JWK["d"]))
BAD_JWKS: dict[str, tuple[dict[str, Any], str]] = {
    "d of another key": (EC_JWK | {"d": OTHER_JWK["d"]}, "damaged_key"),
    "x and y of another key": (EC_JWK | {n: OTHER_JWK[n] for n in "xy"}, "damaged_key"),
    "a point off the curve": (EC_JWK | {"y": EC_JWK["x"]}, "damaged_key"),
    "a long d": (EC_JWK | {"d": LONG}, "damaged_key"),
    "a short x": (EC_JWK | {"x": EC_JWK["x"][:40]}, "damaged_key"),
    "d of zero": (EC_JWK | {"d": "A" * 43}, "damaged_key"),
    "no y": ({n: EC_JWK[n] for n in ("kty", "crv", "x", "d")}, "damaged_key"),
    "d that is a number": (EC_JWK | {"d": 5}, "damaged_key"),
    "an empty d": (EC_JWK | {"d": ""}, "damaged_key"),
    "padding": (EC_JWK | {"d": EC_JWK["d"] + "="}, "damaged_key"),
    "another curve's name": (EC_JWK | {"crv": "P-384"}, "damaged_key"),
    "OKP with another x": (
        OKP_JWK | {"x": jwk_of(ed25519.Ed25519PrivateKey.generate())["x"]},
        "damaged_key",
    ),
    "OKP with a short d": (OKP_JWK | {"d": OKP_JWK["d"][:20]}, "damaged_key"),
    "RSA with another prime": (RSA_JWK | {"p": RSA_JWK["q"]}, "damaged_key"),
    "RSA with an endless prime": (RSA_JWK | {"p": RSA_JWK["n"] + "AAAA" * 9999}, "damaged_key"),
    "RSA with d alone": ({n: RSA_JWK[n] for n in ("kty", "n", "e", "d")}, "damaged_key"),
    "RSA of 20000 bits": (RSA_JWK | {"n": base64url_encode(b"\xff" * 2500)}, "rsa_too_large"),
    "secp256k1": (EC_JWK | {"crv": "secp256k1"}, "unsupported_curve"),
    "Ed448": (OKP_JWK | {"crv": "Ed448"}, "unsupported_curve"),
    "X25519": (jwk_of(x25519.X25519PrivateKey.generate()), "unsupported_curve"),
    "Ed25519 as EC": (EC_JWK | {"crv": "Ed25519"}, "unsupported_curve"),
    "no curve": (EC_JWK | {"crv": None}, "unsupported_curve"),
    "a list of curves": (EC_JWK | {"crv": ["P-256"]}, "unsupported_curve"),
    "use enc": (EC_JWK | {"use": "enc"}, "not_for_signing"),
    "key_ops verify": (EC_JWK | {"key_ops": ["verify"]}, "not_for_signing"),
    "no key_ops": (EC_JWK | {"key_ops": []}, "not_for_signing"),
    "key_ops that is no list": (EC_JWK | {"key_ops": "sign"}, "not_for_signing"),
    "alg of another curve": (EC_JWK | {"alg": "ES384"}, "wrong_algorithm"),
    "alg of another kind": (EC_JWK | {"alg": "RS256"}, "wrong_algorithm"),
    "alg for encryption": (RSA_JWK | {"alg": "RSA-OAEP"}, "wrong_algorithm"),
    "alg that is no text": (EC_JWK | {"alg": ["ES256"]}, "wrong_algorithm"),
}


@pytest.mark.parametrize("name", BAD_JWKS)
def test_a_jwk_with_a_fault_is_told_which(name: str) -> None:
    jwk, expected = BAD_JWKS[name]
    assert reason(jwk) == reason(json.dumps(jwk)) == expected


def test_a_jwk_that_says_it_is_for_signing_is_believed() -> None:
    for said in ({"use": "sig"}, {"key_ops": ["sign", "verify"]}, {"alg": "ES256"}, {"use": None}):
        assert load_key(EC_JWK | said | {"ext": True, "kid": "1"}) == MADE_KEY


def test_a_jwk_set_gives_its_one_usable_key() -> None:
    others = [PUBLIC_JWK, {"kty": "oct", "k": "AA"}, 5, RSA_JWK | {"use": "enc"}]
    assert load_key({"keys": [*others, EC_JWK]}) == MADE_KEY
    assert load_key({"keys": [EC_JWK, RSA_JWK]}, alg="ES256") == MADE_KEY


def test_a_jwk_set_with_none_or_several_gives_nothing() -> None:
    assert reason({"keys": []}) == reason({"keys": [PUBLIC_JWK, 5]}) == "no_key"
    assert reason({"keys": [EC_JWK, RSA_JWK]}) == "several_keys"


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_key_made_for_an_algorithm_signs_with_it(alg: str) -> None:
    if alg[:2] in ("RS", "PS"):
        key = load_key(pkcs8(MADE["RSA"]), alg=alg)
    else:
        key = generate_key(alg)
    assert key.alg == alg
    exported = serialization.load_pem_private_key(key.to_pem().encode(), None)
    verify(exported, key.sign(b"octets"), b"octets", alg)


def test_generate_key_makes_rsa_of_2048_bits_unless_told() -> None:
    assert len(base64url_decode(generate_key("RS256").public_jwk()["n"])) == 256
    assert len(base64url_decode(generate_key("PS512", bits=2056).public_jwk()["n"])) == 257


@pytest.mark.parametrize(
    ("alg", "bits", "expected"),
    [
        ("HS256", 2048, "wrong_algorithm"),
        ("none", 2048, "wrong_algorithm"),
        ("es256", 2048, "wrong_algorithm"),
        ("ES256K", 2048, "wrong_algorithm"),
        ("RS256", 2047, "rsa_too_small"),
        ("RS256", 16385, "rsa_too_large"),
    ],
)
def test_generate_key_makes_nothing_that_could_not_be_loaded(
    alg: str, bits: int, expected: str
) -> None:
    with pytest.raises(KeyUnusable) as caught:
        generate_key(alg, bits=bits)
    assert caught.value.reason == expected


@pytest.mark.parametrize("kind", ALL)
def test_an_algorithm_that_does_not_fit_the_key_is_refused(kind: str) -> None:
    source = pkcs8(MADE[kind])
    fitting = {name for name, row in ALGORITHMS.items() if kind in row}
    for alg in ("ES256", "ES384", "ES512", "EdDSA", "Ed25519", "RS256", "HS256", "none", ""):
        if alg in fitting:
            assert load_key(source, alg=alg).alg == alg
        else:
            assert reason(source, alg=alg) == "wrong_algorithm"


def test_alg_goes_before_the_alg_of_the_jwk() -> None:
    assert load_key(RSA_JWK | {"alg": "RS384"}).alg == "RS384"
    assert load_key(RSA_JWK | {"alg": "RS384"}, alg="PS512").alg == "PS512"
    assert load_key(OKP_JWK | {"alg": "Ed25519"}).alg == "Ed25519"


@pytest.mark.parametrize("kind", ALL)
def test_the_public_half_has_the_members_of_the_rfc_and_no_other(kind: str) -> None:
    key = load_key(jwk_of(MADE[kind]) | {"kid": "1", "use": "sig", "x5t": "AA"})
    members = {"EC": ["kty", "crv", "x", "y"], "OKP": ["kty", "crv", "x"], "RSA": ["kty", "n", "e"]}
    assert list(key.public_jwk()) == members[key.kty]
    assert public_jwk(key) == key.public_jwk()
    assert key.public_jwk().items() <= jwk_of(MADE[kind].public_key()).items()
    key.public_jwk()["kty"] = "changed"
    assert key.public_jwk()["kty"] == key.kty


def test_coordinates_keep_their_leading_zeros() -> None:
    for number in range(1, 2000):
        key = ec.derive_private_key(number, ec.SECP256R1())
        if key.public_key().public_numbers().x >> 248 == 0:
            break
    loaded = load_key(pkcs8(key))
    assert [len(loaded.private_jwk()[name]) for name in ("x", "y", "d")] == [43, 43, 43]
    assert load_key(loaded.private_jwk()) == loaded
    verify(key, loaded.sign(b"octets"), b"octets", "ES256")


def test_a_modulus_with_a_leading_zero_comes_out_without() -> None:
    longer = base64url_encode(b"\0" + base64url_decode(RSA_JWK["n"]))
    assert load_key(RSA_JWK | {"n": longer}).public_jwk()["n"] == RSA_JWK["n"]


@pytest.mark.parametrize("kind", ALL)
def test_a_key_that_is_exported_by_name_comes_back(kind: str) -> None:
    key = loaded(kind)
    assert load_key(key.private_jwk()) == load_key(key.to_pem()) == key
    assert "ENCRYPTED" in key.to_pem(PASSWORD)
    assert load_key(key.to_pem(PASSWORD), PASSWORD) == key
    assert reason(key.to_pem(PASSWORD), "other") == "wrong_password"


def test_keys_are_equal_by_public_half_and_algorithm() -> None:
    assert {MADE_KEY, load_key(MADE_PEM)} == {MADE_KEY}
    assert MADE_KEY != generate_key()
    assert MADE_KEY != MADE_KEY.public_jwk()
    assert load_key(RSA_JWK, alg="RS256") != load_key(RSA_JWK, alg="PS256")


def test_a_key_says_what_it_is_and_that_it_hides_the_rest() -> None:
    assert repr(MADE_KEY) == "<PrivateKey ES256 (EC P-256), private members hidden>"
    assert str(load_key(RSA_JWK)) == "<PrivateKey PS256 (RSA 2048 bits), private members hidden>"
    assert (MADE_KEY.kty, MADE_KEY.crv) == ("EC", "P-256")
    assert (load_key(RSA_JWK).kty, load_key(RSA_JWK).crv) == ("RSA", None)


@dataclasses.dataclass
class Holder:
    key: PrivateKey


def secrets_of(key: PrivateKey) -> list[str]:
    jwk = key.private_jwk()
    private = [jwk[name] for name in jwk if name not in key.public_jwk()]
    numbers = [int.from_bytes(base64url_decode(member), "big") for member in private]
    return private + [f"{number:x}" for number in numbers] + [str(number) for number in numbers]


@pytest.mark.parametrize("kind", ALL)
def test_no_way_of_showing_a_key_shows_its_private_members(kind: str, caplog: Any) -> None:
    key = loaded(kind)
    logging.getLogger("keys").warning("%s %r", key, {"key": key})
    shown = [repr(key), str(key), f"{key}", f"{key!r:>90}", pprint.pformat([key])]
    shown += [repr(Holder(key)), repr(dataclasses.asdict(Holder(key))), caplog.text]
    shown += [str(key.public_jwk()), repr([getattr(key, name) for name in dir(key)])]
    for secret in secrets_of(key):
        assert not [text for text in shown if secret in text]


def test_a_key_is_no_mapping_no_sequence_and_has_no_dict() -> None:
    for take in (vars, dict, list, iter, len, json.dumps, dataclasses.asdict, bytes):
        with pytest.raises(TypeError):
            take(MADE_KEY)  # type: ignore[operator]
    with pytest.raises(TypeError):
        MADE_KEY["d"]  # type: ignore[index]
    assert not hasattr(MADE_KEY, "d")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_key_is_not_pickled(protocol: int) -> None:
    for value in (MADE_KEY, Holder(MADE_KEY), [MADE_KEY]):
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(value, protocol)
    with pytest.raises(TypeError):
        MADE_KEY.__reduce_ex__(protocol)
    with pytest.raises(TypeError):
        MADE_KEY.__getstate__()


def test_a_copy_of_a_key_is_the_key() -> None:
    assert copy.copy(MADE_KEY) is MADE_KEY
    assert copy.deepcopy(MADE_KEY) is MADE_KEY
    assert copy.deepcopy(Holder(MADE_KEY)).key is MADE_KEY
    assert dataclasses.asdict(Holder(MADE_KEY))["key"] is MADE_KEY


def test_a_key_never_changes() -> None:
    for name in ("alg", "kty", "_jwk", "note"):
        with pytest.raises(AttributeError):
            setattr(MADE_KEY, name, "ES384")
    with pytest.raises(AttributeError):
        del MADE_KEY.alg
    assert MADE_KEY.alg == "ES256"


def test_an_error_about_a_key_does_not_show_the_key() -> None:
    for name, (jwk, _) in BAD_JWKS.items():
        with pytest.raises(KeyUnusable) as caught:
            load_key(json.dumps(jwk))
        told = f"{caught.value!r} {vars(caught.value)}"
        for member in ("d", "p", "q"):
            value = jwk.get(member)
            assert not isinstance(value, str) or len(value) < 9 or value not in told, name
        assert caught.value.__cause__ is None


def test_every_reason_is_written_down_and_every_one_written_down_is_used() -> None:
    written = set(KeyUnusable.__doc__.split("`reason` is one of")[1].split("`")[1::2])
    assert set(errors._SAID) == written


any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
members = ("kty", "crv", "x", "y", "d", "n", "e", "p", "q", "dp", "dq", "qi", "use", "alg")
values = any_json | st.sampled_from(
    ["EC", "OKP", "RSA", "oct", "P-256", "Ed25519", "sig", "AQAB", EC_JWK["d"], EC_JWK["x"]]
)
jwk_like = st.dictionaries(st.sampled_from((*members, "key_ops", "keys")), values)


def only_key_unusable(source: Any, password: Any = None) -> None:
    try:
        load_key(source, password)
    except KeyUnusable:
        pass


@settings(max_examples=25, deadline=None)
@given(source=st.binary() | st.text(), password=st.none() | st.text() | st.binary())
def test_arbitrary_text_and_octets_raise_nothing_else(source: Any, password: Any) -> None:
    only_key_unusable(source, password)


@settings(max_examples=25, deadline=None)
@given(value=any_json | jwk_like | jwk_like.map(lambda jwk: {"keys": [jwk]}))
def test_arbitrary_json_raises_nothing_else(value: Any) -> None:
    only_key_unusable(json.dumps(value))
    only_key_unusable(value)


@settings(max_examples=25, deadline=None)
@given(change=st.dictionaries(st.sampled_from((*members, "key_ops")), values, max_size=3))
def test_a_jwk_with_arbitrary_changes_raises_nothing_else(change: dict[str, Any]) -> None:
    for jwk in (EC_JWK, OKP_JWK, RSA_JWK):
        only_key_unusable(jwk | change)


@pytest.mark.parametrize("name", [name for name in FORMATS if "JWK" not in name])
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_a_file_with_a_byte_changed_or_its_end_lost_raises_nothing_else(
    name: str, data: st.DataObject
) -> None:
    make, password, _ = FORMATS[name]
    octets = bytearray(make(MADE["P-256"]))
    at = data.draw(st.integers(0, len(octets) - 1))
    octets[at] = data.draw(st.integers(0, 255))
    only_key_unusable(bytes(octets), password)
    only_key_unusable(bytes(octets[:at]), password)
