"""Conversions compute what their sources compute, or nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from scalewise import ScalewiseError, load
from scalewise.converting import Conversion, conversion, convert
from scalewise.models import RestorationNetwork, create_model, load_checkpoint
from scalewise.models.checkpoints import to_pth
from scalewise.weights.model_files import describe

pytestmark = pytest.mark.filterwarnings("ignore:.*licence unknown")
Call = Callable[..., tuple[int, str, str]]
IMAGE = np.random.default_rng(0).random((1, 3, 37, 53), np.float32)


@pytest.fixture(scope="module")
def network() -> RestorationNetwork:
    torch.manual_seed(0)
    made = create_model("scn_exact", width=8, blocks=1).eval()
    for parameter in made.parameters():
        parameter.data.add_(0.02 * torch.randn_like(parameter))
    return made


@pytest.fixture(scope="module")
def checkpoint(network: RestorationNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "tiny.pth"
    torch.save(to_pth(network), path)
    return path


@pytest.fixture(scope="module")
def graph(checkpoint: Path) -> Path:
    path = checkpoint.with_suffix(".onnx")
    convert(checkpoint, path)
    return path


def expected(network: nn.Module, image: Any = IMAGE) -> Any:
    with torch.inference_mode():
        return network(torch.from_numpy(image)).numpy()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_weights_there_and_back(
    network: RestorationNetwork, checkpoint: Path, tmp_path: Path, suffix: str
) -> None:
    done = convert(checkpoint, tmp_path / f"a{suffix}")
    assert (done.files, done.difference) == ([tmp_path / f"a{suffix}"], 0)
    found = load_checkpoint(tmp_path / f"a{suffix}")
    assert (found.architecture, found.settings) == (network.architecture, network.settings)
    assert np.array_equal(expected(found), expected(network))


def test_the_layout_of_basicsr(network: RestorationNetwork, checkpoint: Path) -> None:
    content = torch.load(checkpoint, weights_only=True)
    assert content["params"].keys() == network.state_dict().keys()
    with pytest.raises(ScalewiseError, match="it was trained with width=8, not 9"):
        load_checkpoint(checkpoint, width=9)


def test_official_scn_stays_readable(tmp_path: Path) -> None:
    network = create_model("scn", width=4, blocks=1, levels=3)
    torch.save({"params_ema": network.state_dict()}, tmp_path / "scn.pth")
    done = convert(tmp_path / "scn.pth", tmp_path / "scn.safetensors", settings={"levels": 3})
    assert done.multiple == 8
    assert load_checkpoint(tmp_path / "scn.safetensors").settings["levels"] == 3


def test_onnx_of_any_size_and_of_one(
    network: RestorationNetwork, graph: Path, checkpoint: Path, tmp_path: Path
) -> None:
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"image": IMAGE})
    assert np.abs(found - expected(network)).max() < 1e-5
    for source in (checkpoint, graph):
        done = convert(source, tmp_path / "fixed.onnx", size=(20, 28), overwrite=True)
        assert (done.size, done.scale) == ((20, 28), 2)
        assert 0 <= done.difference < 1e-5
        model = onnx.load(str(tmp_path / "fixed.onnx"))
        sides = model.graph.input[0].type.tensor_type.shape.dim
        assert [side.dim_value for side in sides] == [1, 3, 20, 28]
        onnx.checker.check_model(model, full_check=True)


def test_one_size_is_padded_inside(
    network: RestorationNetwork, checkpoint: Path, tmp_path: Path
) -> None:
    done = convert(checkpoint, tmp_path / "fixed.onnx", size=(18, 25))
    assert (done.size, done.difference < 1e-5) == ((18, 25), True)
    session = onnxruntime.InferenceSession(tmp_path / "fixed.onnx")
    image = IMAGE[..., :18, :25]
    (found,) = session.run(None, {"image": image})
    assert np.abs(found - expected(network, image)).max() < 1e-5


def test_openvino(
    network: RestorationNetwork, checkpoint: Path, graph: Path, tmp_path: Path
) -> None:
    for source in (checkpoint, graph):
        done = convert(source, tmp_path / "a.xml", overwrite=True)
        assert [file.name for file in done.files] == ["a.xml", "a.bin"]
        assert done.difference < 1e-5
    restored = load(tmp_path / "a.xml", tile=None).restore(IMAGE[0].transpose(1, 2, 0))
    whole = expected(network).clip(0, 1)[0].transpose(1, 2, 0)
    assert np.abs(restored - whole).max() < 1e-5
    with pytest.raises(ScalewiseError, match=r"a\.xml: OpenVINO's files cannot become ONNX"):
        convert(tmp_path / "a.xml", tmp_path / "b.onnx")


def test_ncnn(checkpoint: Path, tmp_path: Path) -> None:
    pytest.importorskip("pnnx")
    pytest.importorskip("ncnn")
    done = convert(checkpoint, tmp_path / "a.param")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.bin", "a.param"]
    assert (done.multiple, done.size) == (4, None)
    assert 0 < done.difference < 1e-5
    with pytest.raises(ScalewiseError, match=r"its a\.bin belongs to a\.param") as caught:
        convert(checkpoint, tmp_path / "a.xml")
    assert caught.value.arguments == ("output",)


def test_ncnn_is_made_from_the_model_itself(
    checkpoint: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pnnx")
    pytest.importorskip("ncnn")
    convert(checkpoint, tmp_path / "aligned.onnx", pad=False)
    with pytest.raises(ScalewiseError, match=r"convert the model that it was made from$"):
        convert(tmp_path / "aligned.onnx", tmp_path / "a.param")
    assert capfd.readouterr() == ("", "")  # nor do other programs print


def test_a_result_that_differs_is_not_kept(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.onnx").write_bytes(b"an older file")

    def broken(network: RestorationNetwork, *given: Any, **options: Any) -> None:
        next(network.parameters()).data.mul_(1.5)
        export_onnx(network, *given, **options)
        next(network.parameters()).data.div_(1.5)

    export_onnx = conversion.export_onnx
    monkeypatch.setattr(conversion, "export_onnx", broken)
    with pytest.raises(ScalewiseError, match=r"not kept: it differs .* by 0\.\d+ of white"):
        convert(checkpoint, "a.onnx", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]
    assert Path("a.onnx").read_bytes() == b"an older file"


def test_a_graph_that_froze_a_size_is_not_kept(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_onnx = conversion.export_onnx
    monkeypatch.setattr(
        conversion,
        "export_onnx",
        lambda network, path, **_: export_onnx(network, path, size=(40, 56)),
    )
    with pytest.raises(Exception, match="shape"):
        convert(checkpoint, tmp_path / "a.onnx")
    assert not [*tmp_path.iterdir()]


def test_a_released_model_keeps_its_licence(tmp_path: Path) -> None:
    done = convert("scn_fast_x2", tmp_path / "fast.onnx")
    assert done.difference < 1e-5
    file = describe(tmp_path / "fast.onnx")
    card = file.card
    assert (card.licence, card.task, card.scale) == ("Apache-2.0", "super-resolution", 2)
    assert (card.tiling, file.remark) == ("exact", "")


Wrong = Callable[[Path, Path], Conversion]


@pytest.mark.parametrize(
    ("wrong", "message", "arguments"),
    [
        (lambda pth, _: convert(pth, "a.gif"), "give a name that ends in", ("output",)),
        (lambda pth, _: convert("nothing", "a.onnx"), "unknown model 'nothing'", ("source",)),
        (lambda pth, _: convert(pth, "a.pth", size=(8, 8)), "fit any size", ("size",)),
        (lambda pth, _: convert(pth, "a.onnx", size=(10, 8), pad=False), "such as 8x12", ("size",)),
        (lambda _, onnx: convert(onnx, "a.pth"), "does not name the weights", ()),
    ],
)
def test_what_cannot_be_converted(
    checkpoint: Path,
    graph: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    wrong: Wrong,
    message: str,
    arguments: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ScalewiseError, match=message) as caught:
        wrong(checkpoint, graph)
    assert caught.value.arguments == arguments
    assert not [*tmp_path.iterdir()]


def test_neither_the_source_nor_another_file_is_replaced_unasked(
    checkpoint: Path, graph: Path, small_release: Path, tmp_path: Path, call: Call
) -> None:
    before = checkpoint.read_bytes()
    (tmp_path / "link.pth").symlink_to(checkpoint)
    (tmp_path / "hard.pth").hardlink_to(checkpoint)
    for name in (checkpoint, tmp_path / "link.pth", tmp_path / "hard.pth"):
        with pytest.raises(ScalewiseError, match=r"is a file of the source itself") as caught:
            convert(checkpoint, name, overwrite=True)
        assert caught.value.arguments == ("output",)
    with pytest.raises(ScalewiseError, match=r"weights\.safetensors is a file of the source"):
        convert(small_release, small_release / "weights.safetensors", overwrite=True)

    (tmp_path / "mine.bin").write_bytes(b"mine")  # of another program
    for source, name, there in (
        (graph, "mine.xml", "mine.bin"),
        (small_release, "link.pth", "link.pth"),
    ):
        code, _, err = call("convert", source, "-o", tmp_path / name)
        line = f"error: {tmp_path / there}: exists already; choose another name, or replace it by"
        assert (code, err) == (1, f"{line} --overwrite\n")
    code, _, err = call("convert", graph, "-o", tmp_path / "new/mine.xml", "--overwrite")
    assert code == 0, err
    assert checkpoint.read_bytes() == before
