"""A dataset and a recipe so small that a run takes a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.files import Picture, write
from scalewise.training.config import BudgetConfig, DataConfig, ModelConfig, Recipe

TRAINED_ON = (
    "data.valid: 2 of 2 images are trained on, too; their scores do not tell how others are "
    "restored"
)
"""Remark on the recipe below, which is validated on its training images."""


def write_pictures(folder: Path, photo: NDArray[np.uint8]) -> None:
    """Make a folder of two images."""
    folder.mkdir()
    write(folder / "face.png", Picture(photo[50:114, 180:250]))
    write(folder / "shuttle.png", Picture(photo[150:220, 400:480]))


def small_recipe(pictures: Path) -> Recipe:
    """Return the recipe of a run of 60 steps."""
    return Recipe(
        model=ModelConfig(
            name="scn_exact", settings={"width": 4, "expansion": 2, "blocks": 1, "levels": 2}
        ),
        data=DataConfig(train=[str(pictures)], valid=str(pictures), patch=8, batch=2),
        budget=BudgetConfig(steps=60),
        device="cpu",
        precision="f32",
    )


@pytest.fixture
def pictures(tmp_path: Path, photo: NDArray[np.uint8]) -> Path:
    """A folder of two images."""
    write_pictures(tmp_path / "pictures", photo)
    return tmp_path / "pictures"


@pytest.fixture
def recipe(pictures: Path) -> Recipe:
    """A run of 60 steps."""
    return small_recipe(pictures)
