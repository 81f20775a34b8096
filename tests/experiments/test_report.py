"""The written report: one self-contained page, and the same in Markdown."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from scalewise.experiments import report
from scalewise.experiments.comparisons import ABLATION, COMPARATORS
from scalewise.experiments.queries import PUBLISHED
from scalewise.experiments.report import write_report
from scalewise.experiments.results import load_results
from scalewise.imaging.protocols import FIELD, SQUASH256
from tests.experiments.made_up import EQUAL_TIME, TRAININGS

REMARK = "protocol not stated by the document beyond its code"
VOID = {"meta", "img", "source", "br", "hr", "link"}
MEGABYTES = 6


class Page(HTMLParser):
    """Tags and text of a page; fails if a tag is not closed in the right order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def written(reproduction: Path) -> tuple[Path, Path]:
    return write_report(load_results(reproduction))


@pytest.fixture(scope="module")
def page(written: tuple[Path, Path]) -> Page:
    return Page(written[0].read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def markdown(written: tuple[Path, Path]) -> str:
    return written[1].read_text(encoding="utf-8")


def test_the_page_needs_no_other_file(written: tuple[Path, Path], page: Page) -> None:
    links = [
        attributes[name]
        for _, attributes in page.tags
        for name in ("src", "srcset", "href")
        if name in attributes
    ]
    assert links
    assert all(link.startswith(("data:image/", "#")) for link in links)
    assert "@import" not in (text := written[0].read_text(encoding="utf-8"))
    assert "url(" not in text
    assert written[0].stat().st_size < MEGABYTES * 2**20
    assert not list(written[0].parent.rglob(".scalewise-*"))


def test_every_figure_is_there_in_light_and_dark(page: Page) -> None:
    images, dark = page.all("img"), page.all("source")
    # the document's 8 figures, 2 overlays, ablation and comparators; 3 sheets; time; attention x 2;
    # the ablation's differences; curves of the four parts that clean; the strip of denoising
    # methods; gradients and overshoot
    assert len(images) == 8 + 2 + 2 + 3 + 1 + 2 + 1 + 4 + 1 + 2
    assert len(dark) == len(images) - 4
    assert {each["media"] for each in dark} == {"screen and (prefers-color-scheme: dark)"}
    sources = [each["src"] for each in images] + [each["srcset"] for each in dark]
    assert len(set(sources)) == len(sources)
    for source in sources:
        kind, _, content = source.partition(";base64,")
        picture = base64.b64decode(content)
        if kind == "data:image/svg+xml":
            ElementTree.fromstring(picture)
        else:
            assert kind == "data:image/webp"
            assert picture[8:12] == b"WEBP"


def test_the_page_can_be_read_by_everyone(page: Page) -> None:
    assert page.all("html") == [{"lang": "en"}]
    assert all(each["alt"] for each in page.all("img"))
    assert all(each["scope"] in ("col", "row") for each in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table")) > 0
    assert len(page.all("figcaption")) == len(page.all("figure")) > 0
    targets = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    contents = [each["href"][1:] for each in page.all("a")]
    assert len(contents) == 14
    assert set(contents) <= targets


@pytest.mark.parametrize("form", ["html", "markdown"])
def test_all_is_said(form: str, page: Page, markdown: str) -> None:
    text = page.text if form == "html" else _unescaped(markdown)
    titles = [title for title, *_ in TRAININGS.values()]
    titles += [each.title for each in (*ABLATION.values(), *COMPARATORS.values())]
    for words in (*titles, *TRAININGS, *EQUAL_TIME, FIELD.description, SQUASH256.description):
        assert words in text, words
    for published in PUBLISHED:
        assert f"{published.div2k:.2f}" in text
        assert f"{published.set14:.2f}" in text
    assert text.count(REMARK) == 1
    assert "most likely of the single image lenna: bicubic scores 34.88 dB on" in text
    assert "30.88 dB on the set (protocol squash256)" in text
    assert "33.61 dB for bicubic and 35.75 dB for our released original_x2" in text
    assert "DIV2K is empty, because its images were not given" in text
    assert "this fills it: scalewise reproduce --data DIR --budget 3h" in text
    assert "Original is 0.41 dB above Adaptive on Set14" in text
    shape = "10 epochs of 400 steps (batch 16, patches of 48 pixels)"
    assert f"{shape}, 4,000 steps taken in 10 min; at full length an epoch has" in text
    assert "33.38" in text
    for number in range(1, 9):
        assert f"Figure {number}, in the modern form. Ours: " in text
    for figures in ("1-8", "9-10", "11-12"):
        assert f"figures {figures}" in text
    for absent in ("Not trained", "Not made", "Missing", "missing", "not looked at"):
        assert absent not in text


@pytest.mark.usefixtures("plain_plots")
def test_the_committed_report_is_that_of_its_results() -> None:
    folder = Path(__file__).parents[2] / "docs/report"
    modern, document = (load_results(folder / "results" / x) for x in ("modern", "document"))
    made = report.to_markdown(report.make_report(modern, document))
    committed = (folder / "report.md").read_text(encoding="utf-8")
    made, committed = (text.replace(".png", ".svg") for text in (made, committed))  # plain plots
    assert made == committed, "docs/report differs from its results: see CONTRIBUTING.md"


def test_every_command_of_a_template_names_its_data() -> None:
    templates = [*(Path(report.__file__).parent / "templates").rglob("*.j2")]
    text = " ".join(" ".join(path.read_text(encoding="utf-8").split()) for path in templates)
    assert text.count("scalewise reproduce") > 2
    assert not re.search("scalewise reproduce(?! --data DIR)", text)


def test_markdown_has_its_pictures_beside_it(written: tuple[Path, Path], markdown: str) -> None:
    folder = written[1].parent
    named = re.findall(r'(?:src|srcset)="([^"]+)"', markdown)
    assert len(named) > 20
    assert all((folder / name).is_file() for name in named)
    assert {f"report/{path.name}" for path in (folder / "report").iterdir()} == set(named)
    assert "http" not in markdown
    assert str(folder) not in markdown


def test_both_have_the_same_sections(page: Page, markdown: str) -> None:
    headings = re.findall(r"^## (.+)$", markdown, re.MULTILINE)
    assert len(headings) == 14
    assert all(heading in page.text for heading in headings)
    addresses = re.findall(r"\]\(#([^)]+)\)", markdown)
    assert [each["href"][1:] for each in page.all("a")] == addresses


def test_markdown_tables_are_whole(markdown: str) -> None:
    tables = re.findall(r"(?:^\|.*\n)+", markdown, re.MULTILINE)
    assert len(tables) > 10
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def _unescaped(markdown: str) -> str:
    text = re.sub(r"\\([\\`*_{}\[\]#|~$])", r"\1", markdown)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
