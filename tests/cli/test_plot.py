"""``scalewise plot``: where the image goes, and in what colours."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from scalewise.cli.app import app
from scalewise.errors import ScalewiseError

LOG = """step,seconds,progress,rate,loss,psnr_y
20,36.0,0.25,0.001,0.0312,
40,72.0,0.5,0.001,0.0298,37.512
"""


@pytest.fixture(autouse=True)
def in_a_folder_of_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        Path(name).mkdir()
        (Path(name) / "log.csv").write_text(LOG)


def plot(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["plot", *arguments])


@pytest.mark.parametrize(
    ("arguments", "file"),
    [
        (["one"], "one/curves.png"),
        (["one", "two", "--x", "time"], "curves.png"),
        (["one", "-o", "mine.png"], "mine.png"),
    ],
)
def test_where_the_picture_goes(arguments: list[str], file: str) -> None:
    result = plot(*arguments)
    assert (result.exit_code, result.stdout) == (0, f"curves: {Path(file)}\n")
    assert min(Image.open(file).size) > 400


def test_dark_is_light_on_dark() -> None:
    for option in ("--dark", "--x=steps"):
        assert plot("one", option, "-o", f"{option}.png").exit_code == 0
    dark, light = (
        Image.open(name).convert("L").getpixel((1, 1)) for name in ("--dark.png", "--x=steps.png")
    )
    assert (dark < 40, light) == (True, 255)


def test_a_mistake_leaves_no_picture() -> None:
    for arguments in (["one", "three"], ["one", "-o", "curves.bmp"]):
        assert isinstance(plot(*arguments).exception, ScalewiseError)
    assert {path.name for path in Path().rglob("*.*")} == {"log.csv"}
