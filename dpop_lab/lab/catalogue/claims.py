"""Changes of a proof's claims: which request, which access token, when, once."""

from collections.abc import Callable

from dpop_lab.lab.catalogue.change import (
    API,
    LEFT_OUT,
    TOKEN_ENDPOINT,
    WITH_NONCE,
    WITH_TOKEN,
    Change,
    FromNow,
    Members,
)
from dpop_lab.lab.catalogue.spelling import followed_by, padded, url_with
from dpop_lab.proof import access_token_hash

SAME_URL = "Harmless: the same URL after normalisation (RFC 3986 section 6.2)."
OTHER_URL = "Another part of the URL: each has its own mistake behind it, often a proxy."
BY_HAND = "Another mistake of who computes the hash by hand."
NO_TIME = "A time, and a long time ago: what a clock says that was never set."


def _htu(**parts: Callable[[str], str] | str) -> Members:
    return {"htu": url_with(**parts)}


def _other_scheme(scheme: str) -> str:
    return "http" if scheme == "https" else "https"


def _iat(seconds: int) -> Members:
    return {"iat": FromNow(seconds)}


CLAIMS = (
    Change(
        "jti_missing", "Leaves jti out.", "RFC 9449 §4.3 (3)",
        claims={"jti": LEFT_OUT},
    ),
    Change(
        "jti_empty", "Puts an empty string into jti.", "RFC 9449 §4.2",
        claims={"jti": ""},
    ),
    Change(
        "jti_empty_twice", "Puts an empty string into jti, and does so in two proofs.",
        "RFC 9449 §4.2", worth="Where it is taken, it is remembered: once, for everybody.",
        first="jti_empty", claims={"jti": ""},
    ),
    Change(
        "jti_null", "Puts null into jti.", "RFC 9449 §4.2",
        worth="To one server null is an empty string, to the other no string at all.",
        claims={"jti": None},
    ),
    Change(
        "jti_blank", "Puts a single blank into jti.", "RFC 9449 §4.2",
        worth="Taken: a string that is not empty, unique or not.", claims={"jti": " "},
    ),
    Change(
        "htm_delete", "Says DELETE in htm.", "RFC 9449 §4.3 (8)",
        claims={"htm": "DELETE"},
    ),
    Change(
        "htm_in_small_letters", "Writes htm in small letters.", "RFC 9110 §9.1",
        worth="Methods know letter case.", claims={"htm": str.lower},
    ),
    Change(
        "htm_missing", "Leaves htm out.", "RFC 9449 §4.3 (3)",
        worth="A claim that is not there is not a claim that fits.",
        claims={"htm": LEFT_OUT},
    ),
    Change(
        "htu_of_the_thief", "Names another host in htu.", "RFC 9449 §4.3 (9)",
        claims=_htu(netloc="mallory.example"),
    ),
    Change(
        "htu_with_other_path", "Names another path of the host in htu.",
        "RFC 9449 §4.3 (9)", worth=OTHER_URL, claims={"htu": followed_by("/other")},
    ),
    Change(
        "htu_with_slash", "Adds a slash to htu.", "RFC 3986 §6.2.3", worth=OTHER_URL,
        claims={"htu": followed_by("/")},
    ),
    Change(
        "htu_with_http", "Writes http for https in htu, as a server behind a proxy sees it.",
        "RFC 9449 §4.3 (9)", worth=OTHER_URL, claims=_htu(scheme=_other_scheme),
    ),
    Change(
        "htu_with_port", "Names another port in htu.", "RFC 3986 §6.2.3", worth=OTHER_URL,
        claims=_htu(netloc=lambda netloc: f"{netloc.partition(':')[0]}:8443"),
    ),
    Change(
        "htu_relative", "Writes only the path into htu.", "RFC 9449 §4.2", worth=OTHER_URL,
        claims=_htu(scheme="", netloc=""),
    ),
    Change(
        "htu_missing", "Leaves htu out.", "RFC 9449 §4.3 (3)", worth=OTHER_URL,
        claims={"htu": LEFT_OUT},
    ),
    Change(
        "htu_with_query", "Adds a query and a fragment to htu.", "RFC 9449 §4.2",
        worth="They should not be there, and are passed over where they are.",
        claims={"htu": followed_by("?x=1#top")},
    ),
    Change(
        "htu_host_in_capitals", "Writes the host in capitals in htu.", "RFC 3986 §6.2.2.1",
        worth=SAME_URL, claims=_htu(netloc=str.upper),
    ),
    Change(
        "htu_with_default_port", "Adds the port 443 to htu.", "RFC 3986 §6.2.3",
        worth=SAME_URL,
        claims=_htu(netloc=lambda netloc: netloc if ":" in netloc else f"{netloc}:443"),
    ),
    Change(
        "htu_with_dots", "Adds a /./ to the path in htu.", "RFC 3986 §6.2.2.3",
        worth=SAME_URL, claims=_htu(path=lambda path: f"/.{path}"),
    ),
    Change(
        "htu_percent_encoded", "Writes a letter of the path as %74 in htu.",
        "RFC 3986 §6.2.2.2", worth=SAME_URL,
        claims=_htu(path=lambda path: path.replace("t", "%74", 1)),
    ),
    Change(
        "htu_path_in_capitals", "Writes the path in capitals in htu.",
        "RFC 3986 §6.2.2.1", claims=_htu(path=str.upper),
    ),
    Change(
        "htu_with_user", "Adds a user name to htu.", "RFC 3986 §3.2.1",
        worth="What looks like the host is the user: a trick known from phishing.",
        claims=_htu(netloc=lambda netloc: f"mallory.example@{netloc}"),
    ),
    Change(
        "htu_with_backslashes", "Writes backslashes for slashes in htu.", "RFC 3986 §3.3",
        worth="A browser and some libraries repair it, an RFC does not.",
        claims={"htu": lambda htu: htu.replace("/", "\\")},
    ),
    Change(
        "ath_missing", "Leaves ath out.", "RFC 9449 §4.3 (12)", places=WITH_TOKEN,
        claims={"ath": LEFT_OUT},
    ),
    Change(
        "ath_of_another", "Is a proof for another access token.", "RFC 9449 §4.3 (12)",
        places=WITH_TOKEN, worth="The swap that ath is there for.",
        claims={"ath": access_token_hash("another access token")},
    ),
    Change(
        "ath_with_padding", "Writes ath with the padding =.", "RFC 9449 §4.2",
        places=WITH_TOKEN, worth=BY_HAND, claims={"ath": padded},
    ),
    Change(
        "ath_of_nothing", "Puts the hash of an empty text into ath.", "RFC 9449 §4.2",
        places=WITH_TOKEN, worth=BY_HAND, claims={"ath": access_token_hash("")},
    ),
    Change(
        "iat_missing", "Leaves iat out.", "RFC 9449 §4.3 (11)",
        claims={"iat": LEFT_OUT},
    ),
    Change(
        "iat_45_s_ago", "Is a proof made 45 seconds ago.", "RFC 9449 §11.1",
        claims=_iat(-45),
    ),
    Change(
        "iat_200_s_ago", "Is a proof made 200 seconds ago.", "RFC 9449 §11.1",
        claims=_iat(-200),
    ),
    Change(
        "iat_an_hour_ago", "Is a proof made an hour ago.", "RFC 9449 §11.1",
        worth="As any proof from a log file, or from a clock that was never set.",
        claims=_iat(-3600),
    ),
    Change(
        "iat_18_s_ahead", "Is a proof of a client whose clock is 18 seconds ahead.",
        "RFC 9449 §11.1", worth="How far a clock may go wrong differs from server to server.",
        claims=_iat(18),
    ),
    Change(
        "iat_200_s_ahead", "Is a proof made for 200 seconds from now.", "RFC 9449 §11.2",
        worth="Made ahead by somebody who had the key for a moment.", claims=_iat(200),
    ),
    Change(
        "iat_an_hour_ahead", "Is a proof made for an hour from now.", "RFC 9449 §11.2",
        worth="The same, and too far wherever iat tells the age.", claims=_iat(3600),
    ),
    Change(
        "iat_in_milliseconds", "Writes iat in milliseconds.", "RFC 7519 §2",
        worth="What JavaScript's Date.now() gives: the year 58,000.",
        claims={"iat": lambda iat: iat * 1000},
    ),
    Change(
        "iat_zero", "Puts 0 into iat.", "RFC 7519 §2", worth=NO_TIME,
        claims={"iat": 0},
    ),
    Change(
        "nonce_missing", "Leaves the nonce out.", "RFC 9449 §4.3 (10)", places=WITH_NONCE,
        claims={"nonce": LEFT_OUT},
    ),
    Change(
        "nonce_blank", "Puts a blank for the nonce.", "RFC 9449 §8", places=WITH_NONCE,
        worth="Blank counts as missing.", claims={"nonce": " "},
    ),
    Change(
        "nonce_made_up", "Makes up a nonce.", "RFC 9449 §8", places=WITH_NONCE,
        claims={"nonce": "made up"},
    ),
    Change(
        "nonce_of_the_other", "Brings the nonce of the other server.", "RFC 9449 §9",
        places=WITH_NONCE, others_nonce=True,
        worth="The mistake of a client that keeps one nonce for everybody.",
    ),
    Change(
        "nonce_of_90_s", "Brings a nonce given out 90 seconds ago.", "RFC 9449 §8",
        places=WITH_NONCE, nonce_age=90,
    ),
    Change(
        "nonce_of_an_hour", "Brings a nonce given out an hour ago.", "RFC 9449 §8",
        places=WITH_NONCE, nonce_age=3600,
        worth="Outdated everywhere; the answer brings the next one.",
    ),
    Change(
        "nonce_and_old_iat", "Brings a good nonce in a proof with an old iat.",
        "RFC 9449 §11.1", places=WITH_NONCE, claims=_iat(-3600),
        worth="Where a nonce tells the age, who looks at iat?",
    ),
    Change(
        "nonce_unasked", "Brings a nonce where nobody wants one.", "RFC 9449 §8",
        places=(API, TOKEN_ENDPOINT), worth="Harmless: a claim more.",
        claims={"nonce": "made up"},
    ),
)  # fmt: skip
