"""Programs in processes of their own, which end in any case."""

import contextlib
import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.programs import SECONDS, end, run

SECONDS_TO_START = 120
LOOPBACK = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


def run_client(command: list[str], scenario: dict[str, str]) -> dict[str, Any]:
    """The JSON that a client prints; what it was asked to do is in its environment."""
    done = run(command, env={**os.environ, **LOOPBACK, **scenario})
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def ask(client: subprocess.Popen[str], scenario: dict[str, str]) -> dict[str, Any]:
    """The line of JSON with which a client's process answers one that says what to do."""
    assert client.stdin and client.stdout and client.stderr
    limit = threading.Timer(SECONDS, client.kill)
    limit.start()
    try:
        print(json.dumps(scenario), file=client.stdin, flush=True)
        line = client.stdout.readline()
    finally:
        limit.cancel()
    assert line, client.stderr.read()
    result: dict[str, Any] = json.loads(line)
    return result


@contextlib.contextmanager
def running(command: list[str], out: Path, *, lines: int) -> Iterator[list[str]]:
    """A server process; gives the first lines it prints to `out`, and ends it in any case."""
    err = out.with_suffix(".err")
    with open(out, "wb") as output, open(err, "wb") as errors:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
        try:
            deadline = time.monotonic() + SECONDS_TO_START
            while (said := out.read_text(encoding="utf-8")).count("\n") < lines:
                assert process.poll() is None, err.read_text(encoding="utf-8")
                assert time.monotonic() < deadline, err.read_text(encoding="utf-8")
                time.sleep(0.05)
            yield said.splitlines()[:lines]
        finally:
            end(process)
