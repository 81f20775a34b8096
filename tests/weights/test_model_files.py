"""Models that are single files: found out by trial runs, and used like any other."""

from __future__ import annotations

import shutil
import sys
import warnings
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import scalewise
from scalewise import ScalewiseError, ScalewiseWarning
from scalewise.models import create_model, export_onnx, load_checkpoint
from scalewise.restoring.loading import LoadOptions, load
from scalewise.weights import resolve
from scalewise.weights.model_files import describe

IMAGE = np.random.default_rng(0).random((70, 90, 3)).astype(np.float32)


class Enlarger(nn.Module):
    """Repeats pixels after a 3x3 convolution that is nearly the identity; values up to ``white``.

    It clips what is dark, which tells both ranges apart.
    """

    def __init__(self, white: float = 1.0, channels: int = 3, scale: int = 3) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.white = white
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.up = nn.Upsample(scale_factor=scale)
        with torch.no_grad():
            nn.init.zeros_(self.conv.bias)
            self.conv.weight.mul_(0.1)
            self.conv.weight[range(channels), range(channels), 1, 1] = 1

    def forward(self, image: Tensor) -> Tensor:
        lifted = self.conv(image / self.white).clamp(min=0.1)
        return self.up(lifted) * self.white


def export(
    network: nn.Module, path: Path, *, channels: int = 3, size: int = 40, dynamic: bool = True
) -> Path:
    axes = {"x": {2: "h", 3: "w"}} if dynamic else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.zeros(1, channels, size, size),),
            str(path),
            input_names=["x"],
            dynamic_axes=axes,
            opset_version=18,
            dynamo=False,
        )
    return path


def expected(network: nn.Module, image: Any = IMAGE) -> Any:
    with torch.no_grad():
        result = network(torch.from_numpy(image.transpose(2, 0, 1)[None]))
    return result.numpy()[0].transpose(1, 2, 0).clip(0, 1)


def quietly(model: Path, **options: Any) -> Any:
    with pytest.warns(ScalewiseWarning, match="licence unknown"):
        return load(model, LoadOptions(**options))


def test_an_onnx_file_is_a_model(tmp_path: Path) -> None:
    network = Enlarger()
    path = export(network, tmp_path / "foreign.onnx")
    file = describe(path)
    assert file.remark == (
        "foreign.onnx: x3, RGB in [0, 1], any size, by a trial run; tiles overlap by 15 pixels "
        "(its reach is 1); licence unknown"
    )
    assert (file.card.scale, file.card.channels) == (3, 3)
    assert 84 <= file.card.parameters < 100  # with some constants
    assert resolve(path).card is file.card
    whole = quietly(path, tile=None).restore(IMAGE)
    assert np.abs(whole - expected(network)).max() < 1e-5
    assert np.abs(quietly(path, tile=32).restore(IMAGE) - whole).max() < 1e-5
    with pytest.warns(ScalewiseWarning, match="licence unknown"):
        larger = scalewise.upscale(IMAGE, model=path, width=200)
    assert larger.shape == (156, 200, 3)


def test_values_up_to_255_and_grey(tmp_path: Path) -> None:
    network = Enlarger(channels=1)
    path = export(Enlarger(255.0, 1), tmp_path / "grey.onnx", channels=1)
    assert "grey in [0, 255]" in describe(path).remark
    grey = IMAGE[..., :1]
    assert np.abs(quietly(path).restore(grey) - expected(network, grey)).max() < 1e-5


def test_a_graph_of_one_size_restores_any(tmp_path: Path) -> None:
    network = Enlarger()
    path = export(network, tmp_path / "fixed.onnx", dynamic=False)
    file = describe(path)
    assert (file.size, file.overlap) == ((40, 40), 10)
    assert "tiles of 40x40 alone" in file.remark
    restorer = quietly(path)
    for image in (IMAGE, IMAGE[:17, :23]):
        inner = slice(3, -3)  # edges are repeated, where the network itself sees black
        found = restorer.restore(image)[inner, inner]
        assert np.abs(found - expected(network, image)[inner, inner]).max() < 1e-5


def test_a_graph_of_this_package_tells_all_itself(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = create_model("original", width=8, blocks=1).eval()
    path = tmp_path / "own.onnx"
    known = {"licence": "MIT", "task": "photo", "summary": "Good."}
    export_onnx(network, path, any_size=True, metadata=known)
    file = describe(path)
    assert (file.remark, file.card.licence, file.card.task) == ("", "MIT", "photo")
    assert (file.card.multiple, file.card.tiling) == (network.multiple, "exact")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole = load(path, LoadOptions(tile=None)).restore(IMAGE)
        tiled = load(path, LoadOptions(tile=32)).restore(IMAGE)
    assert np.abs(whole - expected(network)).max() < 1e-5
    assert np.abs(whole - tiled).max() < 0.5 / 255


@pytest.mark.parametrize(("size", "tiling"), [((48, 40), "blended"), ((112, 120), "exact")])
def test_tiles_of_one_size_end_where_the_image_does(
    tmp_path: Path, size: tuple[int, int], tiling: str
) -> None:
    torch.manual_seed(0)
    network = create_model("original", width=8, blocks=1).eval()
    path = tmp_path / "own.onnx"
    export_onnx(network, path, size=size)
    assert describe(path).card.tiling == tiling
    image = np.random.default_rng(0).random((136, 144, 3)).astype(np.float32)
    found = quietly(path).restore(image)
    assert np.abs(found - expected(network, image)).max() < 1 / 255
    turned = quietly(path, ensemble=True).restore(image[:50])
    assert np.isfinite(turned).all()


@pytest.mark.parametrize(
    ("network", "options", "message"),
    [
        (nn.Conv2d(4, 4, 1), {"channels": 4}, "takes 4 channels, not 1"),
        (nn.Conv2d(3, 1, 1), {}, "a result of 1x1x37x53 for an image of 1x3x37x53"),
        (nn.Conv2d(3, 3, 3), {}, "1x3x35x51"),
    ],
)
def test_other_graphs_are_refused(
    tmp_path: Path, network: nn.Module, options: dict[str, Any], message: str
) -> None:
    path = export(network, tmp_path / "a.onnx", **options)
    with pytest.raises(ScalewiseError, match=f"^{path}: .*{message}") as caught:
        scalewise.load(path)
    assert caught.value.arguments == ("model",)


def test_damaged_files_and_devices(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"not a graph")
    with pytest.raises(ScalewiseError, match=r"a\.onnx: not a graph that OpenVINO can read"):
        scalewise.load(tmp_path / "a.onnx")
    (tmp_path / "a.pth").write_bytes(b"not a checkpoint")
    with pytest.raises(ScalewiseError, match="not a PyTorch checkpoint"):
        scalewise.load(tmp_path / "a.pth")


@pytest.mark.parametrize("suffix", [".onnx", ".xml", ".pth", ".pt", ".ckpt", ".safetensors"])
def test_a_file_that_is_not_there(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(ScalewiseError, match=rf"missing\{suffix}: no such file$"):
        scalewise.load(tmp_path / f"missing{suffix}")


def test_a_graph_of_openvino_without_its_weights(tmp_path: Path) -> None:
    from scalewise.converting import convert

    convert("scn_fast_x2", tmp_path / "a.xml")
    (tmp_path / "a.bin").unlink()
    with pytest.raises(ScalewiseError, match=r"a\.bin: no such file, which holds the weights of a"):
        scalewise.load(tmp_path / "a.xml")


def test_the_graph_of_a_release_without_its_weights(small_release: Path, tmp_path: Path) -> None:
    shutil.copy(small_release / "model.onnx", tmp_path)
    with pytest.raises(ScalewiseError, match=r"weights\.safetensors: no such file, which holds"):
        scalewise.load(tmp_path / "model.onnx")


def test_an_own_checkpoint_is_a_model(tmp_path: Path) -> None:
    network = create_model("original", width=4, blocks=1, shared=True, align_corners=True).eval()
    torch.save({"params": network.state_dict()}, tmp_path / "mine.pth")
    restored = scalewise.load(tmp_path / "mine.pth", tile=None).restore(IMAGE)
    assert np.abs(restored - expected(network)).max() < 1e-4


@pytest.fixture
def spandrel(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A package with spandrel's documented interface, which knows one network."""

    class Descriptor:
        scale, input_channels, output_channels = 3, 3, 3
        purpose = "SR"
        architecture = SimpleNamespace(name="Toy", id="Toy")
        size_requirements = SimpleNamespace(multiple_of=2, minimum=0, square=False)
        tiling = SimpleNamespace(name="SUPPORTED")

        def __init__(self, state: dict[str, Tensor]) -> None:
            self.model = Enlarger()
            self.model.load_state_dict(state)

        def __call__(self, image: Tensor) -> Tensor:
            assert all(side % 2 == 0 for side in image.shape[2:])
            return self.model(image).clamp(0, 1)

    class UnsupportedModelError(Exception):
        pass

    class ModelLoader:
        def load_from_state_dict(self, state: dict[str, Tensor]) -> Descriptor:
            if "conv.weight" not in state:
                raise UnsupportedModelError
            return Descriptor(state)

    module: Any = ModuleType("spandrel")
    module.__spec__ = SimpleNamespace(name="spandrel")
    module.ModelLoader, module.UnsupportedModelError = ModelLoader, UnsupportedModelError
    module.Descriptor = Descriptor
    monkeypatch.setitem(sys.modules, "spandrel", module)
    describe.__globals__["_describe"].cache_clear()
    return module


@pytest.mark.usefixtures("spandrel")
def test_checkpoints_that_spandrel_reads(tmp_path: Path) -> None:
    network = Enlarger()
    torch.save({"params_ema": network.state_dict()}, tmp_path / "toy.pth")
    file = describe(tmp_path / "toy.pth")
    assert file.remark == (
        "toy.pth: spandrel: Toy, x3; tiles overlap by 15 pixels (its reach is 1); licence unknown"
    )
    assert (file.card.architecture, file.card.multiple) == ("spandrel:Toy", 2)
    restored = quietly(tmp_path / "toy.pth", tile=32).restore(IMAGE)
    assert np.abs(restored - expected(network)).max() < 1e-5
    with pytest.raises(ScalewiseError, match="leave out levels=3"):
        load_checkpoint(tmp_path / "toy.pth", levels=3)


def test_what_spandrel_does_not_read(tmp_path: Path, spandrel: Any) -> None:
    torch.save({"first.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ScalewiseError, match=r"'first\.weight'.*spandrel does not know it either"):
        load_checkpoint(tmp_path / "other.pth")
    torch.save({"conv.weight": torch.zeros(1)}, tmp_path / "misfit.pth")
    with pytest.raises(ScalewiseError, match="spandrel cannot load its weights"):
        load_checkpoint(tmp_path / "misfit.pth")
    torch.save(Enlarger().state_dict(), tmp_path / "toy.pth")
    spandrel.Descriptor.input_channels = 4
    with pytest.raises(ScalewiseError, match="Toy takes 4 channels and returns 3"):
        load_checkpoint(tmp_path / "toy.pth")


def test_spandrel_is_named_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "spandrel", None)
    torch.save({"first.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ScalewiseError, match=r"pip install 'scalewise-restoration\[spandrel\]'"):
        load_checkpoint(tmp_path / "other.pth")
