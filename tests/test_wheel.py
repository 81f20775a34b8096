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
from scalewise.web.app import PAGE
assert scalewise.__file__.startswith(sys.argv[1]), scalewise.__file__
image = numpy.zeros((16, 16, 3), numpy.uint8)
for card in scalewise.list_models():
    size = 16 * card.scale
    assert scalewise.load(card.name).restore(image).shape == (size, size, 3)
    print(card.name)
assert (PAGE / "index.html").is_file()
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


def test_the_wheel_is_complete(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path)
    assert "scalewise/py.typed" in names
    assert not [name for name in names if name.startswith("tests/")]
    ended = subprocess.run(
        [sys.executable, "-c", TRY, str(tmp_path)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == [
        path.parent.name for path in sorted((ROOT / "src/scalewise/weights").glob("*/card.json"))
    ]
