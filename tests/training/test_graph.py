"""A step that is captured and replayed learns what the plain one does.

There is no GPU here, so a recorder stands in for the CUDA graph: it keeps the operations of one
step with the tensors that they read and wrote, and a replay runs them on these tensors again.  A
number that Python computes for each step would keep its value from the recording.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from scalewise.data.layouts import find_dataset
from scalewise.data.packing import pack
from scalewise.data.store import TeacherInfo
from scalewise.data.teacher import TeacherModel
from scalewise.files import Picture, write
from scalewise.imaging.resize import imresize
from scalewise.training import loop
from scalewise.training.batches import DeviceBatches
from scalewise.training.build import prepare
from scalewise.training.checkpoint import read_checkpoint
from scalewise.training.config import BudgetConfig, DataConfig, LossConfig, OptimizerConfig, Recipe
from scalewise.training.graph import (
    GraphedStep,
    PlainStep,
    StepValue,
    can_capture,
    compiled,
    make_step,
)
from scalewise.training.loop import Trainer
from tests.training.trainers import resumed_trainer

CPU = torch.device("cpu")


class Recorder(TorchDispatchMode):
    """A graph of operations on the CPU; recording runs them, so the first replay does nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.tape: list[tuple[Any, Any, Any, Any]] = []
        self.fresh = False

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None):
        if function is torch.ops.aten._local_scalar_dense.default:
            raise RuntimeError("operation not permitted when stream is capturing\nmore lines")
        result = function(*args, **(kwargs or {}))
        self.tape.append((function, args, kwargs or {}, result))
        return result

    def warm_up(self, run: Callable[[], Tensor]) -> Tensor:
        return run().clone()

    def capture(self, run: Callable[[], Tensor]) -> Tensor:
        assert not self.tape
        self.fresh = True
        with self:
            return run()

    @torch.no_grad()
    def replay(self) -> None:
        if self.fresh:
            self.fresh = False
            return
        for function, args, kwargs, results in self.tape:
            again = function(*args, **kwargs)
            for old, new in zip(tree_leaves(results), tree_leaves(again), strict=True):
                if isinstance(old, Tensor) and old.data_ptr() != new.data_ptr():
                    old.copy_(new)


@pytest.fixture
def capturing(monkeypatch: pytest.MonkeyPatch) -> list[Recorder]:
    """Let trainers capture their steps on the CPU; every recorder that they made."""
    made: list[Recorder] = []

    def new_graph() -> Recorder:
        made.append(Recorder())
        return made[-1]

    def step(operations: Any, device: torch.device, capture: bool, notify: Any) -> GraphedStep:
        assert capture
        return GraphedStep(operations, device, notify, new_graph)

    monkeypatch.setattr(loop, "can_capture", lambda *_: True)
    monkeypatch.setattr(loop, "make_step", step)
    return made


def learned(trainer: Trainer) -> list[Tensor]:
    return [*trainer.network.parameters(), *trainer.ema.network.parameters()]


def taken(trainer: Trainer, steps: int) -> list[float]:
    return [trainer.training_step().item() for _ in range(steps)]


def assert_equal_runs(plain: Trainer, captured: Trainer, steps: int) -> None:
    assert taken(captured, steps) == pytest.approx(taken(plain, steps), rel=1e-4)
    for ours, theirs in zip(learned(captured), learned(plain), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def with_steps(recipe: Recipe, kind: Literal["adam", "muon"], steps: int = 12) -> Recipe:
    optimizer = OptimizerConfig(kind=kind, rate=2e-3, clip=0.5, ema=0.9)
    return replace(recipe, optimizer=optimizer, budget=BudgetConfig(steps=steps))


@pytest.mark.parametrize("kind", ["adam", "muon"])
@pytest.mark.parametrize("gathered", [True, False])
def test_a_captured_step_learns_what_the_plain_one_does(
    recipe: Recipe,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    kind: Literal["adam", "muon"],
    gathered: bool,
) -> None:
    recipe = with_steps(recipe, kind)
    plain = prepare(recipe, tmp_path / "plain")
    graphs: list[Recorder] = request.getfixturevalue("capturing")
    captured = prepare(recipe, tmp_path / "captured")
    if gathered:
        captured.batches = DeviceBatches(captured.sampler, CPU)
    assert_equal_runs(plain, captured, 12)
    (graph,) = graphs
    assert len(graph.tape) > 100


def test_degraded_batches_are_uploaded_into_the_same_memory(
    recipe: Recipe, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    data = DataConfig(train=recipe.data.train, patch=16, batch=2, task="denoise")
    model = replace(recipe.model, settings={**recipe.model.settings, "scale": 1})
    recipe = with_steps(replace(recipe, data=data, model=model), "muon")
    plain = prepare(recipe, tmp_path / "plain")
    request.getfixturevalue("capturing")
    assert_equal_runs(plain, prepare(recipe, tmp_path / "captured"), 8)


def test_it_is_captured_anew_when_the_teacher_leaves(
    recipe: Recipe, tmp_path: Path, photo: NDArray[np.uint8], request: pytest.FixtureRequest
) -> None:
    (tmp_path / "taught").mkdir()
    write(tmp_path / "taught/a.png", Picture(photo[:90, :100]))
    teacher = TeacherModel(lambda lr: 255 - imresize(lr, 2), TeacherInfo("negative", "CC0", 2))
    pack([find_dataset(tmp_path / "taught")], tmp_path / "taught.pack", [2], teacher=teacher)
    data = replace(recipe.data, train=[str(tmp_path / "taught.pack")], valid=None)
    loss = LossConfig(teacher=0.5, teacher_until=0.5)
    recipe = replace(with_steps(recipe, "muon"), data=data, loss=loss)
    plain = prepare(recipe, tmp_path / "plain")
    graphs: list[Recorder] = request.getfixturevalue("capturing")
    captured = prepare(recipe, tmp_path / "captured")
    captured.batches = DeviceBatches(captured.sampler, CPU)
    assert_equal_runs(plain, captured, 12)
    assert len(graphs) == 2


@pytest.mark.parametrize("gathered", [True, False])
def test_it_is_captured_anew_when_patches_grow(
    recipe: Recipe, tmp_path: Path, request: pytest.FixtureRequest, gathered: bool
) -> None:
    data = DataConfig(train=recipe.data.train, batch=2, progressive=[(0, 8), (0.5, 12)])
    recipe = with_steps(replace(recipe, data=data), "muon", 8)
    plain = prepare(recipe, tmp_path / "plain")
    graphs: list[Recorder] = request.getfixturevalue("capturing")
    captured = prepare(recipe, tmp_path / "captured")
    if gathered:
        captured.batches = DeviceBatches(captured.sampler, CPU)
    assert_equal_runs(plain, captured, 8)
    assert [bool(graph.tape) for graph in graphs] == [True, True]


@pytest.mark.parametrize("kind", ["adam", "muon"])
def test_runs_go_on_captured_or_not(
    recipe: Recipe,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    kind: Literal["adam", "muon"],
) -> None:
    first, whole = with_steps(recipe, kind, 10), with_steps(recipe, kind, 20)
    prepare(first, tmp_path / "run").train()
    plain = resumed_trainer(whole, tmp_path / "run")
    graphs: list[Recorder] = request.getfixturevalue("capturing")
    captured = resumed_trainer(whole, tmp_path / "run")
    assert_equal_runs(plain, captured, 10)
    captured._losses = [torch.zeros(())]
    captured._save()
    saved = read_checkpoint(tmp_path / "run/last.pt")
    assert all(isinstance(group["lr"], float) for group in saved["optimizer"]["param_groups"])
    graphs.clear()
    again = resumed_trainer(with_steps(recipe, kind, 30), tmp_path / "run")
    assert again.step == 20
    taken(again, 4)
    assert [bool(graph.tape) for graph in graphs] == [True]


def test_a_trained_run_is_captured_from_its_second_step(
    recipe: Recipe, tmp_path: Path, capturing: list[Recorder]
) -> None:
    trainer = prepare(with_steps(recipe, "muon", 60), tmp_path / "run")
    taken(trainer, 1)
    assert not capturing[0].tape
    taken(trainer, 1)
    assert capturing[0].tape
    trainer.train()
    assert trainer.best > 20


class Double:
    """A step that doubles its input, at a rate."""

    def __init__(self, reads: bool = False) -> None:
        self.rate, self.reads = StepValue(CPU), reads

    def __call__(self, inputs: tuple[Tensor, ...]) -> Tensor:
        (number,) = inputs
        if self.reads:
            number.item()
        return 2 * number * self.rate.value


def doubled(step: Callable[..., Tensor], double: Double, variant: Hashable = None) -> list[float]:
    results: list[Tensor] = []
    for number in range(5):
        double.rate.set(number + 1)
        inputs = (torch.tensor(float(number)),)
        results.append(step(inputs, variant))
        inputs[0].fill_(-1)  # an upload may be overwritten afterwards
    return [result.item() for result in results]  # each loss has memory of its own


def test_static_memory() -> None:
    double = Double()
    expected = [2.0 * number * (number + 1) for number in range(5)]
    assert doubled(PlainStep(double, CPU), double) == expected
    graphed = GraphedStep(double, CPU, pytest.fail, Recorder)
    for variant in (None, None, "other"):
        assert doubled(graphed, double, variant) == expected


def test_what_cannot_be_captured_runs_uncaptured() -> None:
    double = Double(reads=True)
    said: list[str] = []
    graphed = GraphedStep(double, CPU, said.append, Recorder)
    assert doubled(graphed, double) == [2.0 * number * (number + 1) for number in range(5)]
    assert said == [
        "steps run without a CUDA graph: operation not permitted when stream is capturing"
    ]


def test_what_is_captured() -> None:
    cuda = torch.device("cuda")
    assert can_capture(cuda, 1, compile=False)
    assert can_capture(cuda, 1, compile=True)
    assert can_capture(cuda, 1, compile="max-autotune-no-cudagraphs")
    assert not can_capture(cuda, 1, compile="reduce-overhead")
    assert not can_capture(cuda, 2, compile=False)
    assert not can_capture(CPU, 1, compile=False)
    assert type(make_step(Double(), CPU, False, pytest.fail)) is PlainStep


def test_the_mode_of_compiling(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    from scalewise.models import create_model

    network = create_model(recipe.model.name, **recipe.model.settings)
    monkeypatch.setattr(torch, "compile", lambda network, mode: mode)
    assert compiled(network, False, False) is network
    assert compiled(network, True, False) == "default"
    assert compiled(network, "reduce-overhead", False) == "reduce-overhead"
