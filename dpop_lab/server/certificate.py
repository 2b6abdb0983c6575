"""A self-signed certificate around the signing key, because a JWKS of this kind shows one."""

import base64
import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from dpop_lab.jose.encoding import base64url_encode
from dpop_lab.jose.keys import PrivateKey

BEGIN = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
END = datetime.datetime(2046, 1, 1, tzinfo=datetime.UTC)


def self_signed(key: PrivateKey, issuer: str) -> tuple[str, str]:
    """The certificate's SHA-1 as base64url (`x5t`) and its DER as base64 (one entry of `x5c`).

    Nobody validates the certificate: access tokens are verified with the bare key (RFC 7517 4.7).
    """
    private = serialization.load_pem_private_key(key.to_pem().encode(), None)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise TypeError("a signing key is an RSA key")
    # a common name has room for 64 characters
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer[:64])])
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    certificate = (
        x509.CertificateBuilder(
            issuer_name=name, subject_name=name, public_key=private.public_key()
        )
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGIN)
        .not_valid_after(END)
        .add_extension(usage, critical=False)
        .sign(private, hashes.SHA256())
    )
    der = certificate.public_bytes(serialization.Encoding.DER)
    fingerprint = certificate.fingerprint(hashes.SHA1())  # noqa: S303  x5t is SHA-1 by definition
    return base64url_encode(fingerprint), base64.b64encode(der).decode("ascii")
