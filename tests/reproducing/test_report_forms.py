"""The report names its form, and shows a reproduction in the other form where there is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from scalewise.reproducing.html import to_html
from scalewise.reproducing.markdown import to_markdown
from scalewise.reproducing.report import make_document
from scalewise.reproducing.results import Results, load_results
from scalewise.reproducing.tables import both_forms
from tests.reproducing.made_up import make_reproduction
from tests.reproducing.test_report import Page
from tests.reproducing.test_report_tables import row

pytestmark = pytest.mark.usefixtures("plain_plots")


@pytest.fixture(scope="module")
def squashed(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A reproduction in the document's form, half a decibel below the modern one."""
    folder = make_reproduction(tmp_path_factory.mktemp("document"), "document", below=0.5)
    return load_results(folder)


@pytest.fixture
def results(reproduction: Path) -> Results:
    return load_results(reproduction)


def read(results: Results, also: Results | None = None) -> str:
    return Page(to_html(make_document(results, also))).text


def test_the_form_is_named(results: Results, squashed: Results) -> None:
    modern, document = read(results), read(squashed)
    assert "this report, the document. Trained in the modern form." in modern
    assert "this report, the document. Trained in the document's own form." in document
    assert "Recipes in the document's own form: whole pictures squashed to one size" in document
    assert "the document's own form" not in modern
    assert "The same in" not in modern


def test_the_forms_own_protocol_comes_first(results: Results, squashed: Results) -> None:
    first = "Table 1 beside ours: PSNR-Y in dB, protocol "
    assert read(results).split(first)[1].startswith("field.")
    assert read(squashed).split(first)[1].startswith("squash256.")
    assert "PSNR-Y on 8 pictures of CID22_valid, protocol squash256" in read(squashed)


def test_both_forms_stand_in_one_table(results: Results, squashed: Results) -> None:
    table = both_forms(results, squashed, "squash256")
    assert table.headings == ["network", "DIV2K", "lenna", "Set14", "Set5"]
    assert row(table, "Original (published)")["lenna"] == "36.90"
    assert row(table, "bicubic")["Set14"] == "30.88"
    assert row(table, "Original, the modern form")["Set14"] == "33.93"
    assert row(table, "Original, the document's own form")["Set14"] == "33.43"
    assert row(table, "Adaptive, the document's own form")["Set14"] == "33.02"
    assert "protocol squash256" in table.caption
    assert "The modern form: Trained on train, 312 pictures" in table.caption
    assert "The document's own form: Trained on train, 312 pictures" in table.caption


def test_the_other_form_has_a_section(results: Results, squashed: Results) -> None:
    document = make_document(results, squashed)
    headings = [section.heading for section in document.sections]
    at = headings.index("Table 1: published, and ours")
    assert headings[at + 1] == "The same in the document's own form"
    assert len(headings) == 12
    assert "the-same-in-the-documents-own-form" in to_markdown(document, "report")
    text = read(results, squashed)
    assert "All else in this report is of the modern form." in text
    assert text.count("Both forms: PSNR-Y in dB, protocol squash256.") == 1
    assert text.count("Both forms: PSNR-Y in dB, protocol field.") == 1
