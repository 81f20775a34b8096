"""Tasks other than super-resolution: trained, validated, started from networks of others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from scalewise.data.layouts import find_dataset
from scalewise.data.packing import pack
from scalewise.data.store import Store
from scalewise.errors import ScalewiseError
from scalewise.evaluating.task_protocols import evaluation_protocol
from scalewise.imaging.degradations import bicubic_down, jpeg
from scalewise.imaging.second_order import SecondOrder
from scalewise.training.batches import HostBatches, make_batches
from scalewise.training.build import build_network, open_validation, prepare
from scalewise.training.config import BudgetConfig, DataConfig, Recipe
from scalewise.training.tensorboard import TensorBoard
from scalewise.training.validation_protocol import PROTOCOL, protocol_of

SCALES = {"denoise": 1, "dejpeg": 1, "photo": 2, "old-photo": 1}


def of_task(recipe: Recipe, task: str, scale: int | None = None, **data: Any) -> Recipe:
    settings = {**recipe.model.settings, "scale": scale or SCALES[task]}
    kept = {"train": recipe.data.train, "valid": recipe.data.valid, "patch": 8, "batch": 2}
    return replace(
        recipe,
        model=replace(recipe.model, settings=settings),
        data=DataConfig(**{**kept, "task": task, **data}),
        budget=BudgetConfig(steps=20),
    )


@pytest.mark.parametrize("task", SCALES)
def test_a_run_of_a_task_learns_and_goes_on_exactly(
    recipe: Recipe, tmp_path: Path, task: str
) -> None:
    recipe = of_task(recipe, task)
    straight = prepare(recipe, tmp_path / "straight")
    straight.train()
    assert straight.best > 15

    again = prepare(recipe, tmp_path / "again")
    for _ in range(9):
        again.training_step()
    again._save()  # pyright: ignore[reportPrivateUsage]
    resumed = prepare(recipe, tmp_path / "again", initialise=False, reuse_packed=True)
    resumed.resume()
    assert resumed.step == 9
    resumed.train()
    for ours, theirs in zip(
        resumed.network.parameters(), straight.network.parameters(), strict=True
    ):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("task", SCALES)
def test_batches_are_the_degraded_patches(recipe: Recipe, tmp_path: Path, task: str) -> None:
    trainer = prepare(of_task(recipe, task), tmp_path / "run")
    lr, hr = trainer.batches(3)
    assert lr.shape == (2, 3, 8, 8)
    assert hr.shape == (2, 3, 8 * SCALES[task], 8 * SCALES[task])
    assert lr.is_contiguous(memory_format=torch.channels_last)
    for ours, theirs in zip((lr, hr), trainer.sampler.sample(3), strict=True):
        expected = torch.from_numpy(theirs).permute(0, 3, 1, 2).float() / 255
        assert torch.equal(ours, expected)
    if task == "denoise":
        outside = [trainer.batches(step)[0] for step in range(20)]
        assert min(batch.min() for batch in outside) < 0
    # Not gathered on a GPU, even where there is one.
    assert isinstance(make_batches(trainer.sampler, torch.device("cuda")), HostBatches)


@pytest.mark.parametrize(
    ("task", "scale", "message"),
    [
        ("denoise", 2, "denoise keeps an image's size; set model.settings.scale=1, not 2"),
        ("dejpeg", 3, "dejpeg keeps an image's size; set model.settings.scale=1, not 3"),
        ("photo", 1, "photo enlarges images; set model.settings.scale to 2 or more"),
    ],
)
def test_a_task_of_another_scale_is_refused(
    recipe: Recipe, tmp_path: Path, task: str, scale: int, message: str
) -> None:
    with pytest.raises(ScalewiseError, match=f"^data.task: {message}"):
        prepare(of_task(recipe, task, scale), tmp_path / "run")


def inputs(data: DataConfig, scale: int) -> list[NDArray[Any]]:
    validation = open_validation(data, scale)
    assert validation is not None
    return [lr for lr, _ in validation.pairs]


def test_validation_is_in_the_middle_of_the_strengths(recipe: Recipe, tmp_path: Path) -> None:
    store = tmp_path / "valid.pack"
    pack([find_dataset(Path(recipe.data.train[0]))], store, [2])
    pictures = [Store(store).hr(index) for index in range(2)]

    noisy = of_task(recipe, "denoise", sigma=[10, 40]).data
    noise = [lr - hr for lr, hr in zip(inputs(noisy, 1), pictures, strict=True)]
    for each in noise:
        assert each.dtype == np.float64
        assert np.std(each) == pytest.approx(25, abs=0.6)
    assert not np.allclose(noise[0].ravel()[:999], noise[1].ravel()[:999])

    coded = of_task(recipe, "dejpeg", quality=[10, 41]).data
    for lr, hr in zip(inputs(coded, 1), pictures, strict=True):
        np.testing.assert_array_equal(lr, jpeg(hr, 25, "4:2:0"))

    photo = of_task(recipe, "photo").data
    for lr, hr in zip(inputs(photo, 2), pictures, strict=True):
        assert lr.dtype == np.uint8
        clean = bicubic_down(hr, 2)
        assert 2 < np.std(lr - clean.astype(float)) < 7
        assert not np.array_equal(lr, jpeg(clean, 77))

    for data, scale in ((noisy, 1), (coded, 1), (photo, 2)):
        from_store = inputs(replace(data, valid=str(store)), scale)
        for ours, theirs in zip(inputs(data, scale), from_store, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_an_old_photo_has_one_point_of_validation(
    recipe: Recipe, photo: NDArray[np.uint8], tmp_path: Path
) -> None:
    strong = SecondOrder(blur=((2, 4), (0, 1)), noise=((30, 40), (1, 2)))
    data = of_task(recipe, "old-photo", quality=[10, 20], second_order=strong).data
    validated, evaluated = protocol_of(data), evaluation_protocol("old-photo")
    first = validated.prepare(photo[:40, :50], None, 1, "a")[0]
    second = evaluated.prepare(photo[:40, :50], None, 1, "set/a")[0]
    assert np.abs(first - second.astype(float)).max() < 20  # another codec's JPEG
    assert "JPEG quality 75" in validated.description

    clean = prepare(of_task(recipe, "old-photo", clean=0.999), tmp_path / "clean").batches(0)
    torch.testing.assert_close(clean[0], clean[1], atol=1e-6, rtol=0)
    runs = [of_task(recipe, "old-photo", clean=0.0, second_order=each) for each in (None, strong)]
    weak, much = (prepare(each, tmp_path / "run", reuse_packed=True).batches(0) for each in runs)
    assert (weak[0] - weak[1]).abs().mean() < (much[0] - much[1]).abs().mean()


def test_validation_and_evaluation_give_an_image_the_same_noise(
    recipe: Recipe, photo: NDArray[np.uint8]
) -> None:
    data = of_task(recipe, "denoise", sigma=[10, 40]).data
    validated, evaluated = protocol_of(data), evaluation_protocol("denoise", sigma=25)
    np.testing.assert_array_equal(
        validated.prepare(photo[:40, :50], None, 1, "set/a")[0],
        evaluated.prepare(photo[:40, :50], None, 1, "a")[0],
    )
    assert replace(validated, only_scale=1) == evaluated


def test_the_protocol_of_a_run_is_its_tasks(recipe: Recipe) -> None:
    said = {
        "denoise": "protocol denoise25: Gaussian noise of sigma 25, seeded by the image's name",
        "dejpeg": "protocol jpeg52: JPEG quality 52, chroma 4:2:0, by NumPy",
        "photo": "protocol photo: input reduced (bicubic), then Gaussian noise of sigma 5, seeded "
        "by the image's name, rounded to 8 bits, then JPEG quality 77, chroma 4:2:0, by NumPy",
    }
    for task, start in said.items():
        protocol = protocol_of(of_task(recipe, task).data)
        assert protocol == protocol_of(of_task(recipe, task).data)
        assert protocol.description.startswith(start)
    assert protocol_of(of_task(recipe, "photo", sigma=[0, 20]).data).name == "photo10-77"
    assert protocol_of(recipe.data) is PROTOCOL


def test_noisy_pictures_are_shown_rounded(recipe: Recipe, tmp_path: Path) -> None:
    trainer = prepare(of_task(recipe, "denoise"), tmp_path / "run")
    trainer.listeners.append(TensorBoard(trainer))
    shown: list[NDArray[Any]] = []
    writer = trainer.listeners[0]._writer  # pyright: ignore
    writer.add_image = lambda _, picture, *rest, **more: shown.append(picture)
    trainer.train()
    assert shown[0].dtype == np.uint8
    assert shown[0].shape[1] == 3 * 70


def test_starting_from_the_body_of_another_scale(recipe: Recipe, tmp_path: Path) -> None:
    trainer = prepare(replace(recipe, budget=BudgetConfig(steps=3)), tmp_path / "first")
    trainer.train()
    first = trainer.ema.network.state_dict()
    start = of_task(recipe, "denoise").model
    drawn = build_network(start, recipe.seed).state_dict()
    start = replace(start, init=str(tmp_path / "first"))
    with pytest.raises(ScalewiseError, match=r"model.init: .*weights do not fit ScnExact"):
        build_network(start, recipe.seed)
    begun = build_network(replace(start, init_partial=True), recipe.seed).state_dict()
    for name, weight in begun.items():
        other_scale = name.startswith(("tail.", "skip."))
        assert torch.equal(weight, drawn[name] if other_scale else first[name])
    assert not torch.equal(begun["blocks.0.body.0.weight"], drawn["blocks.0.body.0.weight"])

    other = replace(start, name="original", settings={}, init_partial=True)
    with pytest.raises(ScalewiseError, match=r"model.init: .*: no weight of it has a place"):
        build_network(other, recipe.seed)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"task": "dejpeg", "webp": 0.6, "avif": 0.5}, "from 0 to 1 together, not 0.6 and 0.5"),
        ({"task": "dejpeg", "webp": -0.1}, "from 0 to 1 together, not -0.1 and 0"),
        ({"task": "denoise", "webp": 0.1}, "data.webp is not for denoise: leave it out"),
    ],
)
def test_wrong_shares_of_codecs_are_told(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ScalewiseError, match=message):
        DataConfig(train=["x"], **settings)
