"""What was trained is measured."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.data.layouts import find_dataset
from scalewise.files import Picture, write
from scalewise.imaging.protocols import FIELD
from scalewise.models import RestorationNetwork, convert
from scalewise.reproducing.measure import measure_run
from scalewise.training.build import prepare
from scalewise.training.config import BudgetConfig, DataConfig, ModelConfig, Recipe
from scalewise.weights import release
from scalewise.weights.release import load_network, to_bytes


@pytest.fixture
def trained(tmp_path: Path, photo: NDArray[np.uint8]) -> Path:
    """A run of three steps, and a folder with the one picture that it learned from."""
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
        return convert.load_checkpoint(path)

    monkeypatch.setattr(release, "load_checkpoint", load)
    measured = measure_run(trained, {"mine": pictures}, [FIELD])
    assert loaded == [trained / "best.pt"]
    assert measured.weights == digest
    (score,) = measured.scores
    assert (score.model, score.dataset, score.protocol) == ("run", "mine", "field")
    assert (score.images, score.precision) == (1, "f32")
    assert score.psnr_y > 20
