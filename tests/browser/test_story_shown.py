"""A story where it is shown: pictures in JupyterLab, the HAR in a browser's developer tools."""

import html
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
import requests
from lesson import Lesson, expect

from dpop_lab import time_windows
from dpop_lab.lab.lab import Lab

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

LAST = "zz_story"  # a notebook of its own, after the lessons
CODE = """\
from IPython.display import Markdown
from dpop_lab import time_windows
from dpop_lab.wire.message import Exchange
from dpop_lab.client.recorder import SessionLog
from dpop_lab.session.story import Story
log = SessionLog()
for text in {texts!r}:
    said = (("WWW-Authenticate", f'DPoP error="{{text}}"'),)
    log.record(Exchange(text, "https://" + text, (), "", 0, 1, 401, text, said))
log.record(Exchange("GET", "nowhere", (), "", 0, 1, failure="end;"))
drawn = Story(log).diagram()
display(Story(log), drawn, time_windows(age=40), Markdown(drawn.markdown()))
"""
TEXTS = ["end", "a;b#35;c", "two\nlines", "<b onclick=x>", "%%{init: {}}%%", "```", "A->>B: c"]
SAVE = """([name, source, html]) => window.jupyterapp.serviceManager.contents.save(name, {
    type: 'notebook', format: 'json', content: { nbformat: 4, nbformat_minor: 5,
    metadata: { kernelspec: { name: 'python3', display_name: 'Python 3' } }, cells: [
        { cell_type: 'code', id: 'a', metadata: {}, execution_count: null, source, outputs: [
            { output_type: 'display_data', metadata: {}, data: { 'text/html': html }}] }]}
})"""
STYLES = """(html) => {
    const given = document.createElement('template');
    given.innerHTML = html;
    const shown = window.jupyterapp.shell.currentWidget.node.querySelector('figure').parentNode;
    return [given.content, shown].map(part =>
        Array.from(part.querySelectorAll('*'), one => one.tagName + one.style.cssText));
}"""
IMPORT = """async har => {
    const from = 'devtools://devtools/bundled/models/har/har.js';
    const { HARFormat, Importer } = await import(from);
    const root = new HARFormat.HARRoot(har);
    return Promise.all(Importer.Importer.requestsFromHARLog(root.log).map(async one => [
        one.requestMethod, one.url(), one.statusCode, await one.requestFormData(),
        one.responseHeaders.length, (await one.requestContentData()).text]));
}"""


@pytest.mark.parametrize("name", [LAST])
def test_pictures_are_drawn_with_every_text_as_it_is(
    lesson: Callable[[str], Lesson], name: str
) -> None:
    with Lab() as lab:
        lab.send("htm_delete")
        stored = lab.story.diagram()._repr_html_() + time_windows(age=40)._repr_html_()
    page = lesson("00_start").page
    page.evaluate(SAVE, [f"{name}.ipynb", CODE.format(texts=TEXTS), stored])
    not_run = lesson(name)
    given, kept = page.evaluate(STYLES, stored)
    assert kept == given  # nothing of it is taken out before the cell is run
    shown = not_run.run()
    drawing = shown.tab.locator(".jp-RenderedMermaid img")
    expect(drawing).to_have_attribute("alt", "8 exchanges")
    source = unquote(drawing.get_attribute("src") or "")
    in_mermaid = [html.unescape(re.sub("<[^>]*>", "", one))
                  for one in re.findall(r"<text[^>]*>(.*?)</text>", source, re.S)]  # fmt: skip
    picture = shown.tab.locator("figure").first
    in_html = picture.locator("strong").all_inner_texts()
    for texts, failed in ((in_html, ""), (in_mermaid, "✗ ")):
        for number, text in enumerate(TEXTS, 1):
            printed = text.replace("\n", r"\n")
            assert any(one.startswith(f"{number}. {printed} /") for one in texts)
            assert f"{failed}401 {printed}" in texts
        assert f"{failed}no answer: end;" in texts
    assert shown.faults("story") == []
    assert not shown.said and not shown.strangers()


def test_the_developer_tools_of_chromium_take_the_har(context: "BrowserContext") -> None:
    with Lab(api_nonce=True) as lab:
        lab.session.get(f"{lab.api}?a=b", auth=lab.auth("m2m.dpop.nonce"))
        with pytest.raises(requests.ConnectionError):
            lab.session.get("http://127.0.0.1:1/")
        story = lab.story
    page = context.new_page()
    page.goto("devtools://devtools/bundled/inspector.html")
    taken: list[Any] = page.evaluate(IMPORT, story.har())
    page.close()
    assert taken == [
        [
            one.method,
            one.url,
            one.status or 0,
            one.request_body or None,
            len(one.response_headers),
            one.response_body,
        ]
        for one in (step.exchange for step in story)
    ]
