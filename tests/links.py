"""Links into this repository, all made from one setting: `[tool.dpop_lab] repository`.

    python -m tests.links            after the setting was changed, or others' pages were merged
    python -m tests.links --check    write nothing; exit 1 when a link would change

A fork names itself in pyproject.toml and runs this: lessons, pages, citation and metadata follow.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("*.md", "*.cff", "pyproject.toml", "docs/**/*.md", "notebooks/*.*", ".devcontainer/*")
OTHERS = frozenset({"codespaces"})  # owners of what pages link to that is not this repository
NAME = r"[\w.-]+/[\w-]+(?:\.[\w-]+)*"  # a full stop behind it ends the sentence
LINK = re.compile(
    r"(https://(?:github\.com|raw\.githubusercontent\.com|codespaces\.new|mybinder\.org/v2/gh)/)"
    rf"({NAME})"
)
CLONE = re.compile(rf"(git clone https://github\.com/{NAME} && cd )[\w.-]+")


def repository(root: Path = ROOT) -> str:
    """OWNER/NAME of the repository, out of pyproject.toml. Raises ValueError for another form."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    url = settings["tool"]["dpop_lab"]["repository"]
    if not (found := re.fullmatch(rf"https://github\.com/({NAME})", url)):
        raise ValueError(f"repository: wanted https://github.com/OWNER/NAME, found {url!r}")
    return found[1]


def page(path: str = "") -> str:
    """The URL of a file as its forge shows it, `docs/links.md#a-lesson`; "" is the repository."""
    return f"https://github.com/{repository()}" + (f"/blob/HEAD/{path}" if path else "")


def picture(path: str) -> str:
    """The URL of a picture as it is, for pages that are shown elsewhere: `docs/bench.png`."""
    return f"https://raw.githubusercontent.com/{repository()}/HEAD/{path}"


def binder(path: str) -> str:
    """The URL that opens a notebook on Binder, in JupyterLab, which knows no way to a heading."""
    return f"https://mybinder.org/v2/gh/{repository()}/HEAD?urlpath=lab/tree/{path}"


def codespace() -> str:
    """The URL that opens the dev container in GitHub Codespaces, after it was asked for."""
    return f"https://codespaces.new/{repository()}?quickstart=1"


def rewritten(text: str, name: str) -> str:
    """A text in which every link to a repository is to this one, but those to `OTHERS`."""

    def ours(link: re.Match[str]) -> str:
        return link[0] if link[2].partition("/")[0] in OTHERS else link[1] + name

    return CLONE.sub(rf"\g<1>{name.partition('/')[2]}", LINK.sub(ours, text))


def pages(root: Path = ROOT) -> Iterator[Path]:
    """The files in which links are rewritten."""
    for pattern in PAGES:
        yield from sorted(path for path in root.glob(pattern) if path.is_file())


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """The command; with --check 1 when a link would change."""
    parser = argparse.ArgumentParser(prog="python -m tests.links", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--check", action="store_true", help="write nothing, tell what would be")
    check, changed, name = parser.parse_args(arguments).check, False, repository(root)
    for path in pages(root):
        text = path.read_text(encoding="utf-8")
        if (other := rewritten(text, name)) != text:
            changed = True
            print(f"{path.relative_to(root)}: {'would change' if check else 'links rewritten'}")
            if not check:
                path.write_text(other, encoding="utf-8", newline="\n")
    return int(changed and check)


if __name__ == "__main__":
    sys.exit(main())
