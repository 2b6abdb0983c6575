"""The page of `dpop-lab serve --explain` in a browser: it grows while clients call."""

import json
import os
import re
import secrets
import signal
import sys
import time
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from lesson import CONTRAST, LINKS, SIZE, expect, faults

from dpop_lab.doctor.explain.explainer import Explainer
from dpop_lab.server.sockets import serve
from tests import builder
from tests.programs import SECONDS, started
from tests.world import API, FORM_TYPE, TOKEN, VICTIM

FORM = {"grant_type": "client_credentials", "client_id": "m2m.dpop", "client_secret": "secret"}
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>" + "W" * 3000
REFUSED, ACCEPTED = re.compile("^✗"), re.compile("^✓")
MILLISECONDS = 20_000
POSIX = os.name == "posix"
TEXT_OF_FOCUSED = "() => document.activeElement.textContent.trim() || document.activeElement.id"


class Served:
    """A server that explains, and the page a person has open."""

    def __init__(self, url, page):
        self.url, self.page = url, page
        self.asked, self.complaints = [], []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", lambda line: self.complaints.append(line.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        page.goto(url)
        self.entries = page.locator("#entries > li")
        self.newest = self.entries.first
        self.said = page.get_by_role("status")

    def send(self, method, path, headers=(), body=None):
        """One request of some client; the status and the body of its answer."""
        with closing(HTTPConnection("127.0.0.1", urlsplit(self.url).port, timeout=20)) as one:
            one.request(method, path, body, dict(headers))
            answer = one.getresponse()
            return answer.status, answer.read()

    def ask(self, **variations):
        """A token request with a right proof, but for the variations."""
        said = {"htm": "POST", "htu": self.url + TOKEN, "iat": int(time.time())}
        proof = builder.proof(VICTIM, **{**said, "jti": secrets.token_hex(9), **variations})
        return self.send("POST", TOKEN, [FORM_TYPE, ("DPoP", proof)], urlencode(FORM))

    def shows(self, number):
        """Wait until so many entries are there."""
        expect(self.entries).to_have_count(number, timeout=MILLISECONDS)

    def fact(self, name, entry=None):
        """What the newest entry, or another one, says under a name."""
        pair = (entry or self.newest).locator("dl > div").filter(has_text=re.compile(f"^{name}"))
        return pair.locator("dd")

    def tab_to(self, text, most=60):
        """Press Tab until what has the focus is called so."""
        for _ in range(most):
            self.page.keyboard.press("Tab")
            if self.page.evaluate(TEXT_OF_FOCUSED).startswith(text):
                return
        pytest.fail(f"no Tab leads to {text}")

    def has_no_faults(self, name):
        """Ask axe-core of a narrow and a wide page, and of the colours also when it is dark."""
        for width in (360, SIZE["width"]):
            self.page.set_viewport_size({**SIZE, "width": width})
            for scheme, rules in (("light", None), ("dark", [*CONTRAST, LINKS])):
                self.page.emulate_media(color_scheme=scheme)
                assert faults(self.page, rules) == []
                self.keep_picture(f"{scheme}-{width}-{name}")

    def keep_picture(self, name):
        """A screenshot, where a person has asked for them."""
        folder = os.environ.get("DPOP_LAB_SCREENSHOTS")
        if folder:
            self.page.screenshot(path=Path(folder, f"explain-{name}.png"), full_page=True)


@pytest.fixture(scope="module")
def tab(context):
    """The tab in which all pages of these tests are opened, one after the other."""
    with closing(context.new_page()) as page:
        yield page


@pytest.fixture
def page(tab):
    """The tab as if it were new; at the end it leaves what it shows."""
    tab.set_viewport_size(SIZE)
    tab.emulate_media(color_scheme="light", reduced_motion="no-preference")
    yield tab
    tab.goto("about:blank")


@pytest.fixture
def served(page):
    with serve(front=lambda twin: Explainer(twin, lambda entry: None)) as running:
        yield Served(running.url, page)


@pytest.fixture
def command():
    """The command in a process of its own, and the URL it prints."""
    with started([sys.executable, "-m", "dpop_lab", "serve", "--explain"]) as process:
        url = process.stdout.readline().strip()
        assert process.stdout.readline() == "ready\n"
        yield process, url


def test_the_page_grows_with_the_newest_first_and_stays_within_itself(served):
    expect(served.page.locator("#start")).to_have_attribute("open", "")
    assert served.send("GET", API)[0] == 401
    served.shows(1)
    expect(served.newest.get_by_role("heading")).to_have_text(REFUSED)
    assert served.ask()[0] == 200
    served.shows(2)
    expect(served.newest.get_by_role("heading")).to_have_text(ACCEPTED)
    served.ask(htm="GET")
    served.shows(3)
    expect(served.fact("Row")).to_have_text(re.compile("^htm"))
    expect(served.fact("Wanted")).to_have_text("'POST'")
    expect(served.fact("Found")).to_have_text("'GET'")
    beside = [served.fact(name).bounding_box() for name in ("Wanted", "Found")]
    assert beside[0]["y"] == beside[1]["y"] and beside[0]["x"] < beside[1]["x"]
    expect(served.said).to_contain_text(TOKEN)
    host = urlsplit(served.url).netloc
    assert {urlsplit(url).netloc for url in served.asked if not url.startswith("data:")} == {host}
    assert served.complaints == []


def test_what_is_open_and_focused_stays_so_when_entries_come(served):
    served.ask(htm="GET")
    served.shows(1)
    rows = served.newest.locator("summary").first
    rows.click()
    table = served.page.get_by_role("table")
    expect(table).to_be_visible()
    for number in range(2, 6):
        served.send("GET", "/x")
        served.shows(number)
    expect(table).to_be_visible()
    expect(served.entries.last.locator("summary").first).to_be_focused()


def test_pause_clear_and_refused_only(served):
    page = served.page
    served.ask()
    served.ask(htm="GET")
    served.shows(2)
    page.get_by_label("Refused only").check()
    expect(served.entries.locator("visible=true").get_by_role("heading")).to_have_text([REFUSED])
    page.get_by_label("Refused only").uncheck()
    page.get_by_role("button", name="Pause").click()
    served.ask()
    page.wait_for_timeout(700)
    served.shows(2)
    page.get_by_role("button", name="Continue").click()
    served.shows(3)
    page.get_by_role("button", name="Clear").click()
    served.shows(0)
    served.ask()
    served.shows(1)
    page.reload()
    served.shows(4)


def test_the_page_needs_no_mouse(served):
    served.ask(htm="GET")
    served.shows(1)
    keyboard = served.page.keyboard
    served.tab_to("Point a client here")
    served.tab_to("Pause")
    keyboard.press("Space")
    expect(served.said).to_contain_text("Paused")
    keyboard.press("Enter")
    served.tab_to("Clear")
    served.tab_to("refused-only")
    keyboard.press("Space")
    for part in ("token endpoint: refused", "The proof, decoded", "Request and answer", "As curl"):
        served.tab_to(part)
        keyboard.press("Enter")
    served.tab_to("Copy as curl")
    expect(served.page.get_by_role("table").first).to_be_visible()
    expect(served.newest.locator("pre.curl")).to_be_visible()


@pytest.mark.parametrize("clipboard", [True, False])
def test_a_request_is_copied_as_curl(served, context, clipboard):
    if clipboard:
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=served.url)
    else:
        served.page.evaluate(
            "() => { Object.defineProperty(navigator, 'clipboard', {value: undefined}); }"
        )
    served.ask(htm="GET")
    served.shows(1)
    button = served.newest.get_by_role("button")
    button.click()
    expect(served.said).to_contain_text("Copied")
    expect(button).to_have_text("Copied")
    expect(button).to_be_focused()
    if clipboard:
        copied = served.page.evaluate("() => navigator.clipboard.readText()")
        assert copied.startswith(f"curl --include --request POST {served.url}{TOKEN} \\\n")
        assert "'DPoP: <proof 1>'" in copied
    expect(button).to_have_text("Copy as curl")
    assert served.complaints == []


def test_what_hostile_clients_send_does_nothing(served):
    served.ask(jti=HOSTILE, htu=HOSTILE, claims={HOSTILE: HOSTILE})
    served.send("GET", "/%3Cimg%20src=x%20onerror=alert(1)%3E", [("X", HOSTILE)])
    served.shows(2)
    for summary in served.page.locator("#entries summary").all():
        summary.click()
    proof = served.entries.last.get_by_role("table", name="payload")
    expect(proof).to_contain_text("onerror=alert(1)")
    assert served.page.locator("#entries :is(img, script)").count() == 0
    for width in (1280, 360):
        served.page.set_viewport_size({"width": width, "height": 800})
        assert served.page.evaluate("() => document.documentElement.scrollWidth") <= width
    served.page.reload()
    served.shows(2)
    assert served.complaints == []


def test_the_page_has_no_faults_that_axe_knows(served):
    """Before the first request, and with entries of all kinds and all that can be opened."""
    served.page.emulate_media(reduced_motion="reduce")
    served.has_no_faults("empty")
    calls = (served.ask, lambda: served.ask(htm="GET"), lambda: served.send("GET", API))
    for number, call in enumerate(calls, 1):
        call()
        served.shows(number)
        for summary in served.newest.locator("summary").all():
            summary.click()
    served.has_no_faults("open")


def test_without_javascript_the_page_shows_what_there_is(served):
    served.ask(htm="GET")
    with closing(served.page.context.browser.new_context(java_script_enabled=False)) as plain:
        page = plain.new_page()
        page.goto(served.url)
        expect(page.locator("#entries > li dd", has_text="'GET'")).to_be_visible()
        expect(page.get_by_text("reload it")).to_be_visible()
        expect(page.get_by_role("button")).to_have_count(0)
        page.locator("summary").nth(1).click()
        expect(page.get_by_role("table")).to_be_visible()


@pytest.mark.skipif(not POSIX, reason="Windows has no such signals to send")
def test_the_server_ends_while_the_page_is_open_which_tells_it(command, page):
    process, url = command
    served = Served(url, page)
    served.ask()
    served.shows(1)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=SECONDS) == 0
    assert process.stderr.read() == ""
    expect(served.said).to_contain_text("does not answer")
    served.shows(1)


def test_a_request_is_on_the_page_soon_after_its_answer(served, capsys):
    served.page.evaluate("""() => {
        window.seen = [];
        new MutationObserver(() => window.seen.push(Date.now()))
            .observe(document.getElementById("entries"), { childList: true });
    }""")
    delays = []
    for number in range(1, 11):
        served.send("GET", API)
        answered = time.time() * 1000
        served.shows(number)
        delays.append(served.page.evaluate("() => window.seen.at(-1)") - answered)
        time.sleep(0.037)
    assert max(delays) < 3000
    with capsys.disabled():
        told = f"median {sorted(delays)[5]:.0f} ms, longest {max(delays):.0f} ms"
        print(f"\nanswer to its line on the page: {told}", file=sys.stderr)
    assert json.loads(served.send("GET", "/explain/since")[1])["newest"] == 10


# ---- a room ----------------------------------------------------------------------------------

ROOM = {"width": 1366, "height": 768}
LONG = "<b>a name that is rather long, so</b>"


@pytest.fixture
def room(page):
    """The page of the trainer, of a room in which four take part."""
    page.set_viewport_size(ROOM)
    with serve(front=lambda twin: Explainer(twin, lambda entry: None)) as running:
        yield Room(running.url, page, running.front.trainer)


class Room(Served):
    """A server for a room, and the page that its trainer has open."""

    def __init__(self, url, page, trainer):
        super().__init__(f"{url}/#trainer={trainer}", page)
        self.url, self.trainer, self.rows = url, trainer, page.locator("#rows tr")
        for number, name in enumerate(("bob", "ann", LONG, "ann")):
            self.call(name, machine=f"m{number}")
            expect(self.rows).to_have_count(number + 1)

    def call(self, name, machine="", path=API):
        """One request of a participant, which is refused."""
        self.send("GET", path, [("DPoP-Lab-Name", name), ("DPoP-Lab-Machine", machine)])

    def row(self, name):
        """The cells of a participant's row."""
        return self.rows.filter(has=self.page.get_by_role("link", name=name, exact=True))

    def link(self, name):
        """What leads to the requests of a participant."""
        return self.page.get_by_role("link", name=name, exact=True)


def test_a_room_is_seen_at_once_and_one_participant_by_a_click(room):
    room.shows(4)
    expect(room.page.locator("#rows a")).to_have_text([LONG, "ann", "ann (2)", "bob"])
    table = room.page.locator("#people table").bounding_box()
    first = room.newest.bounding_box()
    assert table["x"] + table["width"] < first["x"] and first["y"] < 400
    assert {one.bounding_box()["height"] for one in room.rows.all()} == {25}
    room.link("ann (2)").click()
    room.shows(1)
    expect(room.newest).to_contain_text("ann (2)")
    expect(room.link("ann (2)")).to_have_attribute("aria-current", "true")
    assert room.page.url == f"{room.url}/?name=ann+%282%29"
    room.call("bob", "m0")
    expect(room.row("bob").locator("td")).to_have_text(["", "", "0", "2", REFUSED])
    room.shows(1)
    room.page.reload()
    room.shows(1)
    room.link("Everyone").click()
    room.shows(5)
    assert room.complaints == []


def test_clients_and_keys_are_chosen_from_those_that_were_seen(room):
    room.ask()
    room.shows(5)
    clients = room.page.locator("#client option")
    expect(clients).to_have_text(["any", "m2m.dpop (1)"])
    room.ask()
    expect(clients).to_have_text(["any", "m2m.dpop (2)"])
    for name, some in (("Client", 2), ("Key", 2)):
        choice = room.page.get_by_role("combobox", name=name)
        expect(choice.locator("option")).to_have_count(2)
        choice.select_option(index=1)
        room.shows(some)
        expect(room.newest.get_by_role("heading")).to_have_text(ACCEPTED)
        choice.select_option(index=0)
        room.shows(6)


def test_a_row_keeps_the_focus_while_its_numbers_grow(room):
    room.link("bob").focus()
    for number in (2, 3):
        room.call("bob", "m0")
        expect(room.row("bob").locator("td").nth(3)).to_have_text(str(number))
    expect(room.link("bob")).to_be_focused()


def test_the_room_needs_no_mouse(room):
    keyboard = room.page.keyboard
    room.tab_to("ann (2)")
    keyboard.press("Enter")
    room.shows(1)
    room.tab_to("Reset for all")
    keyboard.press("Enter")
    expect(room.said).to_contain_text("Press again")
    room.shows(1)
    keyboard.press("Enter")
    room.shows(0)
    expect(room.rows).to_have_count(0)
    assert room.page.url == f"{room.url}/"
    room.call("bob")
    room.shows(1)


def test_a_reset_empties_the_pages_of_all_and_only_the_trainer_has_the_button(room, context):
    assert "trainer" not in room.page.url
    with closing(context.new_page()) as page:
        other = Served(f"{room.url}?name=bob", page)
        other.shows(1)
        expect(page.get_by_role("button", name="Reset for all")).to_be_hidden()
        room.page.reload()
        for name in ("Reset for all", "Press again"):
            room.page.get_by_role("button", name=name).click()
        for one in (room, other):
            one.shows(0)
            expect(one.said).to_contain_text("begun anew")
        for name in ("ann", "bob"):
            room.call(name)
        other.shows(1)  # whoever looks at bob still does
        room.shows(2)
        assert other.complaints == []


def test_the_trainers_url_counts_where_the_page_is_open_already(room, context):
    with closing(context.new_page()) as page:
        page.goto(f"{room.url}/")
        expect(page.get_by_role("button", name="Reset for all")).to_be_hidden()
        page.goto(f"{room.url}/#trainer={room.trainer}")
        expect(page.get_by_role("button", name="Reset for all")).to_be_visible()
        assert page.url == f"{room.url}/"


def test_the_page_of_a_room_has_no_faults_that_axe_knows(room):
    room.page.emulate_media(reduced_motion="reduce")
    room.ask()
    room.shows(5)
    room.link(LONG).click()
    room.has_no_faults("room")
    room.page.set_viewport_size({"width": 360, "height": 768})
    assert room.page.evaluate("() => document.documentElement.scrollWidth") <= 360
    assert room.link(LONG).bounding_box()["width"] > 100


def test_sixty_names_and_thousands_of_requests_leave_the_page_usable(room):
    """What is there is not made anew: of many rows those change that have to."""
    room.page.evaluate("""() => {
        window.made = 0;
        new MutationObserver(all => { window.made += all.length; })
            .observe(document.body, { childList: true, subtree: true });
    }""")
    with closing(HTTPConnection("127.0.0.1", urlsplit(room.url).port, timeout=60)) as one:
        for number in range(600):
            one.request("GET", "/x", headers={"DPoP-Lab-Name": f"p{number % 60}"})
            one.getresponse().read()
    expect(room.rows).to_have_count(64)
    expect(room.row("p59").locator("td").nth(3)).to_have_text("10")
    assert room.page.locator("#rows a").all_text_contents()[6:9] == ["p2", "p3", "p4"]
    room.shows(100)
    before = room.page.evaluate("() => window.made")
    room.call("p7")
    expect(room.row("p7").locator("td").nth(3)).to_have_text("11")
    assert room.page.evaluate("() => window.made") - before < 20
    room.link("p7").click()
    room.shows(11)
    assert room.page.evaluate("() => document.documentElement.scrollWidth") <= ROOM["width"]
    room.keep_picture("sixty")
    assert room.complaints == []
