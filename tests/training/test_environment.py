"""What a run was trained with, as its folder tells it."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from scalewise.training.config import Recipe
from scalewise.training.environment import (
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
