"""Changes of a proof's header and signature: what it is, how it is signed, with which key."""

from dpop_lab.lab.catalogue.change import CATCHER, LEFT_OUT, MIDDLE, Change
from dpop_lab.lab.catalogue.spelling import (
    flipped,
    in_der,
    shortened,
    swapped,
    with_last_character_changed,
    with_the_other_s,
    zeros,
)

OTHER_TYPE = "Another value: the comparison is exact, and each of these was seen in the wild."
HONEST_KEY = "Honest: an algorithm that is fine here. Some client libraries say otherwise."
FORGED = "Another way to fail one check: a verifier must survive each of them, not only one."
NO_KEY = "Another way of giving no key: each falls over at another place in careless code."
SPARE_MEMBER = "A member beyond those of the key itself, which tells what the key is for."
RANDOM = "pVIGCWrDfQJqPQ6R8DBn8Gq3nLSo6LbfDZ0gzZ0xH3g"  # stands for a private member, and is none
P256_POINT = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"  # an x of RFC 7515 appendix A.3

HEADER = (
    Change(
        "typ_jwt", "Calls it a JWT.", "RFC 9449 §4.3 (4)",
        header={"typ": "JWT"},
    ),
    Change(
        "typ_missing", "Leaves typ out.", "RFC 9449 §4.3 (4)", worth=OTHER_TYPE,
        header={"typ": LEFT_OUT},
    ),
    Change(
        "typ_in_capitals", "Writes typ as DPoP+JWT.", "RFC 7515 §4.1.9",
        worth="Media types know no letter case, typ here does.",
        header={"typ": "DPoP+JWT"},
    ),
    Change(
        "typ_access_token", "Calls it an access token.", "RFC 9068 §2.1",
        worth=OTHER_TYPE, header={"typ": "at+jwt"},
    ),
    Change(
        "alg_none", "Says alg none, and does not sign.", "RFC 8725 §3.1", by=CATCHER,
        header={"alg": "none"},
    ),
    Change(
        "alg_none_signed", "Says alg none, and leaves the honest signature.",
        "RFC 8725 §3.1", by=MIDDLE,
        worth="Whoever believes alg never looks at the signature that is there.",
        header={"alg": "none"}, sign_again=False,
    ),
    Change(
        "alg_hs256", "Says HS256, with the public key for the shared secret.",
        "RFC 8725 §3.1", by=CATCHER,
        worth="The other classic: a key that stands in the header is no secret.",
        header={"alg": "HS256"}, shows="owner",
    ),
    Change(
        "alg_missing", "Leaves alg out.", "RFC 7515 §4.1.1",
        worth="There is no default to fall back to.", header={"alg": LEFT_OUT},
    ),
    Change(
        "alg_in_small_letters", "Writes es256.", "RFC 7518 §3.1",
        worth="Names of algorithms know letter case.", header={"alg": "es256"},
    ),
    Change(
        "alg_of_another_kind", "Says RS256 over an elliptic key.", "RFC 7518 §3.3",
        header={"alg": "RS256"},
    ),
    Change(
        "es384_with_p256", "Signs with a P-256 key and the hash of ES384, and says so.",
        "RFC 7518 §3.4", header={"alg": "ES384"},
    ),
    Change(
        "es256_with_p384", "Signs with a P-384 key and the hash of ES256, and says so.",
        "RFC 7518 §3.4", worth="The same the other way round: a short hash on a long curve.",
        key="ES384", header={"alg": "ES256"},
    ),
    Change(
        "es384", "Uses a P-384 key with ES384.", "RFC 7518 §3.4", worth=HONEST_KEY,
        key="ES384",
    ),
    Change(
        "es512", "Uses a P-521 key with ES512.", "RFC 7518 §3.4", worth=HONEST_KEY,
        key="ES512",
    ),
    Change(
        "rs256", "Uses an RSA key with RS256.", "RFC 7518 §3.3", worth=HONEST_KEY,
        key="RS256",
    ),
    Change(
        "ps256", "Uses an RSA key with PS256.", "RFC 7518 §3.5", worth=HONEST_KEY,
        key="PS256",
    ),
    Change("eddsa", "Uses an Ed25519 key with EdDSA.", "RFC 8037 §3.1", key="EdDSA"),
    Change(
        "rsa_1024", "Uses an RSA key of 1024 bits.", "RFC 7518 §3.3",
        worth="Both the RFC and every adviser forbid so small a key.", key="RSA of 1024 bits",
    ),
    Change(
        "jwk_missing", "Leaves jwk out.", "RFC 9449 §4.3 (6)",
        header={"jwk": LEFT_OUT},
    ),
    Change(
        "kid_for_jwk", "Names the key with kid instead of showing it.", "RFC 9449 §4.2",
        worth=NO_KEY, header={"jwk": LEFT_OUT, "kid": "my key"},
    ),
    Change(
        "jwk_as_text", "Puts the jwk in as a string.", "RFC 7515 §4.1.3", worth=NO_KEY,
        header={"jwk": lambda jwk: str(jwk)},
    ),
    Change(
        "jwk_null", "Puts null for the jwk.", "RFC 7515 §4.1.3",
        worth="The real server falls over with a 500 here; the twin does not.",
        header={"jwk": None},
    ),
    Change(
        "jwk_without_y", "Leaves y out of the jwk.", "RFC 7518 §6.2.1",
        worth="The real server falls over with a 500 here, too.", jwk={"y": LEFT_OUT},
    ),
    Change(
        "jwk_symmetric", "Shows a shared secret for a key.", "RFC 9449 §4.3 (5)",
        worth="Who can verify with it can sign with it, and it stands there for all to read.",
        header={"jwk": {"kty": "oct", "k": RANDOM}},
    ),
    Change(
        "jwk_off_the_curve", "Shows a point that does not lie on the curve.",
        "RFC 7518 §6.2.1", worth=FORGED, jwk={"y": P256_POINT},
    ),
    Change(
        "jwk_padded", "Writes x of the jwk with padding.", "RFC 7518 §6.2.1.2",
        worth="The key is the same, its thumbprint is another: bound_key sees that at an API.",
        jwk={"x": lambda x: x + "="},
    ),
    Change(
        "jwk_in_capitals", "Writes KTY for kty in the jwk.", "RFC 7517 §4",
        worth="Names of members know letter case, one server does not.",
        jwk={"kty": LEFT_OUT, "KTY": "EC"},
    ),
    Change(
        "jwk_with_kid", "Adds kid and ext to the jwk.", "RFC 7517 §4.5",
        worth="Harmless: neither is part of the thumbprint.",
        jwk={"kid": "my key", "ext": True},
    ),
    Change(
        "jwk_for_another_alg", "Adds to the jwk that it is for ES384.", "RFC 7517 §4.4",
        worth=SPARE_MEMBER, jwk={"alg": "ES384"},
    ),
    Change(
        "jwk_for_encryption", "Adds to the jwk that it is for encryption.", "RFC 7517 §4.2",
        worth=SPARE_MEMBER, jwk={"use": "enc"},
    ),
    Change(
        "jwk_not_for_verifying", "Adds to the jwk that it is for signing alone.",
        "RFC 7517 §4.3", worth=SPARE_MEMBER, jwk={"key_ops": ["sign"]},
    ),
    Change(
        "private_member", "Adds a private member d to the jwk (here random characters).",
        "RFC 9449 §4.3 (7)", jwk={"d": RANDOM},
    ),
    Change(
        "private_member_empty", "Adds a private member d that is empty.",
        "RFC 9449 §4.3 (7)", worth="Is a member there that says nothing? Here it is.",
        jwk={"d": ""},
    ),
    Change(
        "private_rsa", "Adds all six private members to an RSA jwk (random, too).",
        "RFC 9449 §4.3 (7)", worth="The same with the other kind of key.", key="RS256",
        jwk=dict.fromkeys(("d", "p", "q", "dp", "dq", "qi"), RANDOM),
    ),
    Change(
        "private_rsa_d", "Adds the private member d to an RSA jwk, and no other.",
        "RFC 9449 §4.3 (7)", worth="d is all it takes to sign, and one server lets it pass.",
        key="RS256", jwk={"d": RANDOM},
    ),
    Change(
        "not_signed_again", "Changes the jti, and leaves the honest signature.",
        "RFC 9449 §4.3 (6)", by=MIDDLE,
        claims={"jti": lambda jti: f"{jti}-2"}, sign_again=False,
    ),
    Change(
        "others_key_shown", "Signs with the thief's key, and shows the owner's.",
        "RFC 9449 §4.3 (6)", by=CATCHER,
        worth="The forger's proof: the right key shown, the wrong one used.",
        signed_by="thief", shows="owner",
    ),
    Change(
        "signature_empty", "Shows the owner's key, and does not sign.", "RFC 7515 §5.2", by=CATCHER,
        worth=FORGED, signed_by="nobody",
    ),
    Change(
        "signature_of_zeros", "Puts zeros for r and s.", "RFC 7518 §3.4", by=CATCHER,
        worth="Java 15 to 18 took these for good, whatever was signed.",
        spelling={"signature": zeros},
    ),
    Change(
        "signature_in_der", "Leaves the signature in DER, as most libraries give it.",
        "RFC 7518 §3.4", worth="The commonest mistake of who signs by hand.",
        spelling={"signature": in_der},
    ),
    Change(
        "signature_flipped", "Turns over the first bit of the signature.",
        "RFC 7515 §5.2", by=MIDDLE, worth=FORGED, spelling={"signature": flipped},
    ),
    Change(
        "signature_last_character", "Changes the last character of the signature.",
        "RFC 4648 §3.5", by=MIDDLE, worth="The same character as in spare_bits, another bit of it.",
        spelling={"whole": with_last_character_changed},
    ),
    Change(
        "signature_shortened", "Leaves out the last octet of the signature.",
        "RFC 7518 §3.4", by=MIDDLE, worth=FORGED, spelling={"signature": shortened},
    ),
    Change(
        "signature_swapped", "Puts s before r.", "RFC 7518 §3.4", by=MIDDLE, worth=FORGED,
        spelling={"signature": swapped},
    ),
    Change(
        "other_s", "Replaces s by n - s: another signature, as good, made without a key.",
        "RFC 7518 §3.4", by=MIDDLE,
        worth="Harmless alone; who remembers signatures to find replays is lost.",
        spelling={"whole": with_the_other_s},
    ),
)  # fmt: skip
