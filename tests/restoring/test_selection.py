"""Automatic selection: what an image is estimated to have, which models that calls for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import scalewise
from scalewise.errors import ScalewiseError
from scalewise.files import Picture, PictureReader, open_picture, read, write
from scalewise.imaging.blind_estimation import Estimate, estimate_degradation
from scalewise.imaging.degradations import bicubic_down, gaussian_noise
from scalewise.imaging.metrics import psnr
from scalewise.restoring import selection
from scalewise.restoring.batch import restore_files
from scalewise.restoring.cascade import upscale_array
from scalewise.restoring.file_pipeline import OutputOptions
from scalewise.restoring.jobs import FileJob, plan_jobs
from scalewise.restoring.loading import LoadOptions, load
from scalewise.restoring.look import estimate_file
from scalewise.restoring.restorer import Restorer
from scalewise.restoring.rows import FloatImage
from scalewise.restoring.selection import (
    AutoSelector,
    Networks,
    SelectedModels,
    choose,
    load_cascade,
    select_for_restoring,
    select_for_upscaling,
)
from scalewise.restoring.sizes import Target
from scalewise.tasks import select_task
from scalewise.weights import Release
from tests.restoring.fakes import FakeRuntime, Traits

Pixels = NDArray[np.uint8]


class Darkening(FakeRuntime):
    """Keeps the size, and halves every value."""

    def __call__(self, image: FloatImage) -> FloatImage:
        self.shapes.append(image.shape)
        return image / 2


def darkening(strength: float = 1.0) -> Restorer:
    return Restorer("dark", Traits(scale=1), Darkening(), tile=64, strength=strength)


def noisy(photo: Pixels, sigma: float) -> Pixels:
    noise = gaussian_noise(photo, sigma, np.random.default_rng(0))
    return np.rint(noise).clip(0, 255).astype(np.uint8)


def task_of(estimate: Estimate, enlarge: bool = False) -> str | None:
    task = select_task(estimate, enlarge=enlarge)
    return None if task is None else task.name


@pytest.fixture
def pictures(tmp_path: Path, photo: Pixels) -> Path:
    """A folder of one image for each degradation, and some without."""
    write(tmp_path / "clean.png", Picture(photo))
    write(tmp_path / "noisy.png", Picture(noisy(photo, 15)))
    write(tmp_path / "fine.jpg", Picture(photo), quality=97)
    write(tmp_path / "coarse.jpg", Picture(photo), quality=40)
    write(tmp_path / "grainy.jpg", Picture(noisy(photo, 20)), quality=92)
    write(tmp_path / "light.png", Picture(noisy(photo, 8)))
    write(tmp_path / "web.webp", Picture(noisy(photo, 20)), quality=85)
    return tmp_path


def test_degradations_are_estimated(pictures: Path) -> None:
    found = {path.name: estimate_file(path) for path in pictures.iterdir()}
    assert {name: each.quality for name, each in found.items()} == {
        "clean.png": None,
        "noisy.png": None,
        "fine.jpg": 97,
        "coarse.jpg": 40,
        "grainy.jpg": 92,
        "light.png": None,
        "web.webp": 85,
    }
    assert {name: task_of(each) for name, each in found.items()} == {
        "clean.png": None,
        "noisy.png": "denoise",
        "fine.jpg": None,
        "coarse.jpg": "dejpeg",
        "grainy.jpg": "noisy-jpeg",
        "light.png": "denoise",
        "web.webp": "noisy-jpeg",
    }
    assert found["noisy.png"].sigma == pytest.approx(15, rel=0.15)
    assert str(found["coarse.jpg"]).startswith("JPEG quality 40, noise about ")


def sigma_of(image: NDArray[np.generic]) -> float:
    return estimate_degradation(image).sigma


def test_noise_is_in_levels_of_8_bits_whatever_the_samples(photo: Pixels) -> None:
    grain = noisy(photo, 12)
    sigma = sigma_of(grain)
    assert sigma_of(grain.astype(np.uint16) * 257) == pytest.approx(sigma)
    assert sigma_of((grain / 255).astype(np.float32)) == pytest.approx(sigma, rel=1e-4)
    random = np.random.default_rng(1).integers(0, 256, (512, 512, 1), np.uint8)
    assert sigma_of(np.concatenate([grain, random], axis=2)) == pytest.approx(sigma)  # its alpha
    wide = np.full((300, 5000, 1), 128, np.uint8)
    wide[:, 1400:3600] = noisy(wide[:, 1400:3600], 30)
    assert sigma_of(wide) == pytest.approx(30, rel=0.1)  # the middle counts


@pytest.mark.parametrize("size", [(1, 1), (7, 300)])
def test_small_pictures_are_clean(tmp_path: Path, size: tuple[int, int]) -> None:
    write(tmp_path / "a.png", Picture(np.full((*size, 3), 200, np.uint8)))
    assert estimate_file(tmp_path / "a.png") == Estimate(sigma=0.0)


def chosen_for(choice: Networks, path: Path) -> SelectedModels:
    with open_picture(path) as reader:
        return choose(choice, reader)


def test_a_choice_is_made_for_every_picture(pictures: Path) -> None:
    def pick(reader: PictureReader) -> SelectedModels:
        path = reader.path
        if path.name.startswith("clean"):
            return SelectedModels((), "it is clean")
        return SelectedModels([darkening()], f"it is {path.stem}")

    jobs = plan_jobs([pictures], pictures / "out", "")
    choice = AutoSelector(pick, [darkening()])
    leave = OutputOptions(copy_clean=False)
    outcomes = {each.job.source.name: each for each in restore_files(jobs, choice, leave)}
    assert outcomes["clean.png"].needless.endswith("clean.png: nothing to restore (it is clean)")
    assert not outcomes["clean.png"].skipped
    assert not (pictures / "out" / "clean.png").exists()
    done = outcomes["noisy.png"].restored
    assert done is not None
    assert (done.model, done.reason) == ("dark", "it is noisy")
    expected = np.rint(read(pictures / "noisy.png").pixels / 2)
    assert np.abs(read(done.target).pixels - expected).max() <= 1
    again = {each.job.source.name: each for each in restore_files(jobs, choice, leave)}
    assert again["noisy.png"].skipped
    assert again["clean.png"].needless


def test_what_is_degraded_is_enlarged_by_another_model(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, LoadOptions]] = []

    def series(model: Release, options: LoadOptions) -> list[Restorer]:
        asked.append((model.card.name, options))
        return [Restorer(model.card.name, Traits(), FakeRuntime(), tile=64)]

    monkeypatch.setattr(selection, "load_cascade", series)
    choice = select_for_upscaling(LoadOptions(device="cpu", strength=0.5))
    for name, model, reason in (
        ("clean.png", "scn_x2", "noise about "),
        ("light.png", "photo_x2", "noise about "),
        ("noisy.png", "denoise", "noise about 1"),
        ("coarse.jpg", "dejpeg", "JPEG quality 40, noise about "),
        ("fine.jpg", "scn_x2", "JPEG quality 97, noise about "),
    ):
        chosen = chosen_for(choice, pictures / name)
        assert chosen.restorers[0].name == model
        assert chosen.reason.startswith(reason)
        assert chosen.scale == 2
    weaker = LoadOptions(device="cpu", strength=0.5)
    assert asked == [
        ("scn_x2", LoadOptions(device="cpu")),
        *((name, weaker) for name in ("photo_x2", "denoise", "dejpeg")),
    ]

    asked.clear()
    choice = select_for_restoring(LoadOptions(strength=0.5))
    for name, model in (("noisy.png", "denoise"), ("coarse.jpg", "dejpeg")):
        assert chosen_for(choice, pictures / name).restorers[0].name == model
    clean = chosen_for(choice, pictures / "clean.png")
    assert (clean.restorers, clean.reason[:11]) == ((), "noise about")
    assert {name for name, _ in asked} == {"denoise", "dejpeg"}


def test_later_networks_of_a_chain_are_those_for_clean_pictures(photo: Pixels) -> None:
    first, then = FakeRuntime(), FakeRuntime()
    series = [Restorer("photo", Traits(), first), Restorer("clean", Traits(), then)]
    assert upscale_array(photo[:20, :30], series, Target(scale=4)).shape == (80, 120, 3)
    assert [shape[2:] for shape in first.shapes] == [(20, 32)]
    assert [shape[2:] for shape in then.shapes] == [(40, 60)]


@pytest.mark.parametrize("scale", [1.5, 3, 4])
def test_what_keeps_the_size_is_followed_by_what_enlarges(photo: Pixels, scale: float) -> None:
    image = photo[:40, :56]
    clean = scalewise.restore(image, model="denoise")
    chained = scalewise.upscale(image, model="denoise", scale=scale)
    enlarged = scalewise.upscale(clean, model="scn_x2", scale=scale)
    assert np.abs(chained.astype(int) - enlarged).max() <= 2


@pytest.mark.parametrize(("sigma", "quality"), [(30, None), (None, 20)])
def test_what_is_bad_is_better_restored_before_it_is_enlarged(
    sigma: float | None, quality: int | None, photo: Pixels, tmp_path: Path
) -> None:
    photo = photo[:256, 100:356]
    small = bicubic_down(photo, 2)
    bad = small if sigma is None else noisy(small, sigma)
    write(tmp_path / "bad.jpg" if quality else tmp_path / "bad.png", Picture(bad), quality=quality)
    (path,) = tmp_path.iterdir()
    enlarged = scalewise.upscale(str(path))
    one_step = scalewise.upscale(str(path), model="photo_x2")
    assert enlarged.shape == photo.shape
    assert psnr(enlarged, photo) > psnr(one_step, photo) + (0.1 if quality else 1)
    call = restore_files([FileJob(path, tmp_path / "large.png")], select_for_upscaling())
    (done,) = [each.restored for each in call]
    assert done is not None
    assert done.model == ("dejpeg, scn_x2" if quality else "denoise, scn_x2")
    assert np.abs(read(done.target).pixels.astype(int) - enlarged).max() <= 1
    assert scalewise.upscale(str(path), width=97).shape[1] == 97


@pytest.mark.parametrize("strength", [0.0, 0.25, 0.5, 1.0])
def test_strength_keeps_a_part_of_the_change(photo: Pixels, strength: float) -> None:
    restored = darkening(strength).restore(photo[:40, :50])
    expected = np.rint(photo[:40, :50] * (1 - strength / 2))
    assert np.abs(restored - expected).max() <= 1


def test_strength_of_what_enlarges_mixes_two_networks(photo: Pixels) -> None:
    class Bright(FakeRuntime):
        def __call__(self, image: FloatImage) -> FloatImage:
            return super().__call__(image) * 0 + 1

    clean = Restorer("clean", Traits(), FakeRuntime(), tile=64)
    image = (photo[:40, :48] / 255).astype(np.float32)
    plain = clean.restore(image)
    half = Restorer("mixed", Traits(), Bright(), tile=64, strength=0.5, blend_with=clean)
    np.testing.assert_allclose(half.restore(image), (plain + 1) / 2, atol=1e-6)
    none = Restorer("mixed", Traits(), Bright(), tile=64, strength=0, blend_with=clean)
    np.testing.assert_allclose(none.restore(image), plain, atol=1e-6)


@pytest.mark.parametrize("strength", [-0.1, 1.5, float("nan")])
def test_strengths_out_of_range(strength: float) -> None:
    with pytest.raises(ScalewiseError, match="strength must be from 0 to 1"):
        darkening(strength)


def test_what_only_enlarges_has_no_strength() -> None:
    with pytest.raises(ScalewiseError, match="scn_x2 only enlarges"):
        load("scn_x2", LoadOptions(strength=0.5))


def test_a_selected_model_without_int8_takes_another_precision(
    photo: Pixels, tmp_path: Path
) -> None:
    write(tmp_path / "a.jpg", Picture(noisy(photo[:96, :96], 25)), quality=85)
    with pytest.warns(scalewise.errors.ScalewiseWarning, match="noisy_jpeg has no graph in 8-bit"):
        restored = scalewise.restore(str(tmp_path / "a.jpg"), precision="int8")
    assert restored.shape == (96, 96, 3)
    with pytest.raises(ScalewiseError, match="precision=int8: noisy_jpeg has no graph"):
        scalewise.restore(photo[:40, :40], model="noisy_jpeg", precision="int8")


def test_alpha_stays_where_the_size_does(photo: Pixels) -> None:
    alpha = np.random.default_rng(0).integers(0, 256, (96, 96, 1), np.uint8)
    image = np.concatenate([noisy(photo[:96, :96], 25), alpha], axis=2)
    restored = scalewise.restore(image, task="denoise")
    np.testing.assert_array_equal(restored[..., 3], image[..., 3])
    deep = scalewise.restore(image.astype(np.uint16) * np.uint16(257), task="denoise")
    np.testing.assert_array_equal(deep[..., 3], image[..., 3].astype(np.uint16) * 257)


def test_unknown_tasks_are_named() -> None:
    with pytest.raises(ScalewiseError, match="super-resolution only enlarges: call upscale"):
        scalewise.restore(np.zeros((8, 8), np.uint8), task="super-resolution")
    with pytest.raises(ScalewiseError, match=r"unknown task 'deblur'; known: .*, denoise"):
        scalewise.restore(np.zeros((8, 8), np.uint8), task="deblur")


def test_nothing_is_done_to_a_clean_array(photo: Pixels) -> None:
    np.testing.assert_array_equal(scalewise.restore(photo), photo)


def test_cascades_are_those_that_cards_name() -> None:
    cascade = load_cascade("photo_x2", LoadOptions(strength=0.5))
    assert [restorer.name for restorer in cascade] == ["photo_x2", "scn_x2"]
    assert [restorer.name for restorer in load_cascade("scn_x3")] == ["scn_x3", "scn_x2", "scn_x4"]
    assert [restorer.name for restorer in load_cascade("dejpeg")][1:] == [
        "scn_x2",
        "scn_x3",
        "scn_x4",
    ]


@pytest.mark.parametrize(
    "name", ["clean.png", "light.png", "noisy.png", "coarse.jpg", "grainy.jpg"]
)
def test_auto_means_the_same_whatever_an_image_comes_in(pictures: Path, name: str) -> None:
    pixels = read(pictures / name).pixels
    write(pictures / f"{name}.png", Picture(pixels))
    estimates = [
        estimate_file(pictures / name),
        estimate_file(pictures / f"{name}.png"),
        estimate_degradation(pixels),
        estimate_degradation(pixels.astype(np.uint16) * np.uint16(257)),
        estimate_degradation((pixels / 255).astype(np.float32)),
    ]
    assert len({task_of(each) for each in estimates}) == 1
    assert len({task_of(each, enlarge=True) for each in estimates}) == 1


@pytest.mark.parametrize("task", ["denoise", "dejpeg", "photo"])
def test_released_networks_mend_what_they_are_for(task: str, photo: Pixels, tmp_path: Path) -> None:
    cut = np.ascontiguousarray(photo[60:188, 150:278])
    write(tmp_path / "a.jpg", Picture(cut), quality=30)
    faulty = noisy(cut, 25) if task == "denoise" else read(tmp_path / "a.jpg").pixels
    restored = scalewise.restore(faulty, task=task)
    if task == "photo":
        assert restored.shape == (256, 256, 3)
        restored = restored.reshape(128, 2, 128, 2, 3).mean(axis=(1, 3))

    def error(image: NDArray[np.generic]) -> float:
        return float(np.mean((image.astype(np.float64) - cut) ** 2))

    assert error(restored) < {"denoise": 0.3, "dejpeg": 0.85, "photo": 1.0}[task] * error(faulty)


def test_jobs_name_what_was_done(tmp_path: Path, photo: Pixels) -> None:
    write(tmp_path / "a.jpg", Picture(photo[:64, :64]), quality=70)
    (outcome,) = restore_files(
        [FileJob(tmp_path / "a.jpg", tmp_path / "b.png")], select_for_upscaling()
    )
    assert outcome.restored is not None
    assert outcome.restored.model == "photo_x2"
    assert outcome.restored.reason.startswith("JPEG quality 70, noise about ")
