"""The wheel: small enough, and complete without the repository beside it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST_BYTES = 40e6

TRY = """
import numpy, scalewise, sys
from scalewise.weights import find_release
from scalewise.weights.card import checked_file
from scalewise.web.app import PAGE
assert scalewise.__file__.startswith(sys.argv[1]), scalewise.__file__
image = numpy.zeros((16, 16, 3), numpy.uint8)
assert scalewise.load().restore(image).shape == (32, 32, 3)
for card in scalewise.list_models():
    for file in card.sha256:
        checked_file(find_release(card.name), card, file)
    print(card.name)
assert (PAGE / "index.html").is_file()
"""

TRY_EXPERIMENTS = """
import sys
from pathlib import Path
import scalewise
from scalewise.experiments.plan import make_plan
from scalewise.experiments.report import make_report, to_html, to_markdown
from scalewise.experiments.results import Measured, Plan, Results
assert scalewise.__file__.startswith(sys.argv[1]), scalewise.__file__
for form in ("modern", "document"):
    planned = make_plan(form, Path("out"), Path("train.pack"), Path("valid"))
    print(form, len(planned))
    plan = Plan(form=form, budget="3h", train="train", valid="valid", experiments=[])
    bicubic = Measured(weights="", scores=[])
    report = make_report(Results(Path("out"), plan, [], bicubic, [], None))
    assert "</html>" in to_html(report)
    assert "## Complexity" in to_markdown(report)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: a build leaves files behind."""
    pytest.importorskip("setuptools", minversion="77", reason="needs the test extra")
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "src" / "scalewise", source / "src" / "scalewise")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", folder, source], check=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size < MOST_BYTES


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run_beside(unpacked: Path, program: str) -> list[str]:
    """Return the words that a program prints with the wheel alone, without the repository."""
    ended = subprocess.run(
        [sys.executable, "-c", program, str(unpacked)],
        cwd=unpacked,
        env={"PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.split()


def test_the_wheel_is_complete(unpacked: Path) -> None:
    assert (unpacked / "scalewise/py.typed").is_file()
    assert not (unpacked / "tests").exists()
    assert run_beside(unpacked, TRY) == [
        path.parent.name for path in sorted((ROOT / "src/scalewise/weights").glob("*/card.json"))
    ]


def test_the_experiments_run_from_the_wheel(unpacked: Path) -> None:
    """Their recipes and the templates of their report are package data."""
    assert run_beside(unpacked, TRY_EXPERIMENTS) == ["modern", "71", "document", "6"]
