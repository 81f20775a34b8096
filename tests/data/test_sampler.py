"""The patch sampler: repeatable, aligned, uniform, quick."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.data.degrading import PatchDegradation
from scalewise.data.layouts import find_dataset
from scalewise.data.packing import pack
from scalewise.data.sampler import PatchSampler, bicubic_matrix
from scalewise.data.store import Store
from scalewise.errors import ScalewiseError
from scalewise.files import Picture, write
from scalewise.imaging.resize import imresize
from scalewise.tasks import get_task


def packed(folder: Path, *pictures: NDArray[np.uint8], scale: int = 2) -> Store:
    folder.mkdir()
    for number, pixels in enumerate(pictures):
        write(folder / f"{number}.png", Picture(pixels))
    pack([find_dataset(folder)], folder / "out.pack", [scale], workers=1)
    return Store(folder / "out.pack")


@pytest.fixture
def store(tmp_path: Path, photo: NDArray[np.uint8]) -> Store:
    return packed(tmp_path / "two", photo[:130, :170], photo[200:301, 100:400])


def test_a_batch_depends_on_seed_and_step_alone(store: Store) -> None:
    first = PatchSampler([store], 2, 16, 6, seed=1)
    again = PatchSampler([store], 2, 16, 6, seed=1)
    again.sample(7)
    lr, hr = first.sample(3)
    assert lr.shape == (6, 16, 16, 3)
    assert hr.shape == (6, 32, 32, 3)
    for ours, theirs in zip((lr, hr), again.sample(3), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert not np.array_equal(lr, first.sample(4)[0])
    assert not np.array_equal(lr, PatchSampler([store], 2, 16, 6, seed=2).sample(3)[0])


def test_processes_share_the_batch_that_one_would_see(store: Store) -> None:
    whole = PatchSampler([store], 2, 16, 6, seed=5).sample(11)
    shares = [PatchSampler([store], 2, 16, 6, seed=5, rank=r, world=3).sample(11) for r in range(3)]
    for which, all_patches in enumerate(whole):
        dealt = np.stack([share[which] for share in shares], axis=1)
        np.testing.assert_array_equal(dealt.reshape(all_patches.shape), all_patches)


@pytest.mark.parametrize("scale", [2, 3])
def test_the_bicubic_matrix_is_imresize(photo: NDArray[np.uint8], scale: int) -> None:
    lr = photo[100:116, 200:216, 0].astype(np.float64)
    matrix = bicubic_matrix(16, scale)
    np.testing.assert_allclose(matrix @ lr @ matrix.T, imresize(lr, scale), atol=1e-3)


def test_of_candidates_the_hardest_is_taken(store: Store) -> None:
    def errors(sampler: PatchSampler, step: int) -> list[float]:
        lr, hr = (patches.mean(axis=3) for patches in sampler.sample(step))
        return [
            float(np.abs(imresize(small, 2) - large).mean())
            for small, large in zip(lr, hr, strict=True)
        ]

    even, chosen = (
        PatchSampler([store], 2, 16, 6, seed=3, augment=False, candidates=candidates)
        for candidates in (1, 4)
    )
    means = [np.mean([errors(each, step) for step in range(20)]) for each in (even, chosen)]
    assert means[1] > 1.3 * means[0]
    # Of the four that it draws for a patch, none is harder than the one that it takes.
    places = chosen.draw(0)
    drawn = chosen._random(0).random((6, 4, 4))
    for place, candidates in zip(places, drawn.tolist(), strict=True):
        hardest = max(chosen._bicubic_error(chosen._place(*numbers)) for numbers in candidates)
        assert chosen._bicubic_error(place) == hardest


def test_processes_share_what_is_chosen(store: Store) -> None:
    settings = {"seed": 5, "candidates": 3}
    whole = PatchSampler([store], 2, 16, 6, **settings).draw(2)
    shares = [PatchSampler([store], 2, 16, 6, rank=r, world=2, **settings).draw(2) for r in (0, 1)]
    assert [place for pair in zip(*shares, strict=True) for place in pair] == whole


def test_candidates_need_patches_that_are_enlarged(store: Store) -> None:
    for settings in ({"scale": 1}, {"scale": 2, "whole": True}):
        with pytest.raises(ScalewiseError, match="leave it out"):
            PatchSampler([store], patch=16, batch=6, candidates=2, **settings)


@pytest.mark.parametrize("candidates", [1, 3])
def test_each_store_gets_its_share_even_if_it_is_easy(
    tmp_path: Path, photo: NDArray[np.uint8], candidates: int
) -> None:
    hard = packed(tmp_path / "hard", photo[:200, :200], photo[200:300, :300])
    flat = packed(tmp_path / "flat", np.full((40, 40, 3), 128, np.uint8))
    sampler = PatchSampler([hard, flat], 2, 16, 50, candidates=candidates, weights=[3, 1])
    places = [place for step in range(60) for place in sampler.draw(step)]
    assert np.mean([place.store is flat for place in places]) == pytest.approx(0.25, abs=0.03)
    # Within a store, images are drawn in proportion to their positions.
    if candidates == 1:
        first = [place.picture == 0 for place in places if place.store is hard]
        even = PatchSampler([hard], 2, 16, 50)
        alone = [place.picture == 0 for step in range(60) for place in even.draw(step)]
        assert np.mean(first) == pytest.approx(np.mean(alone), abs=0.04)
    assert not any(
        place.store is flat
        for place in PatchSampler([hard, flat], 2, 16, 50, weights=[1, 0]).draw(0)
    )


def test_weights_that_do_not_fit_are_refused(tmp_path: Path, store: Store) -> None:
    small = packed(tmp_path / "small", np.zeros((8, 8, 3), np.uint8))
    for weights, reason in (
        ([1.0], "one number for each of the 2"),
        ([1.0, -1.0], "weights must be 0 or more, not -1.0"),
        ([0.0, 0.0], "cannot all be 0"),
        ([1.0, 1.0], "training set 2 has a weight"),
    ):
        with pytest.raises(ScalewiseError, match=reason):
            PatchSampler([store, small], 2, 16, 6, weights=weights)
    with pytest.raises(ScalewiseError, match="leave it out"):
        PatchSampler([store], 2, 16, 6, whole=True, weights=[1.0])


@pytest.mark.parametrize("scale", [2, 3])
def test_lr_and_hr_show_the_same_place(
    tmp_path: Path, photo: NDArray[np.uint8], scale: int
) -> None:
    store = packed(tmp_path / "one", photo[100:300, 50:271], scale=scale)
    lr, hr = PatchSampler([store], scale, 20, 32).sample(0)
    inside = slice(3, -3)  # beyond the reach of the patch's own border
    for small, large in zip(lr, hr, strict=True):
        made = imresize(large, 1 / scale)[inside, inside].astype(int)
        assert np.abs(made - small[inside, inside]).max() <= 2  # rounded in another order


def test_all_eight_views_occur_equally_often(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    store = packed(tmp_path / "one", picture)
    _, hr = PatchSampler([store], 2, 4, 4000).sample(0)
    turned = [np.rot90(image, k) for image in (picture, picture[:, ::-1]) for k in range(4)]
    counts = Counter(patch.tobytes() for patch in hr)
    assert set(counts) == {view.tobytes() for view in turned}
    assert min(counts.values()) > 400  # 500 expected, deviation 21


def test_patches_as_they_are_lie_where_the_others_do(store: Store) -> None:
    plain = PatchSampler([store], 2, 16, 50, augment=False).draw(4)
    turned = PatchSampler([store], 2, 16, 50).draw(4)
    assert {place.view for place in plain} == {0}
    assert plain == [place._replace(view=0) for place in turned]
    assert {place.view for place in turned} == set(range(8))


@pytest.mark.parametrize("batch", [3, 4, 16])
def test_whole_pictures_come_once_an_epoch(tmp_path: Path, batch: int) -> None:
    stores: list[Store] = []
    for name, values in (("one", range(4)), ("two", range(4, 7))):
        pictures = [np.full((8, 8, 3), value, np.uint8) for value in values]
        pictures[0][0, 0] = 99  # to tell a flip
        stores.append(packed(tmp_path / name, *pictures))
    sampler = PatchSampler(stores, 2, 4, batch, seed=3, whole=True)
    assert len(sampler) == 7
    places = [place for step in range(70) for place in sampler.draw(step)]
    assert {(place.top, place.left, place.view) for place in places} == {(0, 0, 0)}
    drawn = [(place.store.path, place.picture) for place in places]
    epochs = [tuple(drawn[start : start + 7]) for start in range(0, 70, 7)]
    assert {frozenset(epoch) for epoch in epochs} == {
        frozenset((store.path, index) for store in stores for index in range(len(store)))
    }
    assert len(set(epochs)) == 10  # each in an order of its own

    lr, hr = sampler.sample(5)
    for place, small, large in zip(sampler.draw(5), lr, hr, strict=True):
        np.testing.assert_array_equal(small, place.store.lr(place.picture, 2))
        np.testing.assert_array_equal(large, place.store.hr(place.picture))
    assert sampler.draw(5) == PatchSampler(stores, 2, 4, batch, seed=3, whole=True).draw(5)
    assert drawn[:batch] != [
        (place.store.path, place.picture)
        for place in PatchSampler(stores, 2, 4, batch, seed=4, whole=True).draw(0)
    ]


def test_processes_share_whole_pictures(tmp_path: Path) -> None:
    store = packed(tmp_path / "one", *(np.full((8, 8, 3), value, np.uint8) for value in range(5)))
    whole = PatchSampler([store], 2, 4, 6, whole=True).draw(2)
    shares = [PatchSampler([store], 2, 4, 6, 0, r, 3, whole=True).draw(2) for r in range(3)]
    assert [share[n] for n in range(2) for share in shares] == whole


@pytest.mark.parametrize("task", ["denoise", "dejpeg", "photo"])
def test_degradations_depend_on_seed_step_and_place_alone(store: Store, task: str) -> None:
    scale = 2 if task == "photo" else 1
    settings = {"seed": 5, "degradation": PatchDegradation.of(get_task(task))}
    sampler = PatchSampler([store], scale, 16, 6, **settings)
    lr, hr = sampler.sample(11)
    assert (lr.shape, hr.shape) == ((6, 16, 16, 3), (6, 16 * scale, 16 * scale, 3))
    assert lr.dtype == (np.float32 if task == "denoise" else np.uint8)
    sampler.sample(12)
    for ours, again in zip((lr, hr), sampler.sample(11), strict=True):
        np.testing.assert_array_equal(ours, again)
    shares = [
        PatchSampler([store], scale, 16, 6, rank=rank, world=3, **settings).sample(11)
        for rank in range(3)
    ]
    for which, all_patches in enumerate((lr, hr)):
        dealt = np.stack([share[which] for share in shares], axis=1)
        np.testing.assert_array_equal(dealt.reshape(all_patches.shape), all_patches)


def test_the_clean_lr_is_what_an_undegraded_run_draws(store: Store) -> None:
    noise = PatchDegradation(sigma=(20, 20))  # without JPEG, so without a margin
    lr, hr, clean = PatchSampler([store], 2, 16, 6, degradation=noise, clean_lr=True).sample(3)
    plain_lr, plain_hr = PatchSampler([store], 2, 16, 6).sample(3)
    np.testing.assert_array_equal(clean, plain_lr)
    np.testing.assert_array_equal(hr, plain_hr)
    assert (lr - clean).std() == pytest.approx(20, rel=0.1)
    shares = [
        PatchSampler([store], 2, 16, 6, 0, r, 3, degradation=noise, clean_lr=True).sample(3)[2]
        for r in range(3)
    ]
    np.testing.assert_array_equal(np.stack(shares, axis=1).reshape(clean.shape), clean)


def test_every_step_seed_and_patch_has_faults_of_its_own(tmp_path: Path) -> None:
    store = packed(tmp_path / "grey", np.full((20, 20, 3), 128, np.uint8))
    noise = PatchDegradation(sigma=(20, 20))
    drawn = [
        patch - np.float32(128)
        for seed in (0, 1)
        for step in (0, 1)
        for patch in PatchSampler([store], 1, 16, 4, seed, degradation=noise).sample(step)[0]
    ]
    likeness = np.corrcoef([patch.ravel() for patch in drawn])
    assert np.abs(likeness - np.eye(len(drawn))).max() < 0.2


def test_a_margin_needs_room(tmp_path: Path) -> None:
    store = packed(tmp_path / "one", np.zeros((40, 63, 3), np.uint8))
    jpegs = PatchDegradation(quality=(10, 95))
    assert len(PatchSampler([store], 1, 17, 1, degradation=jpegs)) == 1
    with pytest.raises(ScalewiseError, match="large enough for patches of 48 px; choose a smaller"):
        PatchSampler([store], 1, 18, 1, degradation=jpegs)


def test_existing_runs_draw_what_they_drew(store: Store) -> None:
    places = PatchSampler([store], 2, 16, 2, seed=1).draw(3)
    assert [tuple(place)[1:] for place in places] == [(1, 21, 11, 0), (0, 8, 34, 5)]


def test_all_positions_are_equally_likely(tmp_path: Path) -> None:
    # One position in the first image, 3 x 3 in the second.
    dark, bright = np.zeros((8, 8, 3), np.uint8), np.full((12, 12, 3), 255, np.uint8)
    store = packed(tmp_path / "two", dark, bright)
    _, hr = PatchSampler([store], 2, 4, 10000).sample(0)
    assert np.mean(hr[:, 0, 0, 0] == 0) == pytest.approx(0.1, abs=0.015)


def test_several_stores_and_scale_1(tmp_path: Path) -> None:
    stores = [
        packed(tmp_path / name, np.full((8, 8, 3), value, np.uint8))
        for name, value in (("dark", 10), ("bright", 200))
    ]
    lr, hr = PatchSampler(stores, 1, 8, 64).sample(0)
    np.testing.assert_array_equal(lr, hr)
    assert set(np.unique(lr)) == {10, 200}


def test_pictures_below_the_patch_size_are_passed_over(store: Store, tmp_path: Path) -> None:
    small = packed(tmp_path / "small", np.zeros((30, 200, 3), np.uint8))
    assert len(PatchSampler([store, small], 2, 15, 1)) == 3
    assert len(PatchSampler([store, small], 2, 16, 1)) == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"patch": 99}, "no image is large enough for patches of 198 px"),
        ({"patch": 10**6}, "no image is large enough for patches of 2000000 px"),
        ({"world": 4}, "batch 6 does not divide among 4 processes"),
        ({"seed": -1}, r"seed must be a whole number from 0 to 2\^63 - 1, not -1"),
        ({"seed": 2**63}, "not 9223372036854775808"),
        ({"scale": 3}, "holds x2, not x3"),
    ],
)
def test_errors_say_what_to_change(store: Store, settings: dict[str, int], message: str) -> None:
    with pytest.raises(ScalewiseError, match=message):
        PatchSampler([store], **{"scale": 2, "patch": 16, "batch": 6, **settings})


def test_a_batch_of_16_takes_under_5_ms(store: Store) -> None:
    sampler = PatchSampler([store], 2, 48, 16)
    sampler.sample(0)
    spent: list[float] = []
    for round_ in range(5):
        started = time.process_time()
        for step in range(20):
            sampler.sample(round_ * 20 + step)
        spent.append((time.process_time() - started) / 20)
    assert min(spent) < 0.005
