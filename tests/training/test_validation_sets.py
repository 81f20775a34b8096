"""Several validation sets: all are scored, and the first decides."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.errors import ScalewiseError
from scalewise.files import Picture, write
from scalewise.training.build import prepare
from scalewise.training.checkpoint import read_checkpoint
from scalewise.training.config import BudgetConfig, DataConfig, Recipe
from scalewise.training.log import LogLine, RunLog, read_log
from scalewise.training.progress import PlainLines
from tests.training.trainers import Scripted


@pytest.fixture
def other(tmp_path: Path, photo: NDArray[np.uint8]) -> Path:
    folder = tmp_path / "other"
    folder.mkdir()
    write(folder / "dark.png", Picture(photo[:60, :64] // 2))
    return folder


def test_all_are_scored_and_the_first_decides(recipe: Recipe, other: Path, tmp_path: Path) -> None:
    valid = [*recipe.data.valid_sets, str(other)]
    recipe = replace(
        recipe,
        data=replace(recipe.data, valid=valid),
        budget=BudgetConfig(steps=9),
        validate_every="3 steps",
    )
    trainer = prepare(recipe, tmp_path / "run")
    assert trainer.validation is not None
    assert len(trainer.validation.pairs) == 2
    assert [hr.shape for _, hr in trainer.further["other"].pairs] == [(60, 64, 3)]
    trainer.validation = Scripted([30.0, 32.0, 31.0])
    trainer.further = {"other": Scripted([20.0, 21.0, 29.0])}
    said: list[str] = []
    trainer.listeners.append(PlainLines(trainer, said.append))
    trainer.train()
    lines = read_log(trainer.run)
    assert [line.further["other"] for line in lines] == [20.0, 21.0, 29.0]
    assert [line.psnr_y for line in lines] == [30.0, 32.0, 31.0]
    assert read_checkpoint(trainer.run / "best.pt")["step"] == 6
    assert "31.00 dB (other 29.00)" in said[-1]
    header = (trainer.run / "log.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header == "step,seconds,progress,rate,loss,psnr_y,psnr_y/other"


def test_a_set_that_is_added_or_left_out_later_has_its_column(tmp_path: Path) -> None:
    def line(step: int, **further: float) -> LogLine:
        return LogLine(step, 1.0, 0.1, 1e-3, 0.5, 30.0, further)

    RunLog(tmp_path / "log.csv").append(line(1))
    header = (tmp_path / "log.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header == "step,seconds,progress,rate,loss,psnr_y"  # as ever
    for step, names in ((2, ["a"]), (3, ["b"]), (4, [])):
        log = RunLog(tmp_path / "log.csv", further=names)
        log.forget_after(step - 1)
        log.append(line(step, **dict.fromkeys(names, float(step))))
    assert read_log(tmp_path) == [line(1), line(2, a=2.0), line(3, b=3.0), line(4)]


def test_names_are_unique_and_an_empty_list_is_refused() -> None:
    data = DataConfig(train=["a"], valid=["x/Set5", "y/Set5", "z/Set5.pack", "Kodak24/"])
    assert data.valid_names == ["Set5", "Set5-2", "Set5-3", "Kodak24"]
    assert DataConfig(train=["a"]).valid_names == []
    with pytest.raises(ScalewiseError, match=r"^data\.valid must name a set, or be left out$"):
        DataConfig(train=["a"], valid=[])
