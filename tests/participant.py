"""A participant of a class on a JupyterHub: what a person does there with a browser, by its API."""

import asyncio
import json
import secrets
import time
from dataclasses import dataclass, field

import aiohttp  # JupyterHub's own

from dpop_lab.cli.lessons import FOLDER, START

SECONDS_FOR_A_CELL = 180
ACCEPTED = "any(one.status == 200 and one.url == lab.api for one in lab.log)"


@dataclass
class Participant:
    """One of the class, and what came of it; times are in seconds since all came at once."""

    name: str
    first_call: float | None = None  # the API of the demo server took it
    cells: int = 0
    failures: list[str] = field(default_factory=list)
    memory: tuple[int, int] = (0, 0)  # RSS and PSS of all their processes, in octets


class Refused(Exception):
    """The hub or a participant's server gave another answer than the one that is wanted."""


class Desk:
    """Signs in, starts the server, opens notebooks."""

    def __init__(self, url: str, name: str, http: aiohttp.ClientSession) -> None:
        self.name, self.http = name, http
        self.hub, self.own = f"{url}/hub", f"{url}/user/{name}"
        self.token: dict[str, str] = {}  # the header, once there is one

    async def ask(self, method: str, url: str, **given: object) -> tuple[str, str]:
        """The URL that answered in the end, and its text. Raises `Refused` for a 4xx or 5xx."""
        async with self.http.request(method, url, headers=self.token, **given) as answer:
            text = await answer.text()
            if answer.status >= 400:
                words = text[:200] if text.startswith("{") else answer.reason
                raise Refused(f"{method} {answer.url.path}: {answer.status} {words}")
            return str(answer.url), text

    async def sign_in(self, password: str) -> None:
        """By the form, as a browser does; then get a token, which goes with all that follows."""
        await self.ask("GET", f"{self.hub}/login")
        (xsrf,) = (one.value for one in self.http.cookie_jar if one.key == "_xsrf")
        known = {"username": self.name, "password": password}
        await self.ask("POST", f"{self.hub}/login?next=/hub/home", data=known | {"_xsrf": xsrf})
        self.http.cookie_jar.clear()
        tokens = f"{self.hub}/api/users/{self.name}/tokens"
        _, answer = await self.ask("POST", tokens, json={"auth": known})
        self.token = {"Authorization": f"token {json.loads(answer)['token']}"}

    async def start(self) -> None:
        """Start the server, and see that it opens on the start page."""
        await self.ask("POST", f"{self.hub}/api/users/{self.name}/server")
        while not await self._ready():
            await asyncio.sleep(0.5)
        page, _ = await self.ask("GET", f"{self.own}/")
        if not page.endswith(f"/lab/tree/{FOLDER}/{START}"):
            raise Refused(f"the server opens on {page}")

    async def _ready(self) -> bool:
        _, answer = await self.ask("GET", f"{self.hub}/api/users/{self.name}")
        server = json.loads(answer)["servers"].get("")
        if server is None:
            raise Refused("the server did not start")
        return bool(server["ready"])

    async def open(self, lesson: str) -> tuple[list[dict], aiohttp.ClientWebSocketResponse]:
        """The code cells of the participant's copy, and the channels of a kernel of its own."""
        path = f"{FOLDER}/{lesson}.ipynb"
        _, notebook = await self.ask("GET", f"{self.own}/api/contents/{path}")
        cells = json.loads(notebook)["content"]["cells"]
        wanted = {"path": path, "name": lesson, "type": "notebook", "kernel": {"name": "python3"}}
        _, session = await self.ask("POST", f"{self.own}/api/sessions", json=wanted)
        url = f"{self.own}/api/kernels/{json.loads(session)['kernel']['id']}/channels"
        channels = await self.http.ws_connect(url, headers=self.token, max_msg_size=0)
        return [cell for cell in cells if cell["cell_type"] == "code"], channels


async def run(channels: aiohttp.ClientWebSocketResponse, code: str) -> dict:
    """Run a cell; gives the kernel's reply once all its outputs have come."""
    sent = secrets.token_hex(8)
    content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
    content |= {"stop_on_error": False, "user_expressions": {"accepted": ACCEPTED}}
    header = {"msg_id": sent, "msg_type": "execute_request", "session": "class", "username": ""}
    header |= {"version": "5.3", "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    message = {"channel": "shell", "header": header, "parent_header": {}, "metadata": {}}
    await channels.send_json(message | {"content": content, "buffers": []})
    reply, idle = {}, False
    while not (reply and idle):
        message = await channels.receive_json()
        if message["parent_header"].get("msg_id") == sent:
            said = message["content"]
            reply = said if message["msg_type"] == "execute_reply" else reply
            idle |= message["msg_type"] == "status" and said["execution_state"] == "idle"
    return reply


async def take_lesson(desk: Desk, who: Participant, name: str, since: float) -> None:
    """Run a lesson from top to bottom; its kernel stays."""
    cells, channels = await desk.open(name)
    for number, cell in enumerate(cells, 1):
        async with asyncio.timeout(SECONDS_FOR_A_CELL):
            reply = await run(channels, "".join(cell["source"]))
        who.cells += 1
        tags = cell["metadata"].get("tags", [])
        if reply["status"] == "error" and "raises-exception" not in tags:
            who.failures.append(f"{name}, cell {number}: {reply['ename']}: {reply['evalue']}")
        accepted = reply.get("user_expressions", {}).get("accepted", {})
        if who.first_call is None and accepted.get("data", {}).get("text/plain") == "True":
            who.first_call = time.monotonic() - since


async def attend(
    url: str, password: str, who: Participant, lessons: list[str], all_done: asyncio.Barrier
) -> None:
    """All that a participant does; whatever goes wrong is among their failures.

    Nobody leaves before all are done and, when the barrier has been passed again, looked at.
    """
    since = time.monotonic()
    jar = aiohttp.CookieJar(unsafe=True)  # the host is an address
    patience = aiohttp.ClientTimeout(total=SECONDS_FOR_A_CELL)
    async with aiohttp.ClientSession(cookie_jar=jar, timeout=patience) as http:
        try:
            desk = Desk(url, who.name, http)
            await desk.sign_in(password)
            await desk.start()
            for name in lessons:
                await take_lesson(desk, who, name, since)
        except (
            Refused,
            aiohttp.ClientError,
            TimeoutError,
            TypeError,
            LookupError,
            ValueError,
        ) as error:
            told = f"{type(error).__name__}: {error}"
            who.failures.append(f"after {who.cells} cells: {told}")
        await all_done.wait()
        await all_done.wait()
