"""The `dpop-lab` command as its users meet it: what it prints, what it writes, how it ends."""

import io
import json
import os
import re
import signal
import stat
import sys
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

import pytest
import requests
from client_world import answer, listening

from dpop_lab import (
    DPoPAuth,
    Lab,
    generate_key,
    load_key,
    make_proof,
    public_jwk,
    read_proof,
    thumbprint,
)
from dpop_lab.cli import main
from dpop_lab.server.duende_site import BASE_URL
from tests.programs import SECONDS, started

POSIX = os.name == "posix"
KEY = generate_key("ES256")


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "ec.pem"
    path.write_text(KEY.to_pem(), encoding="utf-8")
    return str(path)


@contextmanager
def served(*arguments):
    """`dpop-lab serve` as a process, with its base URL; it is ended at the end."""
    with started([sys.executable, "-u", "-m", "dpop_lab", "serve", *arguments]) as process:
        first, second = process.stdout.readline(), process.stdout.readline()
        assert second == "ready\n", process.stderr.read()
        yield process, first.strip()


def settings_file(folder, base_url, **changed):
    settings = {
        "client_id": "m2m.dpop",
        "client_secret": "secret",
        "token_endpoint": f"{base_url}/connect/token",
        "scope": "api",
    }
    path = folder / "client.json"
    path.write_text(json.dumps(settings | changed), encoding="utf-8")
    return str(path)


def wrong(capsys, *arguments, code=2):
    """Run what must fail; the one line it prints to standard error."""
    assert main(arguments) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("dpop-lab: ")
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize("policy", ["duende", "rfc9449"])
def test_the_demo_goes_from_a_key_to_a_call_and_a_stolen_token(capsys, policy):
    assert main(["demo", "--policy", policy]) == 0
    out = capsys.readouterr().out
    assert [int(number) for number in re.findall(r"^(\d)\. ", out, re.MULTILINE)] == [*range(1, 7)]
    assert re.findall(r"^    (\d{3} \w+)", out, re.MULTILINE) == ["200 OK", "401 Unauthorized"]
    failed = re.findall(r"^ +✗ (\w+)  ", out, re.MULTILINE)
    assert failed == ["bound_key"]
    jkt = re.search(r'"jkt": "([\w-]{43})"', out)[1]
    assert f"as base64url:  {jkt}" in out
    assert not re.search(r"eyJ[\w-]+\.[\w-]+\.", out)  # no whole token, no whole proof


def test_call_fetches_the_token_and_prints_the_answer(capsys, key_file, tmp_path):
    log = tmp_path / "session.log"
    assert main(["call", "--key", key_file, "--log", str(log)]) == 0
    out, err = capsys.readouterr()
    claims = {pair["type"]: pair["value"] for pair in json.loads(out)}
    assert claims["client_id"] == "m2m.dpop"
    assert json.loads(claims["cnf"]) == {"jkt": thumbprint(public_jwk(KEY))}
    assert "200 OK" in err
    text = log.read_text(encoding="utf-8")
    assert text.count("---- Sending ") == text.count("---- Received ") == 2
    assert claims["proof_token"] not in text
    if POSIX:
        assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_call_sends_a_body_by_post_and_any_method_asked_for(capsys, key_file, tmp_path):
    log = tmp_path / "session.log"
    for extra in (["--data", "a=b"], ["--method", "DELETE"]):
        assert main(["call", "--key", key_file, "--log", str(log), *extra]) == 0
    text = log.read_text(encoding="utf-8")
    assert "POST /api/dpop/test HTTP/1.1" in text
    assert "DELETE /api/dpop/test HTTP/1.1" in text
    assert "\n\na=b" in text


def test_a_refusal_by_the_api_is_exit_code_1_with_its_challenge(capsys, key_file):
    assert main(["call", f"{BASE_URL}/api/test", "--key", key_file]) == 1
    assert "WWW-Authenticate: Bearer" in capsys.readouterr().err


def test_a_refusal_by_the_token_endpoint_is_exit_code_1_with_a_line_and_advice(
    capsys, key_file, tmp_path
):
    client = settings_file(tmp_path, BASE_URL, client_secret="not the secret")
    assert main(["call", "--key", key_file, "--client", client]) == 1
    line, title, action = capsys.readouterr().err.splitlines()
    assert line.startswith("dpop-lab: ") and "invalid_client" in line
    assert "invalid_client" in title and "'m2m.dpop'" in action
    assert "not the secret" not in f"{line} {title} {action}"


def test_a_refusal_by_the_api_is_explained(capsys, key_file):
    assert main(["call", f"{BASE_URL}/api/test", "--key", key_file]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("    do: ")


def test_call_goes_to_the_server_that_client_and_url_name(capsys, key_file, tmp_path):
    with served("--policy", "rfc9449", "--api-nonce") as (_, base_url):
        client = settings_file(tmp_path, base_url, client_id="m2m.dpop.nonce")
        arguments = [f"{base_url}/api/dpop/test", "--key", key_file, "--client", client]
        assert main(["call", *arguments]) == 0
    assert '"m2m.dpop.nonce"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("url", "at_demo"), [("http://127.0.0.1:9/x", True), (None, False)], ids=["URL", "client"]
)
def test_two_servers_at_once_are_told_apart_before_anything_is_sent(
    capsys, key_file, tmp_path, url, at_demo
):
    client = settings_file(tmp_path, BASE_URL if at_demo else "http://127.0.0.1:9")
    urls = [url] if url else []
    line = wrong(capsys, "call", *urls, "--key", key_file, "--client", client)
    assert "URL" in line


def test_an_unreachable_host_is_exit_code_3_in_one_line(capsys, key_file, tmp_path):
    client = settings_file(tmp_path, "http://127.0.0.1:1")
    line = wrong(
        capsys, "call", "http://127.0.0.1:1/", "--key", key_file, "--client", client, code=3
    )
    assert "127.0.0.1:1 can't be reached" in line


def test_the_live_server_without_a_network_is_one_line_that_names_the_twin(
    capsys, key_file, monkeypatch
):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")  # no packet leaves this machine
    line = wrong(capsys, "call", "--live", "--key", key_file, code=3)
    assert "demo.duendesoftware.com" in line
    assert "--live" in line


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"client_id":', "JSON"),
        ("[]", "object"),
        ('{"client_id": "x"}', "client_secret"),
        ('{"client_id": 5, "client_secret": "s", "token_endpoint": "https://h/"}', "client_id"),
        ('{"client_id": %s}' % ("9" * 4301), "client_secret"),
        (
            '{"client_secret": "s", "token_endpoint": "https://h/", "client_id": %s}'
            % ("9" * 4301),
            "found number",
        ),
        ("[" * 100_000, "JSON"),
    ],
    ids=[
        "half",
        "array",
        "too little",
        "number",
        "4301 digits",
        "4301 digits alone",
        "100000 brackets",
    ],
)
def test_bad_settings_are_one_line(capsys, key_file, tmp_path, content, said):
    path = tmp_path / "bad.json"
    path.write_text(content, encoding="utf-8")
    assert said in wrong(capsys, "call", "--key", key_file, "--client", str(path))


@pytest.mark.parametrize("text", ['{"keys": [%s]}' % ("9" * 4301), '{"a":' * 100_000])
def test_json_of_no_use_is_one_line_wherever_it_is_given(capsys, key_file, tmp_path, text):
    path = tmp_path / "bad.json"
    path.write_text(text, encoding="utf-8")
    wrong(capsys, "call", "--key", str(path))
    wrong(capsys, "key", "show", str(path))
    wrong(capsys, "serve", "--client-jwk", str(path))
    wrong(capsys, "diagnose", "eyJhbGciOiJFUzI1NiJ9.e30.AA", "--jwks", str(path))
    wrong(capsys, "compare", "twin", "http://127.0.0.1:9", "--client-b", str(path))
    client_key = {"client_key": str(path), "client_auth": "private_key_jwt"}
    settings = json.loads(Path(settings_file(tmp_path, BASE_URL)).read_text("utf-8"))
    del settings["client_secret"]
    client = json.dumps(settings | client_key)
    assert "key" in wrong(capsys, "call", "--key", key_file, "--client", client)


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        ("a=b", "application/x-www-form-urlencoded"),
        ('{"a": 1}', "application/json"),
        ('{"a": %s}' % ("9" * 4301), "application/json"),
        ("[" * 900 + "]" * 900, "application/json"),
        ("9" * 4301, "application/x-www-form-urlencoded"),
    ],
    ids=["form", "JSON", "4301 digits", "900 brackets", "digits alone"],
)
def test_a_body_that_is_json_is_sent_as_json(capsys, key_file, tmp_path, data, content_type):
    log = tmp_path / "session.log"
    assert main(["call", "--key", key_file, "--log", str(log), "--data", data]) == 0
    _, call = log.read_text("utf-8").split("POST /api/dpop/test")
    assert re.search(r"^Content-Type: (\S+)$", call, re.MULTILINE)[1] == content_type


def test_a_body_in_too_many_brackets_is_one_line_and_nothing_is_made(capsys, key_file, tmp_path):
    log, har, data = tmp_path / "new.log", tmp_path / "new.har", "[" * 100_000
    files = ["--log", str(log), "--har", str(har)]
    assert "--data" in wrong(capsys, "call", "--key", key_file, "--data", data, *files)
    assert not log.exists() and not har.exists()


@pytest.mark.parametrize(
    ("client", "shown"), [("sesame-street-77", False), ("gone.json", True), ("no/such", True)]
)
def test_what_is_no_settings_file_is_shown_if_it_looks_like_one(capsys, key_file, client, shown):
    compare = ["compare", "https://as.invalid", "twin", "--client-a"]
    for command in (["call", "--key", key_file, "--client"], compare):
        assert main([*command, client]) == 2
        assert (client in capsys.readouterr().err) is shown


def test_a_bad_key_is_one_line(capsys, tmp_path, monkeypatch):
    assert "nothing.pem" in wrong(capsys, "call", "--key", str(tmp_path / "nothing.pem"))
    (tmp_path / "text.pem").write_text("no key at all", encoding="utf-8")
    wrong(capsys, "key", "show", str(tmp_path / "text.pem"))
    locked = tmp_path / "locked.pem"
    locked.write_text(KEY.to_pem("right"), encoding="utf-8")
    assert "--password-env" in wrong(capsys, "key", "show", str(locked))
    assert "NO_SUCH" in wrong(capsys, "key", "show", str(locked), "--password-env", "NO_SUCH")
    monkeypatch.setenv("PASSWORD", "wrong")
    assert "--password-env" in wrong(
        capsys, "key", "show", str(locked), "--password-env", "PASSWORD"
    )
    monkeypatch.setenv("PASSWORD", "right")
    assert main(["key", "show", str(locked), "--password-env", "PASSWORD"]) == 0


def test_a_log_that_can_not_be_written_is_one_line(capsys, key_file, tmp_path):
    log = str(tmp_path / "no" / "such" / "folder.log")
    assert "log" in wrong(capsys, "call", "--key", key_file, "--log", log)


@pytest.mark.parametrize("url", ["ftp://x/", "no url", "https://[", "http://h:99999/"])
def test_a_url_that_is_none_is_told_by_the_usage(capsys, key_file, url):
    with pytest.raises(SystemExit) as ended:
        main(["call", url, "--key", key_file])
    assert ended.value.code == 2
    assert "http(s)://" in capsys.readouterr().err


@pytest.mark.parametrize("form", [[], ["--jwk"]])
@pytest.mark.parametrize("alg", ["ES256", "ES512", "EdDSA", "PS256"])
def test_a_new_key_is_written_for_its_owner_alone_and_shows_its_public_half(
    capsys, tmp_path, alg, form
):
    path = tmp_path / "new.key"
    assert main(["key", "new", str(path), "--alg", alg, *form]) == 0
    out, err = capsys.readouterr()
    key = load_key(path)
    assert json.loads(out) == {
        "alg": alg,
        "jwk": public_jwk(key),
        "thumbprint": thumbprint(public_jwk(key)),
    }
    assert str(path) in err
    if POSIX:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "exists already" in wrong(capsys, "key", "new", str(path))
    assert load_key(path) == key


def test_a_new_key_without_a_file_is_printed(capsys):
    assert main(["key", "new"]) == 0
    assert load_key(capsys.readouterr().out).alg == "ES256"


def test_version_and_help_answer_with_exit_code_0(capsys):
    for arguments in (["--version"], ["--help"], ["call", "--help"], ["key", "new", "--help"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 0
    assert "exit codes" in capsys.readouterr().out


@pytest.mark.skipif(not POSIX, reason="Windows has no such signals to send")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_prints_url_and_ready_and_ends_cleanly_on_a_signal(number):
    with served() as (process, base_url):
        assert requests.get(f"{base_url}/api/dpop/test", timeout=20).status_code == 401
        named = Path(process.stdout.readline().partition(": ")[2].strip())
        assert stat.S_IMODE(named.stat().st_mode) == 0o600
        process.send_signal(number)
        assert process.wait(timeout=SECONDS) == 0
        assert process.stderr.read() == ""
        assert not named.exists()


NEVER_ENDS = """
import atexit, time
from dpop_lab.cli.options import on_signals
on_signals(lambda: print("asked", flush=True), within=0.3)
atexit.register(time.sleep, 600)
print("ready", flush=True)
{then}
"""


@pytest.mark.skipif(not POSIX, reason="Windows has no such signals to send")
@pytest.mark.parametrize("then", ["time.sleep(600)", "pass  # and hangs at its exit"])
def test_what_hangs_when_it_is_asked_to_end_is_ended_and_asked_once(then):
    command = [sys.executable, "-c", NEVER_ENDS.format(then=then)]
    with started(command) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "asked\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=SECONDS) == 1
        assert process.stdout.read() + process.stderr.read() == ""


def test_the_named_key_is_that_of_the_jwt_clients():
    with served() as (process, base_url):
        named = process.stdout.readline().partition(": ")[2].strip()
        jwk = json.loads(Path(named).read_text(encoding="utf-8"))
        auth = DPoPAuth.client_credentials(
            key=KEY,
            client_id="m2m.jwt",
            token_endpoint=f"{base_url}/connect/token",
            client_key=load_key(jwk),
            client_key_id=jwk["kid"],
        )
        answer = requests.get(f"{base_url}/api/dpop/test", auth=auth, timeout=20)
        assert answer.status_code == 200


@pytest.mark.parametrize("public", [False, True])
def test_serve_takes_the_key_of_the_jwt_clients_from_a_file(tmp_path, public):
    client_key = generate_key("RS256")
    path = tmp_path / "client.jwk"
    jwk = public_jwk(client_key) if public else client_key.private_jwk()
    path.write_text(json.dumps(jwk), encoding="utf-8")
    with served("--client-jwk", str(path)) as (_, base_url):
        auth = DPoPAuth.client_credentials(
            key=KEY,
            client_id="m2m.jwt",
            token_endpoint=f"{base_url}/connect/token",
            client_key=client_key,
        )
        answer = requests.get(f"{base_url}/api/dpop/test", auth=auth, timeout=20)
        assert answer.status_code == 200


def test_serve_follows_the_base_url_it_is_given(tmp_path):
    with served("--base-url", "https://lab.example/") as (_, base_url):
        assert base_url == "https://lab.example"


@pytest.mark.parametrize("host", ["0.0.0.0", ""])
def test_every_address_needs_a_base_url_in_one_line(capsys, host):
    assert "--base-url" in wrong(capsys, "serve", "--host", host)
    assert "--base-url" in wrong(capsys, "serve", "--base-url", "http://0.0.0.0:8080")


@pytest.mark.parametrize(
    ("base_url", "lines"), [("http://192.0.2.5:8080", 1), ("http://localhost:8080", 2)]
)
def test_whoever_serves_others_is_told_so_and_nobody_is_told_a_loopback_url(base_url, lines):
    address = ("--host", "0.0.0.0", "--base-url", base_url)
    with served("--explain", *address) as (process, printed):
        assert printed == base_url
        process.terminate()
        said = process.stdout.read()
        assert f"{base_url}/\n" in said and "127.0.0.1" not in said
        assert process.stderr.read().count("\n") == lines


def test_a_port_in_use_is_one_line(capsys):
    with served() as (_, base_url):
        line = wrong(capsys, "serve", "--port", base_url.rpartition(":")[2])
        assert "Can't listen" in line


def test_a_bad_client_jwk_is_one_line(capsys, tmp_path):
    path = tmp_path / "bad.jwk"
    path.write_text('{"kty": "oct", "k": "AAAA"}', encoding="utf-8")
    assert "--client-jwk" in wrong(capsys, "serve", "--client-jwk", str(path))


SECRET_TEXTS = [
    KEY.to_pem(),
    json.dumps(KEY.private_jwk() | {"use": "enc"}),
    KEY.to_pem("password").replace("\n", "\\n"),
]


@pytest.mark.parametrize("text", SECRET_TEXTS, ids=["PEM", "JWK", "encrypted"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["serve", "--client-jwk", "{}"],
        ["key", "new", "{}"],
        ["call", "--key", "{}", "--log", "/no/such/folder/x"],
        ["call", "--key", "no such", "--log", "{}"],
        ["call", "--key", "no such", "--client", "{}"],
        ["call", "{}", "--key", "no such"],
    ],
    ids=["client-jwk", "new", "key", "log", "client", "url"],
)
def test_a_key_pasted_where_a_path_belongs_is_not_repeated(
    capsys, tmp_path, monkeypatch, text, arguments
):
    monkeypatch.chdir(tmp_path)
    if arguments[0] == "serve" and text == KEY.to_pem():
        pytest.skip("it would serve: a private key in any form is taken")
    if arguments[1] == "new":
        text += "/"  # no file can be made there
    with pytest.raises(SystemExit) if arguments[1] == "{}" else nullcontext():
        assert main([text if one == "{}" else one for one in arguments]) == 2
    out, err = capsys.readouterr()
    private = KEY.private_jwk()["d"]
    assert private not in out + err
    assert not any(line in out + err for line in text.split("\n") if len(line) > 40)


@pytest.mark.parametrize(
    "url", ["http://user:Pa55word@127.0.0.1:1/x?access_token=T0ken", "http s://u:Pa55word@h/"]
)
def test_a_secret_in_a_url_is_not_repeated(capsys, key_file, tmp_path, url):
    client = settings_file(tmp_path, "http://127.0.0.1:1")
    with suppress(SystemExit):
        main(["call", url, "--key", key_file, "--client", client])
    out, err = capsys.readouterr()
    assert "Pa55word" not in out + err
    assert "T0ken" not in out + err


def test_the_algorithm_of_an_rsa_key_is_a_choice_and_stays_in_a_jwk(capsys, tmp_path):
    path = tmp_path / "rsa.jwk"
    assert main(["key", "new", str(path), "--alg", "RS256", "--jwk"]) == 0
    assert main(["key", "show", str(path)]) == 0
    assert main(["key", "show", str(path), "--alg", "PS384"]) == 0
    made, kept, chosen = re.findall(r'"alg": "(\w+)"', capsys.readouterr().out)
    assert (made, kept, chosen) == ("RS256", "RS256", "PS384")
    assert main(["call", "--key", str(path), "--alg", "PS512"]) == 0
    proof = json.loads(capsys.readouterr().out)[-1]["value"]
    assert read_proof(proof).header["alg"] == "PS512"


@pytest.mark.parametrize("method", ["F O", "", "GET\r\nX: y", "GÄT"])
def test_a_method_that_is_none_is_told_by_the_usage(capsys, key_file, method):
    with pytest.raises(SystemExit) as ended:
        main(["call", "--key", key_file, "--method", method])
    assert ended.value.code == 2


def test_an_empty_password_is_one_line(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("PASSWORD", "")
    path = str(tmp_path / "new.pem")
    assert "empty" in wrong(capsys, "key", "new", path, "--password-env", "PASSWORD")


def test_the_log_may_not_be_the_key(capsys, key_file):
    line = wrong(capsys, "call", "--key", key_file, "--log", key_file)
    assert "same file" in line
    assert load_key(key_file) == KEY


@pytest.mark.skipif(not POSIX, reason="Windows has a device of another kind")
def test_what_keeps_nothing_may_be_log_and_har_at_once(capsys, key_file):
    files = ["--log", os.devnull, "--har", os.devnull]
    assert main(["call", "--key", key_file, *files]) == 0


@pytest.fixture
def private_key_client(tmp_path):
    """A file of settings that names the file of a key; both."""
    key = tmp_path / "client.pem"
    key.write_text(KEY.to_pem(), encoding="utf-8")
    settings = json.loads(Path(settings_file(tmp_path, BASE_URL)).read_text("utf-8"))
    del settings["client_secret"]
    client = tmp_path / "client.json"
    client.write_text(json.dumps(settings | {"client_key": str(key)}), encoding="utf-8")
    return client, key


def linked(path, how, folder):
    """Another name of a file."""
    made = folder / f"linked.{how}"
    if how == "hard link":
        os.link(path, made)
    elif how == "symbolic link":
        made.symlink_to(path)
    else:
        made = folder / "." / ".." / folder.name / path.name
    return str(made)


@pytest.mark.skipif(not POSIX, reason="Windows lets only some people make links")
@pytest.mark.parametrize("how", ["path", "hard link", "symbolic link"])
@pytest.mark.parametrize("option", ["--log", "--har"])
@pytest.mark.parametrize("read", ["--key", "--client", "client_key", "DPOP_LAB_CLIENT_KEY"])
def test_what_is_read_is_not_written(
    capsys, monkeypatch, tmp_path, key_file, private_key_client, read, option, how
):
    client, key = private_key_client
    other = tmp_path / "other.pem"
    other.write_text(KEY.to_pem(), encoding="utf-8")
    monkeypatch.setenv("DPOP_LAB_CLIENT_KEY", str(other))
    files = dict(zip(["--key", "--client", "client_key"], [Path(key_file), client, key], strict=1))
    file = files.get(read, other)
    before, written = file.read_bytes(), linked(file, how, tmp_path)
    there, both = set(tmp_path.iterdir()), {"--log": "new.log", "--har": "new.har"}
    both = {name: str(tmp_path / path) for name, path in both.items()} | {option: written}
    arguments = [part for pair in both.items() for part in pair]
    line = wrong(capsys, "call", "--key", key_file, "--client", str(client), *arguments)
    assert option in line and read in line and "same file" in line
    assert file.read_bytes() == before and set(tmp_path.iterdir()) == there


@pytest.mark.skipif(not POSIX, reason="Windows lets only some people make links")
@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("how", ["path", "hard link", "symbolic link"])
def test_log_and_har_are_two_files(capsys, key_file, tmp_path, how, there):
    log = tmp_path / "new"
    if there or how == "hard link":
        log.touch()
    har = linked(log, how, tmp_path)
    before = {path: path.exists() for path in tmp_path.iterdir()}
    for one, other in ((str(log), har), (har, str(log))):
        line = wrong(capsys, "call", "--key", key_file, "--log", one, "--har", other)
        assert "--log" in line and "--har" in line
    assert {path: path.exists() for path in tmp_path.iterdir()} == before


def test_a_log_is_appended_to_a_log_and_to_nothing_else(capsys, key_file, tmp_path):
    har, log = tmp_path / "session.har", tmp_path / "session.log"
    assert main(["call", "--key", key_file, "--har", str(har)]) == 0
    before = har.read_bytes()
    capsys.readouterr()
    line = wrong(capsys, "call", "--key", key_file, "--log", str(har))
    assert "--log" in line and str(har) in line and har.read_bytes() == before
    log.touch()
    for exchanges in (2, 4):
        assert main(["call", "--key", key_file, "--log", str(log)]) == 0
        assert log.read_text("utf-8").count("---- Sending") == exchanges
    capsys.readouterr()


def test_a_key_in_the_home_folder_is_not_written_either(capsys, monkeypatch, key_file, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    line = wrong(capsys, "call", "--key", "~/ec.pem", "--log", key_file)
    assert "--key" in line and load_key(key_file) == KEY


def test_a_client_key_that_is_no_path_is_compared_with_no_file(capsys, key_file, tmp_path):
    settings = {"client_id": "m2m.jwt", "token_endpoint": f"{BASE_URL}/connect/token"}
    settings |= {"scope": "api", "client_key": json.dumps(generate_key("RS256").private_jwk())}
    log = tmp_path / "session.log"
    arguments = ["--client", json.dumps(settings), "--log", str(log)]
    assert main(["call", "--key", key_file, *arguments]) == 1  # another key than the twin's
    assert "invalid_client" in log.read_text("utf-8")


def test_when_one_file_can_not_be_written_the_other_is_not_made(capsys, key_file, tmp_path):
    for good, bad in (("--log", "--har"), ("--har", "--log")):
        files = [good, str(tmp_path / "new"), bad, str(tmp_path / "no" / "such")]
        wrong(capsys, "call", "--key", key_file, *files)
        assert not (tmp_path / "new").exists()


def test_the_demo_is_recognized_however_its_url_is_written(capsys, key_file):
    for url in (f"{BASE_URL}:443/api/dpop/test", "HTTPS://Demo.DuendeSoftware.com/api/dpop/test"):
        assert main(["call", url, "--key", key_file]) == 0
    assert main(["call", BASE_URL, "--key", key_file]) == 1  # there is nothing at /
    assert "404" in capsys.readouterr().err
    wrong(capsys, "call", "http://demo.duendesoftware.com/api/dpop/test", "--key", key_file)


TOKEN, SECRET = "a-token-of-many-characters", "a-secret-of-many-characters"


def echoes(request):
    """A token endpoint, and beside it an API that repeats what it was sent wherever it can."""
    if request.path == "/token":
        return answer(200, {"access_token": TOKEN, "token_type": "DPoP", "expires_in": 600})
    if request.path == "/moved":
        return answer(302, Location=f"/{TOKEN}")
    challenge = f'DPoP error="invalid_token", error_description="{TOKEN} {SECRET}"'
    lines = {"WWW_Authenticate": challenge, "DPoP_Nonce": f"nonce.{TOKEN}"}
    return answer(401, {"error": "invalid_token"}, **lines)


@pytest.mark.parametrize("path", ["/api", "/moved"])
def test_a_server_that_repeats_the_token_does_not_make_call_print_it(
    capsys, key_file, tmp_path, path
):
    with listening(echoes) as url:
        changed = {"token_endpoint": f"{url}/token", "client_secret": SECRET}
        client = settings_file(tmp_path, url, **changed)
        assert main(["call", f"{url}{path}", "--key", key_file, "--client", client]) == 1
    err = capsys.readouterr().err
    assert TOKEN not in err and SECRET not in err
    assert "WWW-Authenticate: DPoP error=" in err and "<access_token 1>" in err


def test_proofs_are_left_in_the_log_when_asked_for(capsys, key_file, tmp_path):
    log = str(tmp_path / "session.log")
    assert main(["call", "--key", key_file, "--log", log, "--show-proofs"]) == 0
    proofs = re.findall(r"^DPoP: (\S+)$", Path(log).read_text(encoding="utf-8"), re.MULTILINE)
    assert [read_proof(one).claims["htm"] for one in proofs] == ["POST", "GET"]
    capsys.readouterr()
    assert main(["diagnose", log, "--json"]) == 0
    *_, last = json.loads(capsys.readouterr().out)["requests"]
    assert {row["row"]: row["mark"] for row in last["rows"]}["htm"] == "passed"
    assert "--log" in wrong(capsys, "call", "--key", key_file, "--show-proofs")


@pytest.mark.parametrize(
    ("option", "said"), [(None, "--issuer"), ("--issuer", "--issuer"), ("--client", "CLIENT.json")]
)
def test_whoever_named_the_other_token_endpoint_is_named(capsys, key_file, tmp_path, option, said):
    client = settings_file(tmp_path, "http://127.0.0.1:1")
    given = {None: [], "--issuer": ["--issuer", BASE_URL, "--client", client]}
    arguments = given.get(option, ["--client", settings_file(tmp_path, BASE_URL)])
    line = wrong(capsys, "call", "http://127.0.0.1:1/x", "--key", key_file, *arguments)
    assert said in line.rpartition("; ")[2]
    assert ("--client" in line) is (option is None)


# ---- diagnose ---------------------------------------------------------------------------------

SAMPLE = Path(__file__).parent / "recordings" / "sample-session.txt"


def test_diagnose_reads_a_file_and_says_0_for_healthy(capsys):
    assert main(["diagnose", str(SAMPLE)]) == 0
    out = capsys.readouterr().out
    assert "a session log, 3 exchanges" in out and "client secret" in out


@pytest.mark.parametrize(("text", "code"), [("Invalid 'htu' value.", 1), ("hello", 2), ("", 2)])
def test_diagnose_reads_standard_input(capsys, monkeypatch, text, code):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert main(["diagnose", *(["-"] if text else [])]) == code
    assert capsys.readouterr().out


def test_diagnose_takes_the_text_itself_where_a_file_is_wanted(capsys):
    assert main(["diagnose", "Invalid 'htu' value."]) == 1
    assert main(["diagnose", "no such file"]) == 2
    assert "no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["proof.txt", "a.jwt"], "--token @FILE"), ([""], "wanted a file"), ([" "], "wanted a file")],
)
def test_diagnose_takes_one_thing_and_not_nothing(capsys, arguments, words):
    assert main(["diagnose", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_diagnose_takes_a_single_word_for_text_where_no_file_has_its_name(capsys):
    assert main(["diagnose", "invalid_dpop_proof"]) == 1


def test_diagnose_asks_more_rows_when_more_is_known(capsys, tmp_path):
    key = generate_key("ES256")
    proof = make_proof(key, jti="1", htm="GET", htu="https://a.example/x", iat=1_760_000_000)
    file = tmp_path / "proof.txt"
    file.write_text(proof, encoding="utf-8")
    known = ["--url", "https://a.example/y", "--method", "GET"]
    known += ["--now", "2025-10-09T08:53:25+00:00", "--nonce", "n"]
    assert main(["diagnose", str(file), *known, "--json"]) == 1
    value = json.loads(capsys.readouterr().out)
    marks = {row["row"]: row["mark"] for row in value["requests"][0]["rows"]}
    assert (marks["htu"], marks["htm"], marks["fresh"]) == ("failed", "passed", "passed")
    assert main(["diagnose", str(file), "--url", "https://a.example/x", "--markdown"]) == 0
    assert "| Part | Text |" in capsys.readouterr().out


@pytest.mark.parametrize("form", [lambda jwk: {"keys": [jwk]}, lambda jwk: jwk], ids=["set", "one"])
def test_the_keys_of_the_tokens_issuer_are_in_a_file(capsys, tmp_path, form):
    file = tmp_path / "issuer.json"
    with Lab() as lab:
        token = lab.bench.parties.access_token()
        own, other = lab.twin.signing_key, generate_key("RS256")
    for key, mark in ((own, "passed"), (other, "failed")):
        file.write_text(json.dumps(form(public_jwk(key))), encoding="utf-8")
        main(["diagnose", token, "--jwks", str(file), "--policy", "duende", "--json"])
        value = json.loads(capsys.readouterr().out)
        marks = {row["row"]: row["mark"] for row in value["requests"][0]["rows"]}
        assert marks["at_signature"] == mark


@pytest.mark.parametrize(
    "arguments",
    [["--now", "soon"], ["--url", "/x"], ["--jwks", "nowhere.json"], ["--token", "@nowhere"]],
)
def test_what_is_wrong_with_an_argument_of_diagnose_is_said_in_a_line(capsys, arguments):
    try:
        code = main(["diagnose", str(SAMPLE), *arguments])
    except SystemExit as ended:
        code = ended.code
    assert code == 2
    assert "Traceback" not in capsys.readouterr().err
