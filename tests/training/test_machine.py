"""The record of a run's machine, and the caller's process after a run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from scalewise.training.config import BudgetConfig, Recipe
from scalewise.training.machine import (
    ENVIRONMENT_FILE,
    Environment,
    describe_environment,
    processor_name,
)
from scalewise.training.session import open_run


def test_every_run_tells(tmp_path: Path, recipe: Recipe) -> None:
    open_run(recipe, tmp_path / "run")
    found = Environment(**json.loads((tmp_path / "run" / ENVIRONMENT_FILE).read_text()))
    assert found == describe_environment(torch.device("cpu"), torch.float32)
    assert (found.device, found.precision) == ("cpu", "float32")
    assert found.torch == torch.__version__
    assert found.threads == torch.get_num_threads()


def test_the_processors_name(tmp_path: Path) -> None:
    listed = tmp_path / "cpuinfo"
    listed.write_text("processor\t: 0\nmodel name\t: A Fast One @ 3 GHz\nflags\t: fpu\n")
    assert processor_name(listed) == "A Fast One @ 3 GHz"
    assert processor_name(tmp_path / "nothing")  # the platform's own word for it


def state_of_the_process() -> dict[str, Any]:
    return {
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "warn only": torch.is_deterministic_algorithms_warn_only_enabled(),
        "cudnn.benchmark": torch.backends.cudnn.benchmark,
        "cudnn.deterministic": torch.backends.cudnn.deterministic,
        "threads": torch.get_num_threads(),
        "matmul precision": torch.get_float32_matmul_precision(),
        "dtype": torch.get_default_dtype(),
        "random numbers": torch.get_rng_state().tolist(),
        "gradients": torch.is_grad_enabled(),
        "environment": dict(os.environ),
        "signals": [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)],
    }


@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("fails", [False, True])
def test_a_run_leaves_the_callers_process_as_it_was(
    recipe: Recipe, tmp_path: Path, deterministic: bool, fails: bool
) -> None:
    """Whatever that was: here the caller has it other than PyTorch, and other than the run."""
    recipe = replace(
        recipe,
        budget=BudgetConfig(steps=2),
        deterministic=deterministic,
        validate_every="1 step",
        checkpoint_every="1 step",
    )
    own = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    during: list[tuple[bool, bool]] = []

    class Watch:
        def on_line(self, _: object) -> None:
            algorithms = torch.are_deterministic_algorithms_enabled()
            during.append((algorithms, torch.backends.cudnn.benchmark))
            if fails:
                raise KeyboardInterrupt

    try:
        torch.use_deterministic_algorithms(not deterministic, warn_only=not deterministic)
        torch.backends.cudnn.benchmark = deterministic
        before = state_of_the_process()
        trainer = open_run(recipe, tmp_path / "run", [Watch()])
        assert state_of_the_process() == before
        try:
            trainer.train()
        except KeyboardInterrupt:
            assert fails
        assert state_of_the_process() == before
    finally:
        torch.use_deterministic_algorithms(own[0])
        torch.backends.cudnn.benchmark = own[1]
    assert set(during) == {(True, not deterministic)}


ALLOCATOR = """
import numpy as np
from pathlib import Path
from scalewise.training.machine import keep_freed_memory, return_freed_memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20

def reserved():
    return int(Path("/proc/self/statm").read_text().split()[0]) * 4096 / 2**30

keep_freed_memory()
arrays = [np.ones(2**20) for _ in range(20)]
full = resident()
del arrays
kept = resident()
return_freed_memory()
returned = resident()
array = np.ones(2**23)
more = resident()
del array
print(full - kept, kept - returned, more - resident())

keep_freed_memory()
arrays = [np.empty(2**26) for _ in range(5)]  # never written, so none of it is in memory
full = reserved()
del arrays
print(full - reserved())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator")
def test_freed_memory_is_kept_and_returned_afterwards() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ALLOCATOR], capture_output=True, text=True, check=True
    )
    lost, returned, lost_afterwards, lost_of_much = map(float, done.stdout.split())
    assert lost < 20  # of 160 MB
    assert returned > 140
    assert lost_afterwards > 50  # of 64 MB: the allocator is as it was
    assert lost_of_much < 0.1  # of 2.5 GB, which is more than an int can count
