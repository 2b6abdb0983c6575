"""The client's settings read with care: keywords, the sample's JSON, environment variables."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dpop_lab.client.settings import (
    CLIENT_AUTH,
    CREDENTIALS,
    NAMES,
    SERVERS,
    Settings,
    check_member,
    members,
)
from dpop_lab.errors import SettingsError
from dpop_lab.jose.encoding import from_json
from dpop_lab.jose.key_formats import load_key

PREFIX = "DPOP_LAB_"
Source = str | os.PathLike[str] | Mapping[str, object] | Settings


def read_settings(
    source: Source,
    *,
    given: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
    usual: Mapping[str, object] | None = None,
) -> Settings:
    """Settings from JSON text, from the path of a JSON file, or from a mapping.

    Text that begins with a bracket or a quote is JSON, other text is a path. The members are those
    of `Settings`: client_id, one of issuer and token_endpoint, one of client_secret and client_key
    (a path, or what else `load_key` takes) unless client_auth is none. What is `given` (None is not
    given) goes before a member of the source, and that before a variable of the `environment`
    such as DPOP_LAB_CLIENT_ID (DPOP_LAB_CLIENT_KEY_PASSWORD is for client_key); what nobody says is
    as `usual`. Where two exclude
    each other, the one that goes before drops the other. Raises `SettingsError`, which names
    members but never repeats a value, and `KeyUnusable`.
    """
    told, variables = written(source), environment or {}
    if odd := [name for name in (*told, *(given or ())) if name not in NAMES]:
        # a name may be a secret in the wrong place: shown only when it looks like a name
        likely = [name for name in odd if re.fullmatch("[A-Za-z_]{1,24}", str(name))]
        wanted, found = ", ".join(NAMES), ", ".join(likely)
        raise SettingsError("Settings have a member of another name", wanted=wanted, found=found)
    before = {name: value for name, value in (given or {}).items() if value is not None}
    around = {name: text for name in NAMES if (text := variables.get(variable(name)))}
    merged = _merged(usual or {}, around, told, before)
    if isinstance(key := merged.get("client_key"), str | os.PathLike | Mapping):
        merged["client_key"] = load_key(key, variables.get(variable("client_key_password")) or None)
    try:
        _check_complete(merged, variables=environment is not None)
        for name, value in merged.items():  # here None is a value, of the wrong type
            check_member(name, value)
        return Settings(**merged)
    except SettingsError as error:
        raise _blaming([one for one in around if merged.get(one) is around[one]], error) from None


def variable(name: str) -> str:
    """The variable of the environment that holds a member, such as DPOP_LAB_CLIENT_ID."""
    return PREFIX + name.upper()


def written(source: Source) -> Mapping[str, object]:
    """The members of settings as they are written, for `read_settings`; nothing is checked yet.

    Raises `SettingsError` when there is no JSON object in a text or a file.
    """
    if isinstance(source, Settings):
        return members(source)
    return source if isinstance(source, Mapping) else _object(_text(source))


def _merged(*levels: Mapping[str, object]) -> dict[str, Any]:
    """All levels in one, in which a later one goes before those ahead of it.

    Of these it drops what its own servers, credentials and client_auth exclude, and a client_auth
    that does not take its credentials.
    """
    merged: dict[str, Any] = {}
    for level in levels:
        takes, took = (CLIENT_AUTH.get(str(one.get("client_auth"))) for one in (level, merged))
        pairs = [pair for pair in (SERVERS, CREDENTIALS) if not level.keys().isdisjoint(pair)]
        gone = {name for pair in pairs for name in pair}
        if takes is not None:
            gone |= {*CREDENTIALS} - {takes}
        elif CREDENTIALS in pairs and took is not None and took not in level:
            gone.add("client_auth")
        merged = {name: merged[name] for name in merged if name not in gone} | {**level}
    return merged


def _blaming(names: Sequence[str], error: SettingsError) -> SettingsError:
    """The error, with those of its members which these variables of the environment gave."""
    said = re.findall(r"\w+", f"{error.problem} {error.found}")
    told = ", ".join(variable(name) for name in names if name in said)
    if not told:
        return error
    advice = f"{error.advice} From the environment: {told}.".lstrip()
    return SettingsError(error.problem, wanted=error.wanted, found=error.found, advice=advice)


def _check_complete(merged: Mapping[str, object], *, variables: bool) -> None:
    """Raise `SettingsError` when something has to be there and is not."""
    needed = {"client_id": ("client_id",), "token_endpoint or issuer": SERVERS}
    way = merged.get("client_auth")
    if way == "private_key_jwt":
        needed["client_key"] = CREDENTIALS
    elif way != "none":
        needed["client_secret or client_key (or client_auth none)"] = CREDENTIALS
    missing = [words for words, names in needed.items() if merged.keys().isdisjoint(names)]
    if missing:
        named = ", ".join(variable(words.split()[0]) for words in missing)
        advice = f"The environment may have it, too: {named}." if variables else ""
        wanted = " and ".join(missing)
        raise SettingsError("Settings lack a member", wanted=wanted, advice=advice)


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
    try:
        value = from_json(text)
        if isinstance(value, dict):
            return value
        found = f"a {type(value).__name__}"
    except json.JSONDecodeError as error:  # it holds the whole text: nothing may chain to it
        found = f"{error.msg} at line {error.lineno}, column {error.colno}"
    except RecursionError:
        found = "too many brackets"
    raise SettingsError("Settings are no JSON object", found=found)
