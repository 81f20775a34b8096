"""The report names its form, and compares with a reproduction in the other form."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scalewise.experiments.queries import FORMS
from scalewise.experiments.report import make_report, to_html, to_markdown
from scalewise.experiments.results import Results, load_results
from scalewise.experiments.tables import measured
from tests.experiments.made_up import make_reproduction
from tests.experiments.test_report import Page
from tests.experiments.test_tables import row

pytestmark = pytest.mark.usefixtures("plain_plots")


@pytest.fixture(scope="module")
def squashed(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A reproduction in the document's form, half a decibel below the modern one."""
    folder = make_reproduction(tmp_path_factory.mktemp("document"), "document", below=0.5)
    return load_results(folder)


@pytest.fixture(scope="module")
def results(reproduction: Path) -> Results:
    return load_results(reproduction)


def read(results: Results, also: Results | None = None) -> str:
    return Page(to_html(make_report(results, also))).text


def test_the_form_is_named(results: Results, squashed: Results) -> None:
    modern, document = read(results), read(squashed)
    assert "calls the document. The networks were trained in the modern form." in modern
    assert "calls the document. The networks were trained in the document's own form." in document
    assert "Recipes in the document's own form: whole images squashed to one size" in document
    assert "Figure 1, in the document's own form" not in modern
    assert "The same in" not in modern


def test_the_forms_own_protocol_comes_first(results: Results, squashed: Results) -> None:
    first = "form: PSNR-Y in dB, protocol "
    assert read(results).split(first)[1].startswith("field.")
    assert read(squashed).split(first)[1].startswith("squash256.")
    assert "PSNR-Y on 8 images of CID22_valid, protocol squash256" in read(squashed)


def test_forms_stand_side_by_side_and_never_in_one_table(
    results: Results, squashed: Results
) -> None:
    text = read(results, squashed)
    for protocol in ("field", "squash256"):
        for form in ("The modern form", "The document's own form"):
            assert text.count(f"{form}: PSNR-Y in dB, protocol {protocol}.") == 1
    assert row(measured(squashed, "squash256"), "Original")["Set14"] == "33.43"
    assert row(measured(results, "squash256"), "Original")["Set14"] == "33.93"
    differs = text.split("differs from the document's in several points")[1].split("new start.")[0]
    for words in ("residual", "Muon", "EMA", "rate", "patches", "flipped", "as in MATLAB"):
        assert words in differs
    assert "batches have 16 patches, in place of 16 whole images here and 8 whole images" in differs


def test_the_other_form_has_a_section(results: Results, squashed: Results) -> None:
    markdown = to_markdown(make_report(results, squashed))
    headings = re.findall(r"^## (.+)$", markdown, re.MULTILINE)
    at = headings.index("Table 1: published, and ours")
    assert headings[at + 1] == "The same in the document's own form"
    assert len(headings) == 15
    assert "(#the-same-in-the-documents-own-form)" in markdown
    text = read(results, squashed)
    for number in range(1, 9):
        document, modern = (f"Figure {number}, in {form}" for form in FORMS.values())
        assert text.index(document) < text.index(modern)
    assert "Sample images in the document's own form" in text
    assert (
        "Artifacts of each method on the sample images, over Y, protocol field, in the doc" in text
    )
    assert "The rest of this report is in the modern form, unless it says otherwise." in text
    assert text.count("measured with scalewise") > 4
    assert "end below bicubic on" not in text
    assert "squashed to 256 pixels: 6,400 images each, of the document's 800), 4,000 steps" in text


def test_a_form_whose_networks_are_all_below_bicubic_says_so(
    results: Results, tmp_path: Path
) -> None:
    below = load_results(make_reproduction(tmp_path / "document", "document", below=5.0))
    text = read(results, below)
    assert "All networks of this form end below bicubic on Set14 (protocol squash256)" in text
