"""TensorBoard logs: numbers at every line, images at every validation."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from scalewise.imaging.resize import imresize
from scalewise.training.build import prepare
from scalewise.training.config import Recipe
from scalewise.training.log import LogLine
from scalewise.training.tensorboard import TensorBoard
from scalewise.training.validation import ValidationSet, restore_uint8


def events_of(run: Path) -> EventAccumulator:
    events = EventAccumulator(str(run / "tensorboard"), {"images": 0})
    events.Reload()
    return events


def test_the_centres_of_validation_pictures_over_time(
    tmp_path: Path, recipe: Recipe, photo: NDArray[np.uint8]
) -> None:
    trainer = prepare(recipe, tmp_path / "run")
    large = photo[:240, :260]
    lr, small = imresize(large, 0.5), np.ascontiguousarray(photo[:60, :50])
    pairs = [(lr, large), *[(imresize(small, 0.5), small)] * 5]
    trainer.validation = ValidationSet(pairs, 2)
    board = TensorBoard(trainer)
    board.on_line(LogLine(20, 1.0, 0.1, 1e-3, 0.5, None))
    board.on_line(LogLine(40, 2.0, 0.2, 1e-3, 0.4, 30.0))
    for parameter in trainer.ema.network.parameters():
        parameter.data.add_(0.01)
    board.on_line(LogLine(60, 3.0, 0.3, 1e-3, 0.3, 31.0))

    events = events_of(trainer.run)
    assert sorted(events.Tags()["images"]) == [f"crops/{index}" for index in range(4)]
    shown = events.Images("crops/0")
    assert [image.step for image in shown] == [40, 60]
    before, after = (
        np.asarray(Image.open(io.BytesIO(image.encoded_image_string))) for image in shown
    )
    crop = lr[12:108, 17:113]
    bicubic, restored, truth = np.split(after, 3, axis=1)
    np.testing.assert_array_equal(bicubic, imresize(crop, 2))
    np.testing.assert_array_equal(
        restored, restore_uint8(trainer.ema.network, crop, trainer.device, trainer.dtype)
    )
    np.testing.assert_array_equal(truth, large[24:216, 34:226])
    assert np.any(before != after)
    (whole, _) = events.Images("crops/1")
    assert (whole.height, whole.width) == (60, 3 * 50)


def test_without_validation_there_are_no_pictures(tmp_path: Path, recipe: Recipe) -> None:
    recipe = replace(recipe, data=replace(recipe.data, valid=None))
    trainer = prepare(recipe, tmp_path / "run")
    TensorBoard(trainer).on_line(LogLine(20, 1.0, 0.1, 1e-3, 0.5, None))
    tags = events_of(trainer.run).Tags()
    assert (sorted(tags["scalars"]), tags["images"]) == (["loss", "rate"], [])
