"""Documentation checked against the code: links, names, numbers."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path

import pytest

import scalewise
from scalewise.imaging.protocols import PROTOCOLS, denoising
from scalewise.weights import list_cards
from tests.test_architecture import imports_of_the_house

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
]
LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What headings are called in links, as GitHub makes it."""
    titles = HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    broken: list[str] = []
    for link in ("".join(match) for match in LINK.findall(text)):
        target, _, anchor = link.partition("#")
        if target.startswith(("http://", "https://", "data:")):
            continue
        path = page if not target else page.parent / target
        if not path.exists() or (anchor and path.suffix == ".md" and anchor not in anchors(path)):
            broken.append(link)
    assert broken == []


def test_every_page_is_listed() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in index, page.name
    for card in list_cards():
        assert f"weights/{card.name}/README.md)" in index, card.name


def test_seconds_of_the_readme_are_the_last_measured() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    field = json.loads((ROOT / "benchmarks/results/field.json").read_text(encoding="utf-8"))
    seconds = {
        (each["name"], each["precision"]): f"{each['seconds_per_megapixel']:.2f}"
        for each in field["measured"]
    }
    rows = dict(re.findall(r"^\| `(\w+)` \| .+ \| (\d\.\d\d) \|$", readme, re.MULTILINE))
    timed = {name: value for name, value in rows.items() if (name, "bf16") in seconds}
    assert len(timed) > 3
    assert timed == {name: seconds[name, "bf16"] for name in timed}
    assert f"`scn_x2` takes {seconds['scn_x2', 'int8']} and" in " ".join(readme.split())


def test_every_released_model_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for card in list_cards():
        assert f"| `{card.name}` |" in readme, card.name


def test_the_picture_of_the_house_is_true() -> None:
    imports: dict[str, set[str]] = {}
    for package, found in imports_of_the_house().values():
        imports.setdefault(package, set()).update(found)

    def reached(package: str, without: str) -> set[str]:
        """What a package imports by way of others than one."""
        seen: set[str] = set()
        todo = [each for each in imports[package] if each != without]
        while todo:
            each = todo.pop()
            if each not in seen:
                seen.add(each)
                todo += imports[each]
        return seen

    needed = {
        (above, below)
        for above, all_below in imports.items()
        for below in all_below
        if below not in reached(above, below)
    }
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^  (\w+) --> (\w+)$", text, re.MULTILINE)) == needed
    for package in imports:
        assert f"`{package}`" in text


def test_protocols_are_described_as_they_are() -> None:
    text = (ROOT / "docs" / "protocols.md").read_text(encoding="utf-8")
    for protocol in (*PROTOCOLS.values(), denoising(25)):
        described = protocol.description.removeprefix(f"protocol {protocol.name}: ")
        assert f"**{protocol.name}**: {described}" in text, protocol.name


def test_what_the_python_interface_names_is_there() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    for name in scalewise.__all__:
        assert re.search(rf"`scalewise\.{name}[(`]", text), name
    rows = re.findall(r"^\| `(scalewise\.\w[\w.]*)` \| (.*) \|$", text, re.MULTILINE)
    assert len(rows) > 10
    for module, what in rows:
        names = re.findall(r"`(\w+)`", what)
        for name in names:
            assert hasattr(import_module(module), name), f"{module}.{name}"


def test_where_to_change_what_names_files_that_exist() -> None:
    """A row names at most three files; ``NAME`` stands for that of a new one."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    _, _, section = text.partition("## Where do I change ...?\n")
    rows = re.findall(
        r"^\| (an? .*|the .*|what .*) \| (.*) \|$", section.partition("\n## ")[0], re.M
    )
    assert len(rows) == 10
    for what, files in rows:
        named = re.findall(r"`([\w./]+/[\w./]+|README\.md)`", files)
        assert 1 <= len(named) <= 3, what
        for name in named:
            path = ROOT / name
            assert path.exists() or (path.stem == "NAME" and path.parent.is_dir()), (
                f"{what}: {name}"
            )


def test_the_tests_that_are_named_exist() -> None:
    defined = {
        name
        for path in (ROOT / "tests").rglob("*.py")
        for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))
    }
    for page in PAGES:
        named = set(re.findall(r"`(test_\w+)`", page.read_text(encoding="utf-8")))
        assert named <= defined, page.name
