"""Scores, sample images and attention maps of trained networks."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from scalewise.data.layouts import find_dataset
from scalewise.experiments.attention import ATTENTION_FILE, ATTENTION_MAPS, Attention
from scalewise.experiments.measurement import (
    ATTENTION_SIDE,
    attention_maps,
    make_samples,
    measure_attention,
    measure_border,
    measure_run,
)
from scalewise.experiments.results import (
    SAMPLES,
    SAMPLES_FILE,
    Sample,
    load_json,
)
from scalewise.files import Picture, read, write
from scalewise.imaging.protocols import FIELD, PROTOCOLS
from scalewise.models import RestorationNetwork, checkpoints
from scalewise.models.adaptive import Adaptive
from scalewise.restoring.loading import load
from scalewise.training.build import prepare
from scalewise.training.config import BudgetConfig, DataConfig, ModelConfig, Recipe
from scalewise.weights import release
from scalewise.weights.release import load_network, to_bytes


@pytest.fixture
def trained(tmp_path: Path, photo: NDArray[np.uint8]) -> Path:
    """A run of three steps, and a folder with the one image that it learned from."""
    (tmp_path / "pictures").mkdir()
    write(tmp_path / "pictures" / "face.png", Picture(photo[50:114, 180:250]))
    pictures = str(tmp_path / "pictures")
    recipe = Recipe(
        model=ModelConfig(name="scn_exact", settings={"width": 4, "blocks": 1, "levels": 2}),
        data=DataConfig(train=[pictures], valid=pictures, patch=8, batch=1),
        budget=BudgetConfig(steps=3),
    )
    prepare(recipe, tmp_path / "run").train()
    return tmp_path / "run"


def test_a_run_is_loaded_once_and_measured(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = find_dataset(trained.parent / "pictures")
    digest = hashlib.sha256(to_bytes(load_network(trained))).hexdigest()
    loaded: list[Path] = []

    def load(path: Path) -> RestorationNetwork:
        loaded.append(path)
        return checkpoints.load_checkpoint(path)

    monkeypatch.setattr(release, "load_checkpoint", load)
    measured = measure_run(trained, {"mine": pictures}, [FIELD])
    assert loaded == [trained / "best.pt"]
    assert measured.weights == digest
    (score,) = measured.scores
    assert (score.model, score.dataset, score.protocol) == ("run", "mine", "field")
    assert (score.images, score.precision) == (1, "f32")
    assert score.psnr_y > 20


def test_every_sample_gets_a_sheet_and_scores(
    small_release: Path, photo: NDArray[np.uint8], tmp_path: Path
) -> None:
    for folder, corner in (("a", 0), ("b", 100)):  # two images of the same name
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / "x.png", Picture(photo[corner : corner + 70, :80]))
    pictures = [tmp_path / "a" / "x.png", tmp_path / "b" / "x.png"]
    samples = make_samples(pictures, pictures[0], [load(small_release)], tmp_path)
    assert load_json(list[Sample], tmp_path / SAMPLES / SAMPLES_FILE) == samples
    assert [sample.single for sample in samples] == [False, False, True]
    assert len({sample.sheet for sample in samples}) == 3
    for sample in samples:
        assert read(tmp_path / SAMPLES / sample.sheet).pixels.shape[1] > 1000
        measured = [(score.model, score.protocol) for score in sample.scores]
        assert measured == [(m, p) for p in PROTOCOLS for m in ("bicubic", "small")]
    assert samples[0].scores == samples[2].scores != samples[1].scores


def test_attention_sums_to_one_over_the_scales(photo: NDArray[np.uint8]) -> None:
    network = Adaptive(width=4, blocks=2).eval()
    alpha = attention_maps(network, photo[:21, :30])
    assert alpha.shape == (2, 2, 3, 21, 30)
    np.testing.assert_allclose(alpha.sum(axis=2), 1, atol=1e-5)
    assert alpha.std(axis=(3, 4)).min() > 0  # they differ from pixel to pixel


def test_attention_maps_are_in_the_order_of_the_network(
    photo: NDArray[np.uint8],
) -> None:
    network = Adaptive(width=4, blocks=3).eval()
    attention = network.get_submodule("blocks.1.scale_conv2.attention.attention.0")
    with torch.no_grad():
        for parameter in attention.parameters():
            parameter.zero_()
    alpha = attention_maps(network, photo[:20, :20])
    even = np.abs(alpha - 1 / 3).max(axis=(2, 3, 4)) < 1e-6
    assert even.tolist() == [[False, False], [False, True], [False, False]]


def test_attention_maps_and_means_are_saved(photo: NDArray[np.uint8], tmp_path: Path) -> None:
    write(tmp_path / "face.png", Picture(photo))
    network = Adaptive(width=4, blocks=2).eval()
    found = measure_attention(network, tmp_path / "face.png", "adaptive", tmp_path)
    assert load_json(Attention, tmp_path / ATTENTION_FILE) == found
    assert (found.run, found.picture) == ("adaptive", "face")
    with np.load(tmp_path / ATTENTION_MAPS) as kept:
        assert kept["picture"].shape == (ATTENTION_SIDE, ATTENTION_SIDE, 3)
        assert kept["alpha"].shape == (2, 2, 3, ATTENTION_SIDE, ATTENTION_SIDE)
        means = kept["alpha"].astype(float).mean(axis=(3, 4))
        np.testing.assert_allclose(means, found.means, atol=1e-3)


def test_a_bright_border_of_padding_is_told_from_one_of_the_picture(
    photo: NDArray[np.uint8],
) -> None:
    torch.manual_seed(0)
    network = Adaptive(width=4, blocks=1).eval()
    image = np.ascontiguousarray(photo[:48, :48])
    before = attention_maps(network, image)
    border = measure_border(network, image)
    assert border.picture == pytest.approx(before[-1, 1, -1, :, :4].mean())
    assert border.inside == pytest.approx(before[-1, 1, -1, 12:-12, 12:-12].mean())
    assert border.replicated != border.picture
    np.testing.assert_array_equal(attention_maps(network, image), before)  # zeros again


def test_samples_have_their_artifacts(
    small_release: Path, photo: NDArray[np.uint8], tmp_path: Path
) -> None:
    write(tmp_path / "x.png", Picture(photo[:70, :80]))
    (sample,) = make_samples([tmp_path / "x.png"], None, [load(small_release)], tmp_path)
    assert set(sample.artifacts) == {"bicubic", "small"}
    assert all(each.overshoot > 0 for each in sample.artifacts.values())
