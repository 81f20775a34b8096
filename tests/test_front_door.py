"""The front door: what ``import scalewise`` offers, and what its two functions promise."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import scalewise
from scalewise import ScalewiseError
from scalewise.files import Picture, read, write
from scalewise.models import create_model
from scalewise.restoring import selection
from scalewise.restoring.loading import LoadOptions
from scalewise.restoring.restorer import Restorer
from tests.restoring.fakes import FakeRuntime, Traits

Pixels = NDArray[np.uint8]
FRONT_DOOR: list[Callable[..., Any]] = [scalewise.upscale, scalewise.restore]


@pytest.fixture
def small(photo: Pixels) -> Pixels:
    return np.ascontiguousarray(photo[100:130, 100:140])


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The models that were loaded; all are fakes that double the size."""
    names: list[str] = []

    def series(folder: Path, _: LoadOptions) -> list[Restorer]:
        names.append(folder.name)
        return [Restorer(folder.name, Traits(), FakeRuntime(), tile=64)]

    selection.forget_models()
    monkeypatch.setattr(selection, "load_cascade", series)
    yield names  # pyright: ignore
    selection.forget_models()


def test_names_that_people_look_for() -> None:
    assert scalewise.__version__[0].isdigit()
    assert issubclass(ScalewiseError, ValueError)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        scalewise.nothing  # pyright: ignore  # noqa: B018
    asked = [sys.executable, "-m", "scalewise", "--version"]
    said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    assert said == f"scalewise {scalewise.__version__}\n"


def test_floats_and_images_of_pil(small_release: Path, small: Pixels, tmp_path: Path) -> None:
    larger = scalewise.upscale(small, model=small_release)
    floats = scalewise.upscale(
        small.astype(np.float32) / 255, tmp_path / "f.png", model=small_release
    )
    assert floats.dtype == np.float32
    np.testing.assert_allclose(floats * 255, larger, atol=1)
    assert read(tmp_path / "f.png").pixels.dtype == np.uint16
    np.testing.assert_allclose(read(tmp_path / "f.png").pixels / 257, larger, atol=1)
    scalewise.upscale(small / 255, tmp_path / "f.jpg", model=small_release)
    assert read(tmp_path / "f.jpg").pixels.dtype == np.uint8
    made = scalewise.upscale(Image.fromarray(small), tmp_path / "p.png", model=small_release)
    np.testing.assert_array_equal(np.asarray(made), larger)
    np.testing.assert_array_equal(read(tmp_path / "p.png").pixels, larger)
    assert scalewise.restore(small / 255).dtype == np.float64
    assert scalewise.restore(Image.fromarray(small), strength=0.5).size == (40, 30)


@pytest.mark.parametrize("function", FRONT_DOOR)
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("there.png", "exists already"),
        ("a.xyz", r"unknown extension '\.xyz'"),
        ("a", "unknown extension"),
    ],
)
def test_the_output_is_checked_before_anything_is_loaded(
    function: Callable[..., Any], name: str, message: str, tmp_path: Path, loaded: list[str]
) -> None:
    (tmp_path / "there.png").write_bytes(b"mine")
    with pytest.raises(ScalewiseError, match=message):
        function("no such picture.png", tmp_path / name)
    assert loaded == []
    assert (tmp_path / "there.png").read_bytes() == b"mine"


def test_sizes_are_checked_before_anything_is_loaded(
    small: Pixels, tmp_path: Path, loaded: list[str]
) -> None:
    for output, size, message in (
        (None, {"scale": 100}, "more than 64 times the size"),
        (None, {"scale": 2, "width": 10}, "scale and width give the size"),
        (None, {"target": scalewise.Target(2), "width": 10}, "target and width give the size"),
        (None, {"target": 3}, "target must be a Target"),
        ("a.webp", {"width": 20000}, "too large for webp"),
    ):
        image = small if output is None else np.zeros((8, 400), np.uint8)
        with pytest.raises(ScalewiseError, match=message):
            scalewise.upscale(image, output and tmp_path / output, **size)
    assert loaded == []


@pytest.mark.parametrize("function", FRONT_DOOR)
def test_overwriting_is_asked_for(
    function: Callable[..., Any], small: Pixels, tmp_path: Path, loaded: list[str]
) -> None:
    (tmp_path / "a.png").write_bytes(b"mine")
    function(small, tmp_path / "a.png", overwrite=True)
    assert read(tmp_path / "a.png").pixels.shape[2] == 3


def test_a_model_is_loaded_once(small: Pixels, small_release: Path, loaded: list[str]) -> None:
    for _ in range(3):
        scalewise.upscale(small)
        scalewise.restore(small, task="dejpeg")
    assert loaded == ["scn_x2", "dejpeg"]
    scalewise.restore(small, task="dejpeg", strength=0.5)
    assert loaded[2:] == ["dejpeg"]
    scalewise.upscale(small, model=small_release)
    scalewise.upscale(small, model=str(small_release))
    assert loaded[3:] == [small_release.name]
    card = small_release / "card.json"
    card.write_text(card.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    scalewise.upscale(small, model=small_release)  # trained again meanwhile
    assert loaded[4:] == [small_release.name]


@pytest.mark.parametrize("function", FRONT_DOOR)
def test_both_functions_take_the_same_options(function: Callable[..., Any]) -> None:
    """With the same defaults; and ``load`` takes its own of them."""
    options = {
        "scale": None,
        "width": None,
        "height": None,
        "fit": None,
        "max_megapixels": None,
        "device": "auto",
        "precision": "auto",
        "tile": "auto",
        "strength": 1.0,
        "ensemble": False,
        "quality": None,
        "lossless": False,
        "overwrite": False,
    }
    parameters = inspect.signature(function).parameters
    assert {name: parameters[name].default for name in options} == options
    of_load = inspect.signature(scalewise.load).parameters
    for name in ("device", "precision", "tile"):
        assert of_load[name].default == parameters[name].default


def test_options_reach_the_model(
    small: Pixels, small_release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[LoadOptions] = []

    def series(folder: Path, options: LoadOptions) -> list[Restorer]:
        given.append(options)
        return [Restorer(folder.name, Traits(), FakeRuntime(), tile=64)]

    selection.forget_models()
    monkeypatch.setattr(selection, "load_cascade", series)
    options: dict[str, Any] = {"device": "cpu", "precision": "f32", "tile": 48, "strength": 0.5}
    scalewise.upscale(small, model=small_release, **options)
    scalewise.restore(small, task="denoise", **options)
    assert given == [LoadOptions(**options)] * 2
    scalewise.upscale(small, strength=0.5)  # the model for clean images has no strength
    assert given[2:] == [LoadOptions()]
    selection.forget_models()


@pytest.mark.parametrize("function", FRONT_DOOR)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "gpu"}, "device must be one of"),
        ({"precision": "f16"}, "precision must be one of"),
        ({"tile": 0}, "tile must be 32 pixels or more"),
        ({"strength": 2}, "strength must be from 0 to 1"),
    ],
)
def test_options_are_checked_even_where_nothing_is_to_do(
    function: Callable[..., Any], options: dict[str, Any], message: str, photo: Pixels
) -> None:
    with pytest.raises(ScalewiseError, match=message):
        function(photo, **options)


def test_a_size_is_for_tasks_that_change_it(small: Pixels, loaded: list[str]) -> None:
    assert scalewise.restore(small, task="photo", width=100).shape == (75, 100, 3)
    assert loaded == ["photo_x2"]
    for options in ({"task": "denoise"}, {"task": "auto"}, {"method": "nlm"}):
        with pytest.raises(ScalewiseError, match=r"^a size \(scale=3\) is only for tasks that"):
            scalewise.restore(small, scale=3, **options)  # pyright: ignore


def test_a_model_in_place_of_the_tasks(
    small: Pixels, small_release: Path, loaded: list[str]
) -> None:
    assert scalewise.restore(small, model="denoise").shape == (60, 80, 3)  # of the fake
    assert scalewise.restore(small, model=small_release, width=50).shape == (38, 50, 3)
    assert loaded == ["denoise", small_release.name]


def test_quality_and_lossless_are_those_of_the_output(small: Pixels, tmp_path: Path) -> None:
    noisy = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    for name, options in (
        ("a.jpg", {"quality": 30}),
        ("b.jpg", {}),
        ("c.webp", {"quality": 30}),
        ("d.webp", {"lossless": True}),
    ):
        made = scalewise.restore(noisy, tmp_path / name, task="denoise", **options)
        exact = np.array_equal(read(tmp_path / name).pixels, made)
        assert exact == ("lossless" in options)
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert sizes["a.jpg"] < sizes["b.jpg"]
    assert sizes["c.webp"] < sizes["d.webp"]
    table = Image.open(tmp_path / "a.jpg").quantization[0]
    scalewise.upscale(small, tmp_path / "e.jpg", quality=30)
    assert Image.open(tmp_path / "e.jpg").quantization[0] == table
    for name, value in (("quality", 90), ("lossless", True)):
        with pytest.warns(scalewise.ScalewiseWarning, match=f"^{name}= is ignored: there is no"):
            scalewise.upscale(small, scale=1, **{name: value})


def test_a_quality_that_a_result_cannot_have_is_said(small: Pixels, tmp_path: Path) -> None:
    with pytest.warns(scalewise.ScalewiseWarning, match="^quality=80: ignored for png, which is"):
        scalewise.upscale(small, tmp_path / "a.png", quality=80)
    write(tmp_path / "clean.jpg", Picture(np.full((64, 64, 3), 128, np.uint8)), quality=100)
    with pytest.warns(scalewise.ScalewiseWarning, match="^quality=80: ignored for an image"):
        scalewise.restore(tmp_path / "clean.jpg", tmp_path / "copy.jpg", quality=80)


def test_ensemble_is_that_of_the_command_line(small: Pixels, small_release: Path) -> None:
    options: dict[str, Any] = {"model": small_release, "device": "cpu", "precision": "f32"}
    plain = scalewise.upscale(small, **options)
    mean = scalewise.upscale(small, ensemble=True, **options)
    mirrored = scalewise.upscale(small[:, ::-1], ensemble=True, **options)[:, ::-1]
    assert (mean != plain).any()
    assert np.abs(mean.astype(int) - mirrored).max() <= 1
    np.testing.assert_array_equal(scalewise.restore(small, ensemble=True, **options), mean)


def test_a_method_without_a_network_says_what_it_ignores(small: Pixels) -> None:
    ignored = r"^method nlm runs no network: device=, tile= and ensemble= are ignored$"
    with pytest.warns(scalewise.ScalewiseWarning, match=ignored):
        scalewise.restore(small, method="nlm", device="cpu", tile=64, ensemble=True)
    with pytest.warns(scalewise.ScalewiseWarning, match=r"precision= is ignored$"):
        scalewise.restore(small, method="wavelet", precision="f32")


def test_tiles_and_precision_change_nothing_that_can_be_seen(
    small: Pixels, small_release: Path
) -> None:
    whole = scalewise.upscale(small, model=small_release, precision="f32", tile=None)
    tiled = scalewise.upscale(small, model=small_release, precision="f32", tile=32, device="cpu")
    assert np.abs(whole.astype(int) - tiled).max() <= 1


@pytest.mark.parametrize("method", ["nlm", "wavelet"])
def test_noise_is_removed_without_a_network(
    method: Any, photo: Pixels, tmp_path: Path, loaded: list[str]
) -> None:
    noise = np.random.default_rng(0).normal(0, 15, (64, 64, 3))
    clean = photo[40:104, 170:234].astype(float)
    noisy = (clean + noise).clip(0, 255).astype(np.uint8)

    def error(image: Pixels) -> float:
        return float(np.mean((image - clean) ** 2))

    found = scalewise.restore(noisy, tmp_path / "a.png", method=method)
    assert error(found) < 0.6 * error(noisy)
    np.testing.assert_array_equal(read(tmp_path / "a.png").pixels, found)
    np.testing.assert_array_equal(scalewise.restore(noisy, method=method, sigma=0), noisy)
    half = scalewise.restore(noisy, task="denoise", method=method, strength=0.5)
    assert np.abs(half - (found.astype(float) + noisy) / 2).max() <= 1
    assert loaded == []
    with pytest.raises(
        ScalewiseError, match=f"method {method} only removes noise; leave out task="
    ):
        scalewise.restore(noisy, task="dejpeg", method=method)


def test_methods_that_are_refused(small: Pixels) -> None:
    with pytest.raises(ScalewiseError, match="method must be one of network, nlm, wavelet"):
        scalewise.restore(small, method="median")  # pyright: ignore
    with pytest.raises(ScalewiseError, match="sigma is for method nlm or wavelet"):
        scalewise.restore(small, sigma=20)


def test_jpegs_go_through_their_own_model(small: Pixels, tmp_path: Path, loaded: list[str]) -> None:
    write(tmp_path / "a.jpg", Picture(small))
    scalewise.upscale(bytes(tmp_path / "a.jpg"))
    scalewise.upscale(Image.open(tmp_path / "a.jpg"))
    scalewise.upscale(small)
    assert loaded == ["photo_x2", "scn_x2"]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_a_picture_that_needs_nothing_is_copied(
    suffix: str, photo: Pixels, tmp_path: Path, loaded: list[str]
) -> None:
    source, copy = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    exif = Image.Exif()
    exif[0x112] = 3
    Image.fromarray(photo[:256, :256]).save(source, quality=99, exif=exif)
    given = scalewise.restore(source, copy)
    assert copy.read_bytes() == source.read_bytes()
    np.testing.assert_array_equal(given, read(source).pixels)
    scalewise.upscale(source, tmp_path / f"again{suffix}", scale=1)
    assert (tmp_path / f"again{suffix}").read_bytes() == source.read_bytes()
    scalewise.restore(source, source, overwrite=True)
    assert copy.read_bytes() == source.read_bytes()
    assert loaded == []


def test_a_picture_that_needs_nothing_is_converted_if_asked(photo: Pixels, tmp_path: Path) -> None:
    write(tmp_path / "in.jpg", Picture(photo), quality=98)
    scalewise.restore(tmp_path / "in.jpg", tmp_path / "out.png")
    made = read(tmp_path / "out.png").pixels
    np.testing.assert_array_equal(made, read(tmp_path / "in.jpg").pixels)
    assert (tmp_path / "out.png").read_bytes()[:4] == b"\x89PNG"


def test_results_are_not_the_input_itself(photo: Pixels) -> None:
    image = photo.copy()
    scalewise.restore(image)[:] = 0
    np.testing.assert_array_equal(image, photo)


@pytest.mark.parametrize("strength", [-0.1, 1.5, float("nan"), "high"])
def test_strengths_are_checked_even_where_nothing_is_to_do(strength: Any, photo: Pixels) -> None:
    with pytest.raises(ScalewiseError, match="strength must be from 0 to 1"):
        scalewise.restore(photo, strength=strength)


def test_an_image_is_not_replaced_by_its_result(photo: Pixels, tmp_path: Path) -> None:
    source = tmp_path / "a.png"
    Image.fromarray(photo[:48, :48]).save(source)
    given = source.read_bytes()
    for replacing in (
        lambda: scalewise.upscale(source, source, overwrite=True),
        lambda: scalewise.restore(source, source, task="denoise", overwrite=True),
        lambda: scalewise.load("scn_fast_x2").restore_file(source, source, overwrite=True),
    ):
        with pytest.raises(ScalewiseError, match="would replace an input; choose another output"):
            replacing()
    assert source.read_bytes() == given


def test_strength_0_copies_a_file(photo: Pixels, tmp_path: Path) -> None:
    source, same = tmp_path / "a.jpg", tmp_path / "same.jpg"
    Image.fromarray(photo[:64, :64]).save(source, quality=40)
    result = scalewise.restore(source, same, task="dejpeg", strength=0)
    assert same.read_bytes() == source.read_bytes()
    np.testing.assert_array_equal(result, np.asarray(Image.open(source)))


def test_what_a_file_loses_is_said(small: Pixels, tmp_path: Path, loaded: list[str]) -> None:
    pages = [Image.fromarray(small), Image.fromarray(small)]
    pages[0].save(tmp_path / "two.tif", save_all=True, append_images=pages[1:])
    with pytest.warns(scalewise.ScalewiseWarning, match="two.tif: ") as told:
        scalewise.upscale(tmp_path / "two.tif")
    assert told[0].filename == __file__


def test_what_people_print_fits_a_line() -> None:
    card = next(card for card in scalewise.list_models() if card.name == "scn_x2")
    assert repr(card) == (
        f"Card('scn_x2': super-resolution x2, scn_exact, {card.parameters:,} parameters, "
        f"{card.licence})"
    )
    network = create_model("plain", width=8)
    assert repr(network).splitlines()[1].strip().startswith("scale=2, channels=3, width=8")


def test_an_unknown_task_has_no_models() -> None:
    with pytest.raises(ScalewiseError, match="nix"):
        scalewise.list_models(task="nix")


def test_a_tile_is_ignored_with_a_word_by_a_network_that_sees_images_whole(
    photo: NDArray[np.uint8],
) -> None:
    with pytest.warns(scalewise.ScalewiseWarning, match="adaptive_x2 sees images whole: tile= is"):
        scalewise.upscale(photo[:40, :40], model="adaptive_x2", tile=32)
    with pytest.warns(scalewise.ScalewiseWarning, match="adaptive_x2 sees images whole: tile="):
        scalewise.load("adaptive_x2", tile=32)
