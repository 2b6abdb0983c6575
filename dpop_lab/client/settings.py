"""The client's settings, read with care: keywords, the sample's JSON, environment variables."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypedDict
from urllib.parse import urlsplit

from dpop_lab.client.credentials import CLIENT_AUTH, fitting
from dpop_lab.errors import SettingsError
from dpop_lab.jose.encoding import from_json
from dpop_lab.jose.key_formats import load_key
from dpop_lab.jose.keys import PrivateKey

PREFIX = "DPOP_LAB_"
ALTERNATIVES = (("issuer", "token_endpoint"), ("client_secret", "client_key"))
Source = str | os.PathLike[str] | Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Who the client is, where it gets tokens, for what, and what it calls; no secret is shown.

    `client_auth` is a way in `CLIENT_AUTH`, `client_key` what private_key_jwt signs with and
    `client_key_id` its kid. `api` is the URL of a protected resource.
    """

    client_id: str
    issuer: str | None = None
    token_endpoint: str | None = None
    scope: str | None = None
    api: str | None = None
    client_auth: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    client_key: PrivateKey | None = None
    client_key_id: str | None = None
    assertion_audience: str | None = None


class Members(TypedDict, total=False):
    """The members of `Settings` that are text, as keywords; None is not given."""

    client_id: str | None
    issuer: str | None
    token_endpoint: str | None
    scope: str | None
    api: str | None
    client_auth: str | None
    client_secret: str | None
    client_key_id: str | None
    assertion_audience: str | None


NAMES = tuple(one.name for one in fields(Settings))


def members(settings: Settings) -> dict[str, Any]:
    """The members that are set, as `read_settings` takes them; the secrets among them."""
    values = {name: getattr(settings, name) for name in NAMES}
    return {name: value for name, value in values.items() if value is not None}


def read_settings(
    source: Source,
    *,
    given: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Settings from JSON text, from the path of a JSON file, or from a mapping.

    Text that begins with a bracket or a quote is JSON, other text is a path. The members are those
    of `Settings`: client_id, one of issuer and token_endpoint, one of client_secret and client_key
    (a path, or what else `load_key` takes) unless client_auth is none. What is `given` (None is not
    given) goes before a member of the source, and that before a variable of the `environment`
    such as DPOP_LAB_CLIENT_ID (DPOP_LAB_CLIENT_KEY_PASSWORD is for client_key); where two exclude
    each other, the one that goes before drops the other. Raises `SettingsError`, which names
    members but never repeats a value, and `KeyUnusable`.
    """
    told = written(source)
    if odd := [name for name in (*told, *(given or ())) if name not in NAMES]:
        # a name may be a secret in the wrong place: shown only when it looks like a name
        likely = [name for name in odd if re.fullmatch("[A-Za-z_]{1,24}", str(name))]
        wanted, found = ", ".join(NAMES), ", ".join(likely)
        raise SettingsError("Settings have a member of another name", wanted=wanted, found=found)
    variables = {name: (environment or {}).get(PREFIX + name.upper()) for name in NAMES}
    before = {name: value for name, value in (given or {}).items() if value is not None}
    around = {name: text for name, text in variables.items() if text}
    merged = _merged(around, told, before)
    if isinstance(key := merged.get("client_key"), str | os.PathLike | Mapping):
        password = (environment or {}).get(f"{PREFIX}CLIENT_KEY_PASSWORD")
        merged["client_key"] = load_key(key, password or None)
    with _blaming(name for name in around if merged.get(name) is around[name]):
        return _checked(merged, variables=environment is not None)


def written(source: Source) -> Mapping[str, object]:
    """The members of settings as they are written, for `read_settings`; nothing is checked yet.

    Raises `SettingsError` when there is no JSON object in a text or a file.
    """
    return source if isinstance(source, Mapping) else _object(_text(source))


def _merged(*levels: Mapping[str, object]) -> dict[str, object]:
    """All levels in one, in which a later one goes before those ahead of it."""
    merged: dict[str, object] = {}
    for level in levels:
        for pair in ALTERNATIVES:
            if not level.keys().isdisjoint(pair):
                merged = {name: value for name, value in merged.items() if name not in pair}
        for name in _unfit(merged, level):
            del merged[name]
        merged |= level
    return merged


def _unfit(behind: Mapping[str, object], before: Mapping[str, object]) -> list[str]:
    """The members behind that do not go with the client_auth before, or the other way round."""
    credentials = ALTERNATIVES[1]
    if isinstance(way := before.get("client_auth"), str) and way in CLIENT_AUTH:
        return [name for name in credentials if name in behind and name != CLIENT_AUTH[way]]
    given = [name for name in credentials if name in before]
    if given and isinstance(way := behind.get("client_auth"), str) and way in CLIENT_AUTH:
        return ["client_auth"] * (CLIENT_AUTH[way] not in given)
    return []


@contextmanager
def _blaming(names: Iterable[str]) -> Iterator[None]:
    """Add to an error which of its members these variables of the environment gave."""
    try:
        yield
    except SettingsError as error:
        said = re.findall(r"\w+", f"{error.problem} {error.found}")
        told = ", ".join(PREFIX + name.upper() for name in names if name in said)
        if not told:
            raise
        advice = f"{error.advice} From the environment: {told}.".lstrip()
        facts = {"wanted": error.wanted, "found": error.found, "advice": advice}
        raise SettingsError(error.problem, **facts) from None


def _checked(merged: Mapping[str, object], *, variables: bool) -> Settings:
    if missing := _missing(merged):
        wanted = " and ".join(missing.values())
        named = ", ".join(PREFIX + name.upper() for name in missing)
        advice = f"The environment may have it, too: {named}." if variables else ""
        raise SettingsError("Settings lack a member", wanted=wanted, advice=advice)
    read: dict[str, Any] = {name: _member(name, value) for name, value in merged.items()}
    if merged.keys() >= set(ALTERNATIVES[0]):
        raise SettingsError(
            "Settings name two servers", wanted="one", found=" and ".join(ALTERNATIVES[0])
        )
    for name in ("issuer", "token_endpoint", "api"):
        if name in read:
            check_url(name, read[name])
    settings = Settings(**read)
    fitting(
        settings.client_auth, client_secret=settings.client_secret, client_key=settings.client_key
    )
    return settings


def _missing(merged: Mapping[str, object]) -> dict[str, str]:
    """What has to be there and is not: the name of a member, and what may stand in its place."""
    wanted = {} if "client_id" in merged else {"client_id": "client_id"}
    if merged.keys().isdisjoint(ALTERNATIVES[0]):
        wanted["token_endpoint"] = "token_endpoint or issuer"  # noqa: S105  a member
    if merged.keys().isdisjoint(ALTERNATIVES[1]) and (way := merged.get("client_auth")) != "none":
        either = {"client_secret": "client_secret or client_key (or client_auth none)"}
        wanted |= {"client_key": "client_key"} if way == "private_key_jwt" else either
    return wanted


def check_url(name: str, url: str) -> None:
    """Raise `SettingsError` unless the text is an absolute http or https URL.

    It may have neither fragment nor user and password, which would be shown with it.
    """
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and not parts.fragment
        good = good and parts.port != 0  # reading it raises ValueError above 65535
    except ValueError:
        good = False
    if not good or any(character.isspace() for character in url):
        raise SettingsError(f"{name} is no URL", wanted="http(s)://…, without fragment")
    if "@" in parts.netloc:
        wanted, advice = "https://host/…", "Name and secret are given as client_id, client_secret."
        raise SettingsError(f"{name} holds a user", wanted=wanted, advice=advice)


def _member(name: str, value: object) -> object:
    if name == "client_key" and isinstance(value, PrivateKey):
        return value
    if not isinstance(value, str):
        kind = "number" if type(value) in (int, float) else type(value).__name__
        raise SettingsError(f"{name} has the wrong type", wanted="a string", found=kind)
    if not value:
        raise SettingsError(f"{name} is empty", wanted="a string with characters")
    check_text(name, value)
    return value


def check_text(name: str, text: str) -> None:
    """Raise `SettingsError` when UTF-8 can't have the text: it can't be sent (RFC 6749 app. B)."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        advice = "It may come from a file or a terminal in another encoding."
        raise SettingsError(f"{name} is no text", wanted="UTF-8", advice=advice)


def _text(source: object) -> str:
    if not isinstance(source, str | os.PathLike):
        kind = type(source).__name__
        raise SettingsError("No settings", wanted="JSON text, a path or a mapping", found=kind)
    if isinstance(source, str) and source.lstrip("\ufeff \t\r\n")[:1] in ("{", "[", '"', ""):
        return source
    try:
        return Path(source).read_text(encoding="utf-8-sig")
    except (OSError, ValueError):  # the text may be a secret: it is not repeated
        problem = "Settings are neither JSON nor a file that can be read"
    raise SettingsError(problem, wanted='{"client_id": …} or the path of a UTF-8 file')


def _object(text: str) -> Mapping[str, object]:
    problem, value = "", None
    try:
        value = from_json(text)
    except json.JSONDecodeError as error:  # it holds the whole text: nothing may chain to it
        problem = f"{error.msg} at line {error.lineno}, column {error.colno}"
    except RecursionError:
        problem = "too many brackets"
    if problem:
        raise SettingsError("Settings are not JSON", found=problem)
    if not isinstance(value, dict):
        raise SettingsError("Settings are no JSON object", found=f"a {type(value).__name__}")
    return value
