"""Files as models on the command line, and conversions of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from scalewise.files import Picture, read, write
from scalewise.models import create_model, export_onnx


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "small.onnx"
    export_onnx(create_model("plain", width=8, convolutions=4), path, any_size=True)
    return path


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    (tmp_path / "sample").mkdir()
    ramp = np.linspace(0, 255, 80 * 96 * 3).reshape(80, 96, 3).astype(np.uint8)
    write(tmp_path / "sample" / "ramp.png", Picture(ramp))
    return tmp_path / "sample"


def test_an_onnx_file_where_a_model_is_named(
    call, graph: Path, sample: Path, tmp_path: Path
) -> None:
    picture = sample / "ramp.png"
    code, _, err = call("upscale", picture, "-o", tmp_path / "x3.png", "-m", graph, "--scale", 3)
    assert (code, err) == (0, "warning: small.onnx: licence unknown\n")
    assert read(tmp_path / "x3.png").pixels.shape == (240, 288, 3)
    code, out, _ = call("evaluate", graph, sample)
    assert code == 0
    assert "small.onnx" in out
    both = ("-m", "scn_fast_x2", "-m", graph)
    code, out, _ = call("compare", picture, *both, "-o", tmp_path / "sheets")
    assert code == 0
    assert (tmp_path / "sheets" / "ramp_small.onnx.png").is_file()


def test_a_network_that_keeps_the_size_needs_a_task(call, sample: Path, tmp_path: Path) -> None:
    export_onnx(create_model("plain", scale=1, width=8, convolutions=4), tmp_path / "same.onnx")
    code, _, err = call("evaluate", tmp_path / "same.onnx", sample)
    assert code == 1
    assert "same.onnx does not enlarge; name its task with --task" in err
    code, out, _ = call("evaluate", tmp_path / "same.onnx", sample, "--task", "denoise")
    assert (code, "denoise25" in out or "sigma" in out) == (0, True)


def test_convert_says_what_it_checked(call, graph: Path, tmp_path: Path) -> None:
    code, out, _ = call("convert", graph, "-o", tmp_path / "f.onnx", "--size", "48x32")
    assert code == 0
    assert "image (N, 3, H, W) in [0, 1], H 32, W 48, to 2 times that size" in out
    assert "of white, on 48x32 pixels" in out
    code, out, err = call("convert", graph, "-o", tmp_path / "w.pth")
    assert (code, "does not name the weights of its network" in err) == (1, True)
    code, _, err = call("convert", "scn_x2", "-o", tmp_path / "w.pth", "--size", "48x32")
    assert (code, "--size 48x32: .pth holds weights" in err) == (1, True)
    code, _, err = call("convert", "scn_x2", "-o", tmp_path / "w.onnx", "--size", "large")
    assert (code, "--size 'large': write WxH" in err) == (2, True)
