"""Fixtures for every test: where the evaluation data lies, sample photographs, a command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer.main
import typer.testing
from numpy.typing import NDArray

from scalewise.openvino_import import openvino_core
from scalewise.weights.resolve import RELEASES

DEFAULT_DATA = Path(__file__).parents[2] / "shared" / "data"

LONGEST_FIRST = (
    "cluster",
    "web",
    "experiments",
    "training",
    "test_examples.py",
    "test_wheel.py",
    "benchmarks",
)
"""Folders and files of tests that take longest; last, they would keep one process busy alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort what takes longest to the front."""
    tests = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        folder = item.path.relative_to(tests).parts[0] if item.path.is_relative_to(tests) else ""
        return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)

    items.sort(key=place)


@pytest.fixture(scope="session", autouse=True)
def command_is_built_once() -> Iterator[None]:
    """Build the command line once for all of its calls: that takes 60 ms, most of a short call."""
    build = cache(typer.main.get_command)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", build)
        patch.setattr(typer.testing, "_get_command", build)
        yield


@pytest.fixture(scope="session", autouse=True)
def released_graphs_are_compiled_once() -> Iterator[None]:
    """Compile a released model's graph once for all of its loads: that takes up to a second."""
    from scalewise.restoring import runtime

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtime, "openvino_core", cache(CompilingOnce))
        yield


class CompilingOnce:
    """OpenVINO's core, which keeps the graphs of the package that are for any size."""

    def __init__(self) -> None:
        self._read: dict[Path, Any] = {}
        self._compiled: dict[tuple[object, ...], Any] = {}

    def read_model(self, path: Path) -> Any:
        if not path.is_relative_to(RELEASES):
            return openvino_core().read_model(path)
        if path not in self._read:
            self._read[path] = openvino_core().read_model(path)
        return self._read[path]

    def compile_model(self, model: Any, device: str, settings: dict[str, Any]) -> Any:
        if not any(model is kept for kept in self._read.values()):
            return openvino_core().compile_model(model, device, settings)
        key = id(model), device, *settings.items(), os.getpid()
        if key not in self._compiled:
            self._compiled[key] = openvino_core().compile_model(model, device, settings)
        return type(self._compiled[key])(self._compiled[key])  # with an inference of its own


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The data folder (``eval/Set5/HR`` and so on); set SCALEWISE_DATA to have another."""
    root = Path(os.environ.get("SCALEWISE_DATA", DEFAULT_DATA))
    if not (root / "eval").is_dir():
        pytest.skip(f"no evaluation data at {root}; set SCALEWISE_DATA to its folder")
    return root


@pytest.fixture(scope="session")
def photo() -> NDArray[np.uint8]:
    """A real photograph, 512x512 RGB: scikit-image's astronaut (NASA, public domain)."""
    from skimage import data

    return data.astronaut()


@pytest.fixture(scope="session")
def small_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a released model, x2: a small tile-exact network with random weights."""
    import torch

    from scalewise.models import create_model
    from scalewise.weights.card import Training
    from scalewise.weights.release import write_release

    torch.manual_seed(0)
    network = create_model("scn_exact", width=8, blocks=2)
    for parameter in network.parameters():  # the exchange starts at zero; let it matter
        parameter.data.add_(0.02 * torch.randn_like(parameter))
    folder = tmp_path_factory.mktemp("models") / "small"
    training = Training(
        recipe={"seed": 0}, steps=7, seconds=1.5, progress=0.5, pictures=2, licences={"CC0": 2}
    )
    write_release(
        network.eval(), folder, name="small", summary="A test.", licence="CC0", training=training
    )
    return folder


@pytest.fixture(scope="session")
def batches() -> list[NDArray[np.float32]]:
    """What a network may be quantized on: (2, 3, 32, 32) in [0, 1], four times."""
    random = np.random.default_rng(0)
    return [random.random((2, 3, 32, 32), np.float32) for _ in range(4)]


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run a command line in this process: exit code, stdout, stderr."""
    from scalewise.cli.app import main

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["scalewise", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "300")
        with pytest.raises(SystemExit) as ended:
            main()
        output = capsys.readouterr()
        return int(ended.value.code or 0), output.out, output.err

    return call
