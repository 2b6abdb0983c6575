"""The client's settings: the JSON object of the commercial sample, read with care."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from dpop_lab.errors import SettingsError

REQUIRED = ("client_id", "client_secret", "token_endpoint")
OPTIONAL = ("scope",)


@dataclass(frozen=True, slots=True)
class Settings:
    """Who the client is, where it gets tokens, and for what; the secret is not shown."""

    client_id: str
    token_endpoint: str
    client_secret: str = field(repr=False)
    scope: str | None = None


def read_settings(source: str | os.PathLike[str] | Mapping[str, object]) -> Settings:
    """Settings from JSON text, from the path of a JSON file, or from a mapping.

    Text that begins with a bracket or a quote is JSON, other text is a path. Wanted are the members
    client_id, client_secret, token_endpoint and, optionally, scope; anything else raises
    `SettingsError`, which names members but never repeats a value.
    """
    members = source if isinstance(source, Mapping) else _object(_text(source))
    known = [*REQUIRED, *OPTIONAL]
    if odd := [name for name in members if name not in known]:
        # a name may be a secret in the wrong place: shown only when it looks like a name
        likely = [name for name in odd if re.fullmatch("[A-Za-z_]{1,24}", str(name))]
        wanted, found = ", ".join(known), ", ".join(likely)
        raise SettingsError("Settings have a member of another name", wanted=wanted, found=found)
    if missing := [name for name in REQUIRED if name not in members]:
        raise SettingsError("Settings lack a member", wanted=" and ".join(missing))
    texts = {name: _member(name, members[name]) for name in known if name in members}
    check_url("token_endpoint", texts["token_endpoint"])
    return Settings(**texts)


def check_url(name: str, url: str) -> None:
    """Raise `SettingsError` unless the text is an absolute http or https URL.

    It may have neither fragment nor user and password, which would be shown with it.
    """
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and not parts.fragment
    except ValueError:
        good = False
    if not good or any(character.isspace() for character in url):
        raise SettingsError(f"{name} is no URL", wanted="http(s)://…, without fragment")
    if "@" in parts.netloc:
        wanted, advice = "https://host/…", "Name and secret are given as client_id, client_secret."
        raise SettingsError(f"{name} holds a user", wanted=wanted, advice=advice)


def _member(name: str, value: object) -> str:
    if not isinstance(value, str):
        kind = type(value).__name__
        raise SettingsError(f"{name} has the wrong type", wanted="a string", found=kind)
    if not value:
        raise SettingsError(f"{name} is empty", wanted="a string with characters")
    return value


def _text(source: str | os.PathLike[str]) -> str:
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
        value = json.loads(text.lstrip("\ufeff"))
    except json.JSONDecodeError as error:  # it holds the whole text: nothing may chain to it
        problem = f"{error.msg} at line {error.lineno}, column {error.colno}"
    except RecursionError:
        problem = "too many brackets"
    if problem:
        raise SettingsError("Settings are not JSON", found=problem)
    if not isinstance(value, dict):
        raise SettingsError("Settings are no JSON object", found=f"a {type(value).__name__}")
    return value
