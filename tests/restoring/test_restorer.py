"""The restorer on OpenVINO: agrees with PyTorch, has no seams, keeps kinds of images."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import scalewise
from scalewise.errors import ScalewiseError, ScalewiseWarning
from scalewise.files import Metadata, Picture, read, write
from scalewise.restoring.channels import is_flat
from scalewise.restoring.loading import LoadOptions, load, load_trained
from scalewise.weights.release import load_network


def in_torch(folder: Path, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The network's output for (H, W, 3), clipped, in [0, 255], by PyTorch."""
    batch = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        return load_network(folder)(batch)[0].permute(1, 2, 0).clamp(0, 1).numpy() * 255


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 50), (61, 47), (64, 64)])
def test_agrees_with_torch(
    small_release: Path, photo: NDArray[np.uint8], height: int, width: int
) -> None:
    image = photo[100 : 100 + height, 100 : 100 + width]
    restored = load(small_release).restore(image)
    assert restored.shape == (2 * height, 2 * width, 3)
    expected = in_torch(small_release, image)
    flat = is_flat(image.transpose(2, 0, 1)).repeat(2, 0).repeat(2, 1)
    expected[flat] = image.repeat(2, 0).repeat(2, 1)[flat]
    assert np.abs(restored - expected).max() <= 0.5 + 255e-4


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_dtype_and_range_are_kept(
    small_release: Path, photo: NDArray[np.uint8], dtype: Any
) -> None:
    image = photo[100:120, 100:130]
    peak = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1
    restorer = load(small_release)
    restored = restorer.restore((image / 255 * peak).astype(dtype))
    assert restored.dtype == dtype
    assert restored.max() <= peak
    as_bytes = restored.astype(np.float64) / peak * 255
    assert np.abs(as_bytes - restorer.restore(image)).max() <= 0.51


def test_grey_stays_exactly_grey(small_release: Path, photo: NDArray[np.uint8]) -> None:
    grey = photo[100:120, 100:130, 1]
    restorer = load(small_release)
    restored = restorer.restore(grey)
    assert restored.shape == (40, 60)
    np.testing.assert_array_equal(restorer.restore(grey[..., None])[..., 0], restored)


def test_a_deep_ramp_comes_out_without_bands() -> None:
    """1,300 of 65,535 levels over 120 pixels: five steps of 8 bits, and none of them is seen.

    The network's even and odd columns differ by some levels; either rises with every pixel.
    """
    ramp = np.rint(np.linspace(30000, 31300, 120)).astype(np.uint16)[None].repeat(16, axis=0)
    restored = scalewise.load("scn_x2").restore(ramp).astype(int)
    middle = restored[16, 8:-8]
    for columns in (middle[::2], middle[1::2]):
        assert (np.diff(columns) > 0).all()
    assert len(np.unique(middle)) > 200
    ideal = np.polyval(np.polyfit(np.arange(len(middle)), middle, 1), np.arange(len(middle)))
    assert np.abs(middle - ideal).max() < 0.1 * 257


@pytest.mark.parametrize("image", [np.zeros((4, 4, 5), np.uint8), np.zeros((0, 4, 3), np.uint8)])
def test_other_shapes_are_refused(small_release: Path, image: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="an image is"):
        load(small_release).restore(image)


def test_other_types_are_refused(small_release: Path) -> None:
    with pytest.raises(ValueError, match="uint8, uint16 or floating"):
        load(small_release).restore(np.zeros((4, 4, 3), np.int32))


def test_a_picture_keeps_what_it_carries(small_release: Path, photo: NDArray[np.uint8]) -> None:
    picture = Picture(photo[100:140, 100:150], Metadata(icc=b"profile", dpi=(300.0, 300.0)))
    restored = load(small_release).upscale(picture)
    assert restored.pixels.shape == (80, 100, 3)
    assert (restored.metadata.icc, restored.metadata.dpi) == (b"profile", (300.0, 300.0))


def test_from_file_to_file(small_release: Path, photo: NDArray[np.uint8], tmp_path: Path) -> None:
    write(tmp_path / "in.png", Picture(photo[100:140, 100:150], Metadata(dpi=(300.0, 300.0))))
    restorer, told = load(small_release), list[int]()
    target = tmp_path / "new" / "out.png"
    restorer.restore_file(tmp_path / "in.png", target, progress=lambda done, _: told.append(done))
    assert told[-1] == 40 * 50
    made = read(target)
    np.testing.assert_array_equal(made.pixels, restorer.restore(photo[100:140, 100:150]))
    assert made.metadata.dpi == pytest.approx((300, 300), abs=0.1)
    with pytest.raises(ScalewiseError, match="exists already"):
        restorer.restore_file(tmp_path / "in.png", target)
    restorer.restore_file(tmp_path / "in.png", target, overwrite=True)


def test_what_a_file_cannot_keep_is_said(small_release: Path, tmp_path: Path) -> None:
    deep = np.zeros((8, 8, 3), np.uint16)
    write(tmp_path / "in.png", Picture(deep))
    with pytest.warns(ScalewiseWarning, match="out.jpg: 16 bits are rounded to 8"):
        load(small_release).restore_file(tmp_path / "in.png", tmp_path / "out.jpg")


def test_threads_share_a_restorer(small_release: Path, photo: NDArray[np.uint8]) -> None:
    restorer = load(small_release, LoadOptions(tile=48))
    images = [photo[100 + i : 190 + i, 100 : 160 + 8 * i] for i in range(6)]
    expected = [restorer.restore(image) for image in images]
    with ThreadPoolExecutor(6) as threads:
        for found, wanted in zip(threads.map(restorer.restore, images), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)


def test_a_checkpoint_runs_as_its_release_does(
    small_release: Path, photo: NDArray[np.uint8], tmp_path: Path
) -> None:
    network = load_network(small_release)
    model = {"name": network.architecture, "settings": network.settings}
    torch.save({"recipe": {"model": model}, "ema": network.state_dict()}, tmp_path / "best.pt")
    image = photo[100:140, 100:150]
    expected = load(small_release).restore(image)
    for checkpoint in (tmp_path, tmp_path / "best.pt"):
        np.testing.assert_array_equal(load_trained(checkpoint).restore(image), expected)


def test_unknown_models_are_named() -> None:
    with pytest.raises(ScalewiseError, match="unknown model 'scn_x22'; did you mean 'scn_x2'"):
        scalewise.load("scn_x22")


def test_damaged_graph(small_release: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    folder.mkdir()
    for path in small_release.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    graph = folder / "model.onnx"
    graph.write_bytes(graph.read_bytes()[:-10])
    with pytest.raises(ScalewiseError, match=r"model\.onnx: damaged"):
        load(folder)
    graph.unlink()
    with pytest.raises(ScalewiseError, match=r"model\.onnx: missing"):
        load(folder)


def test_front_door(small_release: Path, photo: NDArray[np.uint8], tmp_path: Path) -> None:
    image = photo[100:130, 100:140]
    larger = scalewise.upscale(image, tmp_path / "array.png", model=small_release)
    write(tmp_path / "in.png", Picture(image))
    from_file = scalewise.upscale(tmp_path / "in.png", tmp_path / "file.png", model=small_release)
    np.testing.assert_array_equal(from_file, larger)
    np.testing.assert_array_equal(read(tmp_path / "array.png").pixels, larger)
    np.testing.assert_array_equal(read(tmp_path / "file.png").pixels, larger)
    assert "scn_x2" in [card.name for card in scalewise.list_models()]
    third = scalewise.upscale(image, model=small_release, target=scalewise.Target(scale=1.5))
    assert third.shape == (45, 60, 3)
