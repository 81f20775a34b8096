"""Trackers and saved crops.

The fakes of wandb and mlflow have the functions that the trackers call, with the arguments that
their documentation states, so that a call with another one fails.
"""

from __future__ import annotations

import io
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scalewise.errors import ScalewiseError
from scalewise.imaging.resize import imresize
from scalewise.training.build import prepare
from scalewise.training.config import BudgetConfig, Recipe
from scalewise.training.crops import CropWriter, png_bytes
from scalewise.training.listeners import recipe_listeners, require_packages
from scalewise.training.log import LogLine
from scalewise.training.loop import Trainer
from scalewise.training.validation import restore_uint8
from tests.training.trainers import resumed_trainer

Calls = list[tuple[Any, ...]]


class FakeWandb(ModuleType):
    """https://docs.wandb.ai/ref/python/ : init, Image, Run.id, Run.log and Run.finish."""

    def __init__(self) -> None:
        super().__init__("wandb")
        self.calls: Calls = []
        self.breaks_at = 10**9
        self.id = "made-up"

    def init(
        self,
        entity: str | None = None,
        project: str | None = None,
        dir: str | Path | None = None,
        id: str | None = None,
        name: str | None = None,
        config: dict[str, Any] | str | None = None,
        resume: bool | str | None = None,
    ) -> FakeWandb:
        self.calls.append(("init", id, name, resume, config))
        self.id = id or self.id
        return self

    def log(
        self, data: dict[str, Any], step: int | None = None, commit: bool | None = None
    ) -> None:
        if step is not None and step >= self.breaks_at:
            raise ConnectionError("no route to host\nmore")
        self.calls.append(("log", data, step))

    def Image(self, data_or_path: str | Path, caption: str | None = None) -> str:
        return f"image {Path(data_or_path).name}"

    def finish(self, exit_code: int | None = None) -> None:
        self.calls.append(("finish", exit_code))


class FakeMlflow(ModuleType):
    """https://mlflow.org/docs/latest/api_reference/python_api/mlflow.html"""

    def __init__(self) -> None:
        super().__init__("mlflow")
        self.calls: Calls = []

    def start_run(self, run_id: str | None = None, run_name: str | None = None) -> SimpleNamespace:
        self.calls.append(("start_run", run_id, run_name))
        return SimpleNamespace(info=SimpleNamespace(run_id=run_id or "0123"))

    def log_params(self, params: dict[str, Any]) -> None:
        assert len(params) <= 100
        self.calls.append(("log_params", params))

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.calls.append(("log_metrics", metrics, step))

    def log_artifact(self, local_path: str, artifact_path: str | None = None) -> None:
        self.calls.append(("log_artifact", Path(local_path).name, artifact_path))

    def end_run(self, status: str = "FINISHED") -> None:
        self.calls.append(("end_run", status))


@pytest.fixture
def wandb(monkeypatch: pytest.MonkeyPatch) -> FakeWandb:
    fake = FakeWandb()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    return fake


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> FakeMlflow:
    fake = FakeMlflow()
    monkeypatch.setitem(sys.modules, "mlflow", fake)
    return fake


def short(recipe: Recipe, steps: int = 4, **settings: Any) -> Recipe:
    return replace(
        recipe, budget=BudgetConfig(steps=steps), validate_every="2 steps", crops=1, **settings
    )


def train(trainer: Trainer) -> list[str]:
    said: list[str] = []
    with recipe_listeners(trainer, said.append):
        trainer.train()
    return said


def test_wandb_gets_numbers_and_crops_and_goes_on(
    recipe: Recipe, tmp_path: Path, wandb: FakeWandb
) -> None:
    require_packages(short(recipe, wandb=True))
    trainer = prepare(short(recipe, wandb=True), tmp_path / "run")
    assert train(trainer) == []
    (_, number, name, resume, config), *sent, end = wandb.calls
    assert (number, name, resume, end) == (None, "run", "allow", ("finish", 0))
    assert config["data"]["batch"] == 2
    numbers = [(step, data) for _, data, step in sent if "loss" in data]
    assert [step for step, _ in numbers] == [2, 4]
    assert numbers[1][1]["psnr_y"] == trainer.best
    crops = [(step, data) for _, data, step in sent if "loss" not in data]
    assert crops[1] == (4, {"crops/0": "image 0_00000004.png"})

    wandb.calls.clear()
    train(resumed_trainer(short(recipe, 6, wandb=True), tmp_path / "run"))
    assert wandb.calls[0][1] == "made-up"


def test_mlflow_gets_numbers_and_crops_and_goes_on(
    recipe: Recipe, tmp_path: Path, mlflow: FakeMlflow
) -> None:
    trainer = prepare(short(recipe, mlflow=True), tmp_path / "run")
    assert train(trainer) == []
    assert mlflow.calls[0] == ("start_run", None, "run")
    assert mlflow.calls[1][1]["optimizer.rate"] == 1e-3
    assert mlflow.calls[-1] == ("end_run", "FINISHED")
    assert ("log_artifact", "0_00000004.png", "crops") in mlflow.calls
    metrics = [call for call in mlflow.calls if call[0] == "log_metrics"]
    assert [step for *_, step in metrics] == [2, 4]
    assert set(metrics[0][1]) == {"loss", "rate", "psnr_y"}

    mlflow.calls.clear()
    resumed = resumed_trainer(short(recipe, 9, mlflow=True), tmp_path / "run")
    resumed.stop()
    train(resumed)
    assert mlflow.calls == [("start_run", "0123", None), ("end_run", "KILLED")]
    mlflow.calls.clear()
    with pytest.raises(ZeroDivisionError), recipe_listeners(resumed, print):
        raise ZeroDivisionError
    resumed.listeners[-2].on_line(LogLine(9, 1.0, 1.0, 0.0, 0.1, 30.0, {"a#,b": 29.0}))
    assert mlflow.calls[1:] == [
        ("end_run", "FAILED"),
        ("log_metrics", {"loss": 0.1, "rate": 0.0, "psnr_y": 30.0, "psnr_y/a__b": 29.0}, 9),
    ]


def test_a_lost_connection_does_not_end_the_training(
    recipe: Recipe, tmp_path: Path, wandb: FakeWandb, monkeypatch: pytest.MonkeyPatch
) -> None:
    wandb.breaks_at = 3
    trainer = prepare(short(recipe, wandb=True), tmp_path / "run")
    assert train(trainer) == ["wandb: no route to host; nothing more is sent to it"]
    assert trainer.step == 4

    def refuse(**_: Any) -> None:
        raise RuntimeError("not logged in")

    monkeypatch.setattr(wandb, "init", refuse)
    message = r"^wandb: cannot start a run \(not logged in\); set wandb=false to train without$"
    with pytest.raises(ScalewiseError, match=message):
        train(trainer)


def test_what_has_started_is_closed(
    recipe: Recipe, tmp_path: Path, wandb: FakeWandb, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TensorBoard's writer is a thread; and one listener that fails leaves no other open."""
    settings = short(recipe, wandb=True, tensorboard=True)
    before = threading.active_count()
    trainer = prepare(settings, tmp_path / "run")
    train(trainer)
    assert threading.active_count() == before

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("scalewise.training.crops.CropWriter.__init__", fail)
    wandb.calls.clear()
    with pytest.raises(OSError, match="disk full"):
        train(trainer)
    assert wandb.calls[-1] == ("finish", 1)
    assert threading.active_count() == before


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_a_missing_package_is_named_before_anything_is_written(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    message = f"^{name}: sending a run to it needs {name}: pip install {name}, or set {name}=false$"
    with pytest.raises(ScalewiseError, match=message):
        require_packages(replace(recipe, **{name: True}))


def test_crops_are_saved_in_growing_intervals(recipe: Recipe, tmp_path: Path) -> None:
    trainer = prepare(short(recipe), tmp_path / "run")
    (tmp_path / "run").mkdir(exist_ok=True)
    said: list[str] = []
    writer = CropWriter(trainer, 2, said.append)

    def steps() -> list[int]:
        return sorted({int(path.stem[2:]) for path in writer.folder.iterdir()})

    for step in (10, 11, 12, 13, 14, 15):
        writer.on_line(LogLine(step, 1.0, 0.1, 1e-3, 0.1, None if step == 13 else 30.0))
    assert steps() == [10, 12, 15]
    trainer.step = 15
    CropWriter(trainer, 2, said.append).on_line(LogLine(16, 1.0, 0.2, 1e-3, 0.1, 30.0))
    assert steps() == [10, 12, 15]
    CropWriter(trainer, 2, said.append).on_line(LogLine(16, 1.0, 1.0, 1e-3, 0.1, 30.0))
    assert steps() == [10, 12, 15, 16]

    assert trainer.validation is not None
    lr, hr = trainer.validation.pairs[1]
    shown = np.asarray(Image.open(writer.folder / "1_00000012.png"))
    bicubic, restored, truth = np.split(shown, 3, axis=1)
    np.testing.assert_array_equal(bicubic, imresize(lr, 2))
    np.testing.assert_array_equal(truth, hr)
    network = trainer.ema.network
    np.testing.assert_array_equal(
        restored, restore_uint8(network, lr, trainer.device, trainer.dtype)
    )
    for path in writer.folder.iterdir():
        path.unlink()
    writer.folder.rmdir()
    writer.folder.write_text("in the way")
    writer.on_line(LogLine(99, 1.0, 0.5, 1e-3, 0.1, 30.0))
    assert len(said) == 1
    assert "cannot be written" in said[0]


def test_crops_need_a_validation_set(recipe: Recipe) -> None:
    with pytest.raises(ScalewiseError, match=r"^crops are made of data\.valid: name a set there"):
        replace(recipe, data=replace(recipe.data, valid=None), crops=1)


@pytest.mark.parametrize("shape", [(1, 1, 3), (5, 7, 3)])
def test_a_png_has_the_pixels(shape: tuple[int, int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png_bytes(image)))), image)
