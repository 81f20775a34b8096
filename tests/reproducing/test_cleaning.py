"""The ablation of what cleans ahead of a network, as the report tells it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from scalewise.reproducing.markdown import to_markdown
from scalewise.reproducing.report import make_document, write_report
from scalewise.reproducing.results import PLAN_FILE, UNRESTORED, load_results
from scalewise.reproducing.sections.cleaning import PARTS, cleaning_parts, effect
from tests.reproducing.made_up import CLEANING

pytestmark = pytest.mark.usefixtures("plain_plots")


def test_what_a_part_brings_is_the_difference_of_the_scores(reproduction: Path) -> None:
    results = load_results(reproduction)
    block, module = (effect(results, part) for part in PARTS)
    assert "+0.25 dB on Set14" in block
    assert "protocol denoise25" in block
    assert "\u22120.10 dB on Set14" in module
    assert "PSNR-Y, protocol jpeg20" in module


def test_the_report_has_both_beside_what_was_given(reproduction: Path) -> None:
    markdown = to_markdown(make_document(load_results(reproduction)), "report")
    section = markdown.partition("## Ablation: denoising block")[2].partition("\n## ")[0]
    assert section.count("| as given |") == 2
    for title in ("without denoising block", "with artifact module"):
        assert f"| {title} |" in section


@pytest.fixture
def older(reproduction: Path, tmp_path: Path) -> Path:
    """A folder from before there was this ablation."""
    folder = tmp_path / "older"
    shutil.copytree(reproduction, folder)
    for name in (*CLEANING, UNRESTORED):
        shutil.rmtree(folder / name)
    plan = json.loads((folder / PLAN_FILE).read_text())
    plan["experiments"] = [each for each in plan["experiments"] if each["group"] != "cleaning"]
    (folder / PLAN_FILE).write_text(json.dumps(plan))
    return folder


def test_an_older_folder_still_makes_a_report(older: Path) -> None:
    results = load_results(older)
    assert results.unrestored is None
    assert "as given" not in str(cleaning_parts(results))
    for path in write_report(results):
        assert path.is_file()
