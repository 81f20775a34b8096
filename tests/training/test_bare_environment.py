"""Training with only PyTorch, NumPy, PyYAML and pydantic; other needs give one-line errors."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.data.layouts import find_dataset
from scalewise.data.packing import pack
from scalewise.training.recipe import save_recipe
from scalewise.weights import RELEASES
from tests.training.bare_environment import TRAINING_NEEDS, link_packages, run_bare
from tests.training.conftest import small_recipe, write_pictures

ABSENT = ("pyvips", "safetensors", "openvino", "typer", "rich", "matplotlib", "tensorboard", "PIL")

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links to packages")


SEVERAL = """
import json
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from scalewise.training.__main__ import main

print(json.dumps([name for name in json.loads(sys.argv[2]) if find_spec(name)]))
for folder, overrides in json.loads(sys.argv[1]).items():
    code = main(["recipe.yaml", *overrides, "--folder", folder])
    print("ended with", code, file=sys.stderr)
    if folder == "run":
        shutil.copytree("run", "last-alone")
        Path("last-alone/best.pt").unlink()
"""
"""Runs the command for several folders in one process: PyTorch takes seconds to load."""


@dataclass(frozen=True)
class Bare:
    """What commands did and said where there is little but PyTorch.

    Attributes:
        folder: where they ran.
        found: packages that are there, of those that should not be, and PyTorch.
        ends: run's folder -> the lines that it printed, and its exit code.
    """

    folder: Path
    found: list[str]
    ends: dict[str, tuple[list[str], int]]

    def error(self, run: str) -> str:
        """Return the error of a failing command: one line after the one about preparation."""
        (preparing, error), code = self.ends[run]
        assert (preparing, code) == ("preparing recipe.yaml", 1)
        return error.removeprefix("error: ")


# With a rate, since one line more tells which a run from trained weights takes by itself.
STORES = ("data.train=[images.pack]", "data.valid=images.pack", "steps=3", "rate=1e-3")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, photo: NDArray[np.uint8]) -> Bare:
    """Everything below, in one process."""
    folder = tmp_path_factory.mktemp("bare")
    link_packages(TRAINING_NEEDS, folder / "site")
    pictures = folder / "pictures"
    write_pictures(pictures, photo)
    save_recipe(small_recipe(pictures), folder / "recipe.yaml")
    pack([find_dataset(pictures)], folder / "images.pack", [2])
    commands: dict[str, tuple[str, ...]] = {
        "run": (*STORES, "crops=1"),
        "from-best": (*STORES, "init=run/best.pt"),
        "from-last": (*STORES, "init=last-alone"),
        "refused-released": (*STORES, "init=scn_x2"),
        "refused-path": (*STORES, f"init={RELEASES / 'scn_x2'}"),
        "refused-unknown": (*STORES, "init=scn_x22"),
        "refused-train": (f"data.valid={folder / 'images.pack'}",),
        "refused-valid": (STORES[0],),
        "refused-tensorboard": (*STORES, "tensorboard=true"),
    }
    names = json.dumps([*ABSENT, "torch"])
    done = run_bare(folder / "site", "-c", SEVERAL, json.dumps(commands), names, cwd=folder)
    assert done.returncode == 0, done.stderr
    said = re.split(r"ended with (\d+)\n", done.stderr)
    lines = [text.splitlines() for text in said[::2]]
    ends = dict(zip(commands, zip(lines, map(int, said[1::2]), strict=False), strict=True))
    return Bare(folder, json.loads(done.stdout.splitlines()[0]), ends)


def test_the_environment_is_bare(bare: Bare) -> None:
    assert bare.found == ["torch"]


def test_a_run_from_stores_and_one_from_its_checkpoint(bare: Bare) -> None:
    lines, code = bare.ends["run"]
    assert code == 0, lines
    assert (bare.folder / "run/crops/0_00000003.png").is_file()
    assert lines[-1].startswith("done: 3 steps; best PSNR-Y")
    for run in ("from-best", "from-last"):
        assert bare.ends[run][1] == 0, bare.ends[run]


def test_what_needs_more_packages_says_which(bare: Bare) -> None:
    assert bare.error("refused-released") == (
        "model.init: scn_x2: reading a released model needs safetensors: pip install safetensors, "
        "or name a training run's checkpoint"
    )
    assert bare.error("refused-path").count("safetensors: pip") == 1
    assert "did you mean 'scn_x2'?" in bare.error("refused-unknown")
    store = "name a packed store, made elsewhere by 'scalewise data pack'"
    pictures = bare.folder / "pictures"
    reading = f"{pictures}: reading a folder of images needs pyvips: pip install pyvips, or "
    assert bare.error("refused-train") == f"data.train: {reading}{store}"
    assert bare.error("refused-valid") == f"data.valid: {reading}{store}"
    assert bare.error("refused-tensorboard") == (
        "tensorboard: writing its logs needs tensorboard: pip install tensorboard, "
        "or set tensorboard=false"
    )
    assert not [*bare.folder.glob("refused*/last.pt")]
