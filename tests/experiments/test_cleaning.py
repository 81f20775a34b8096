"""The report's ablation of denoising block and artifact module."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from scalewise.experiments.comparisons import CLEANING, seed_name
from scalewise.experiments.report import make_report, to_html, to_markdown, write_report
from scalewise.experiments.results import ALTERNATIVES, PLAN_FILE, UNRESTORED, load_results
from tests.experiments.test_report import Page

pytestmark = pytest.mark.usefixtures("plain_plots")


def test_what_a_part_brings_is_the_difference_of_the_scores(reproduction: Path) -> None:
    text = Page(to_html(make_report(load_results(reproduction)))).text
    gain = "+0.25 ± 0.00 dB (3 seeds)"
    gains = f"on lenna {gain}; on Set5 {gain}; on Set14 {gain}"
    assert f"The denoising block: {gains} (PSNR over RGB, protocol denoise25)." in text
    loss = "\u22120.10 ± 0.00 dB (3 seeds)"
    losses = f"on lenna {loss}; on Set5 {loss}; on Set14 {loss}"
    assert f"The artifact module: {losses} (PSNR-Y, protocol jpeg20)." in text


def test_the_report_has_both_beside_what_was_given(reproduction: Path) -> None:
    markdown = to_markdown(make_report(load_results(reproduction)))
    section = markdown.partition("## Ablation: denoising block")[2].partition("\n## ")[0]
    assert section.count("| as given |") == 4
    assert "with noise of sigma 0 to 10 in JPEGs of quality 60 to 95" in section
    assert "After equal steps, 400, the denoising block changes it by +" in section
    for title in ("without denoising block", "x2, with artifact module"):
        assert f"| {title} |" in section


@pytest.fixture
def older(reproduction: Path, tmp_path: Path) -> Path:
    """A folder from before there was this ablation, and before the alternatives."""
    folder = tmp_path / "older"
    shutil.copytree(reproduction, folder)
    names = [seed_name(name, seed) for name, each in CLEANING.items() for seed in each.seeds]
    for name in (*names, UNRESTORED, ALTERNATIVES):
        shutil.rmtree(folder / name)
    plan = json.loads((folder / PLAN_FILE).read_text())
    plan["experiments"] = [each for each in plan["experiments"] if each["group"] != "cleaning"]
    (folder / PLAN_FILE).write_text(json.dumps(plan))
    return folder


def test_an_older_folder_still_makes_a_report(older: Path) -> None:
    results = load_results(older)
    assert results.unrestored is None
    assert "as given" not in to_markdown(make_report(results))
    for path in write_report(results):
        assert path.is_file()
