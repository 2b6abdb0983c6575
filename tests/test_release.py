"""What is released says one version, and the README reads on a package index as it does here."""

import re
import tomllib
from datetime import date
from functools import cache
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from readme_renderer import markdown

import dpop_lab
from tests import links
from tests.links import ROOT

README = (ROOT / "README.md").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))


KNOWN = ("", "/issues", "/security/advisories/new")  # pages of the forge's own


class Rendered(HTMLParser):
    """The targets and the anchors of a page as a package index renders it."""

    def __init__(self, text):
        super().__init__()
        self.targets, self.anchors = [], set()
        self.feed(markdown.render(text))

    def handle_starttag(self, tag, attrs):
        self.targets += [value for name, value in attrs if name in ("href", "src")]
        self.anchors |= {f"#{value}" for name, value in attrs if name == "id"}


def broken(text):
    """The links and pictures of a page that lead nowhere where its text is all there is."""
    page = Rendered(text)
    return [
        target
        for target in page.targets
        if target not in page.anchors
        and not (target.startswith("https://") and leads_somewhere(target))
    ]


def leads_somewhere(url):
    """Whether a URL is somebody else's, or names what is in this repository."""
    host, path, query = urlsplit(url)[1:4]
    _, ours, rest = path.partition(f"/{links.repository()}")
    if not ours or host not in ("github.com", "raw.githubusercontent.com", "mybinder.org"):
        return True
    if lesson := re.fullmatch(r"urlpath=lab/tree/(.+)", query):
        return (ROOT / lesson[1]).is_file()
    file = re.fullmatch(r"(?:/(?:blob|tree|raw))?/HEAD/(.+)", rest)
    return (ROOT / file[1]).exists() if file else rest in KNOWN


def test_the_readme_has_no_broken_link_or_picture_on_a_package_index():
    assert broken(README) == []
    assert len(Rendered(README).targets) > 8


@pytest.mark.parametrize(
    "target",
    [
        "docs/bench.png",
        "#no-such",
        "http://example.com",
        links.page("no.md"),
        f"{links.page()}/no",
        links.picture("docs/no.png"),
        links.binder("notebooks/99_no.ipynb"),
    ],
)
def test_a_broken_link_is_found(target):
    (found,) = broken(f"# Start\n\n[here](#start) [there]({target})")
    assert found.replace("user-content-", "") == target


PAGES = [path for path in links.pages() if path.suffix == ".md"]


@cache
def rendered(page):
    """A page of the repository as a package index renders it."""
    return Rendered(page.read_text("utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_link_from_page_to_page_leads_to_a_file_and_to_a_heading(page):
    for target in rendered(page).targets:
        if not target.startswith("https://"):
            name, _, anchor = target.partition("#")
            file = (page.parent / unquote(name)).resolve() if name else page
            assert file.exists(), target
            anchors = rendered(file).anchors if anchor else ()
            assert not anchor or {f"#{anchor}", f"#user-content-{anchor}"} & anchors, target


def test_each_url_of_the_project_leads_somewhere():
    urls = PROJECT["urls"]
    assert set(urls) == {"Documentation", "Source", "Issues", "Changelog"}
    assert [url for url in urls.values() if not leads_somewhere(url)] == []
    assert urls["Source"] == CITATION["repository-code"] == links.page()


def test_version_date_and_licence_are_the_same_wherever_they_are_said():
    newest = re.search(r"^## (\S+) \((\S+)\)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert newest.groups() == (dpop_lab.__version__, CITATION["date-released"].isoformat())
    assert CITATION["version"] == dpop_lab.__version__
    assert CITATION["date-released"] <= date.today()
    assert CITATION["license"] == PROJECT["license"]
