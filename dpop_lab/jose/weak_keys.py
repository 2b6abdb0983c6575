"""Public keys under which anyone can sign: well-formed, and no proof of anything."""

P = 2**255 - 19  # of Ed25519


def ed25519_fault(octets: bytes) -> str | None:
    """What is wrong with the 32 octets of an Ed25519 public key, None when nothing is.

    A point must stand in its one spelling, with y below p (RFC 8032 section 5.1.3), and must not
    be one of the eight of small order: under those, signatures that take no private key are good
    for many texts or for all. Not asked is whether the point lies on the curve (nothing verifies
    where it does not), nor whether it has a part of small order beside a large one: such a key
    still takes its secret to sign with, and RFC 8032 allows it.
    """
    y = int.from_bytes(octets, "little") % 2**255  # the topmost bit is the sign of x
    if y >= P:
        return "x is another spelling of its point: y is 2^255 - 19 or more"
    # y = 1 has order 1, y = -1 has order 2, y = 0 has order 4. The double of a point of order 8
    # has y = 0, which means x^2 = -y^2. Put into the curve's equation that is d y^4 + 2 y^2 = 1,
    # with d = -121665/121666. Where x is 0, y is 1 or -1: so "minus 0" is refused here, too.
    if y * (y**2 - 1) * (121665 * y**4 - 243332 * y**2 + 121666) % P == 0:
        return "x is a point of small order: a signature under it takes no private key"
    return None


def rsa_fault(n: bytes, e: bytes) -> str | None:
    """What is wrong with the public exponent of an RSA key, None when nothing is.

    Under e = 1 the padded message is its own signature, and so it is under any e that is 1 plus a
    multiple of the group's order. Below 2^64 (OpenSSL's own bound for large keys) an e is quick to
    try. Not asked is whether n is hard to factor: whoever makes a key knows best.
    """
    modulus, exponent = int.from_bytes(n), int.from_bytes(e)
    if exponent < 3 or exponent % 2 == 0 or exponent >= 2**64:
        return "e is not an odd number from 3 up to 2^64"
    if pow(2, exponent, modulus) == 2:
        return "to raise to e changes nothing: a signature under it takes no private key"
    return None
