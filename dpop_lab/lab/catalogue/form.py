"""Changes of how a proof is written: its parts, its base64url, its JSON, its JSON types."""

from dpop_lab.lab.catalogue.change import (
    MIDDLE,
    WITH_FORM,
    WITH_NONCE,
    WITH_TOKEN,
    Change,
)
from dpop_lab.lab.catalogue.spelling import (
    after,
    followed_by,
    in_parts,
    padded,
    said_after,
    said_before,
    standard,
    with_blanks,
    with_other_spare_bits,
)

MALFORMED = "Another way of being unreadable: what a client sends that builds JWTs by hand."
SPELLING = "One proof in two spellings: a memory of proofs kept by their text would not notice."
TYPES = "Another claim in another JSON type, each read by code of its own."

FORM = (
    Change(
        "two_parts", "Leaves out the signature and its dot.", "RFC 7515 §3.1",
        spelling={"whole": in_parts(2)},
    ),
    Change(
        "five_parts", "Has five parts between dots, as an encrypted token has.",
        "RFC 7516 §3.1", spelling={"whole": in_parts(5)},
    ),
    Change(
        "jwe_header", "Has five parts, and a header that says it is encrypted.",
        "RFC 7516 §4.1",
        header={"alg": "RSA-OAEP", "enc": "A256GCM"}, spelling={"whole": in_parts(5)},
    ),
    Change(
        "not_base64url", "Puts a character into the claims that base64url does not have.",
        "RFC 7515 §2", worth=MALFORMED, spelling={"claims": followed_by("!")},
    ),
    Change(
        "not_json", "Encodes claims that are no JSON.", "RFC 7519 §7.2", worth=MALFORMED,
        spelling={"claims text": lambda text: text.replace(":", "=")},
    ),
    Change(
        "not_an_object", "Encodes claims that are an array.", "RFC 7519 §7.2",
        worth=MALFORMED, spelling={"claims text": lambda text: f"[{text}]"},
    ),
    Change(
        "too_long", "Adds a member that makes the proof longer than 4000 characters.",
        "RFC 9449 §4.2", claims={"pad": "p" * 4000},
    ),
    Change(
        "padding", "Writes header and claims with the padding = of ordinary base64.",
        "RFC 7515 §2", worth=SPELLING, spelling={
            "header text": followed_by(" "), "header": padded, "claims text": followed_by(" "),
            "claims": lambda text: padded(text) if len(text) % 4 else text,
        },
    ),
    Change(
        "signature_padding", "Adds the padding == behind the signature.", "RFC 7515 §2", by=MIDDLE,
        worth="The same for who has no key: the signature does not cover itself.",
        spelling={"whole": followed_by("==")},
    ),
    Change(
        "spare_bits", "Changes the last character of the signature in bits that carry nothing.",
        "RFC 4648 §3.5", by=MIDDLE,
        worth="A trap for tests that spoil the last character: most libraries pass it over.",
        spelling={"whole": with_other_spare_bits},
    ),
    Change(
        "standard_alphabet", "Writes base64 with + and / in place of - and _.",
        "RFC 7515 §2", worth=MALFORMED,
        claims={"pad": "?~?~?~?~?~?~"}, spelling={"claims": standard},
    ),
    Change(
        "white_space", "Breaks the line in the middle of the claims.", "RFC 7515 §2",
        worth=MALFORMED, spelling={"claims": lambda text: f"{text[:40]} {text[40:]}"},
    ),
    Change(
        "byte_order_mark", "Begins the claims with a byte order mark.", "RFC 8259 §8.1",
        worth=MALFORMED, spelling={"claims text": after("\ufeff")},
    ),
    Change(
        "blanks", "Writes the JSON with blanks between its members.", "RFC 7515 §5.1",
        worth="Harmless: what is signed is the text, so nobody has to agree on one form of JSON.",
        spelling={"header text": with_blanks, "claims text": with_blanks},
    ),
    Change(
        "unknown_claim", "Adds a claim that no RFC knows.", "RFC 9449 §4.2",
        worth="Harmless: RFC 9449 lets a proof hold more.", claims={"mood": "fine"},
    ),
    Change(
        "duplicate_first", "Says htm twice: first DELETE, then the truth.", "RFC 7519 §4",
        worth="Which of the two counts? Where they are taken, the last does.",
        spelling={"claims text": said_before("htm", '"DELETE"')},
    ),
    Change(
        "duplicate_last", "Says htm twice: first the truth, then DELETE.", "RFC 7519 §4",
        spelling={"claims text": said_after("htm", '"DELETE"')},
    ),
    Change(
        "text_after_header", "Writes more behind the JSON object of the header.",
        "RFC 8259 §2", worth=SPELLING, spelling={"header text": followed_by(" and more")},
    ),
    Change(
        "unknown_crit", "Marks an extension as critical that nobody knows.",
        "RFC 7515 §4.1.11", worth="Who does not know it must refuse, and here one does not.",
        header={"crit": ["http://example.com/x"], "http://example.com/x": True},
    ),
    Change(
        "b64_false", "Says the payload is not encoded, and encodes it all the same.",
        "RFC 7797 §3", worth="A real extension, and a proof that means two things.",
        header={"b64": False, "crit": ["b64"]},
    ),
    Change(
        "iat_as_text", "Writes iat as a string of digits.", "RFC 7519 §2", worth=TYPES,
        claims={"iat": str},
    ),
    Change(
        "iat_with_fraction", "Writes iat with a fraction, as time.time() gives it.",
        "RFC 7519 §2", worth="Allowed: NumericDate may have a fraction.",
        claims={"iat": lambda iat: iat + 0.25},
    ),
    Change(
        "iat_as_word", "Writes a date into iat that people can read.", "RFC 7519 §2",
        worth="It is the form that is refused, before anybody looks at a clock.",
        claims={"iat": "2026-11-25T08:00:00Z"},
    ),
    Change(
        "iat_true", "Puts true into iat, which some languages take for 1.", "RFC 7519 §2",
        worth=TYPES, claims={"iat": True},
    ),
    Change(
        "iat_not_a_number", "Puts NaN into iat, which is no JSON.", "RFC 8259 §6",
        worth=MALFORMED, claims={"iat": float("nan")},
    ),
    Change(
        "jti_as_number", "Writes jti as a number.", "RFC 9449 §4.2", worth=TYPES,
        claims={"jti": 7},
    ),
    Change(
        "kid_as_number", "Adds a kid to the header that is a number.", "RFC 7515 §4.1.4",
        worth="A member a proof does not need: one server reads it all the same, and chokes.",
        header={"kid": 7},
    ),
    Change(
        "exp_as_word", "Adds an exp claim that is a word.", "RFC 7519 §4.1.4",
        worth="The same in the claims: exp has no meaning in a proof.",
        claims={"exp": "soon"},
    ),
    Change(
        "exp_over", "Adds exp, nbf, iss, aud and sub, all of them wrong.", "RFC 9449 §4.2",
        worth="Harmless: a proof's age is iat, whoever made it is the jwk.",
        claims={"exp": 1, "nbf": 9999999999, "iss": "me", "aud": "nobody", "sub": "you"},
    ),
    Change(
        "htm_in_array", "Writes htm as an array of one.", "RFC 9449 §4.2", worth=TYPES,
        claims={"htm": lambda htm: [htm]},
    ),
    Change(
        "htu_in_array", "Writes htu as an array of one.", "RFC 9449 §4.2", worth=TYPES,
        claims={"htu": lambda htu: [htu]},
    ),
    Change(
        "ath_in_array", "Writes ath as an array of one.", "RFC 9449 §4.2",
        places=WITH_TOKEN, worth=TYPES, claims={"ath": lambda ath: [ath]},
    ),
    Change(
        "ath_unasked", "Adds an ath where no access token goes with the proof.",
        "RFC 9449 §4.2", places=WITH_FORM, worth="Harmless: nobody asks for it there.",
        claims={"ath": "none"},
    ),
    Change(
        "nonce_in_array", "Writes the nonce as an array of one.", "RFC 9449 §4.2",
        places=WITH_NONCE, worth=TYPES, claims={"nonce": lambda nonce: [nonce]},
    ),
    Change(
        "nonce_as_number", "Writes a number as the nonce.", "RFC 9449 §4.2",
        places=WITH_NONCE, claims={"nonce": 7},
    ),
)  # fmt: skip
