"""Training with only PyTorch, NumPy, PyYAML and pydantic; other needs give one-line errors."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from scalewise.data.layouts import find_dataset
from scalewise.data.packing import pack
from scalewise.training.config import Recipe
from scalewise.training.recipe import save_recipe
from scalewise.weights import RELEASES
from tests.training.bare_environment import TRAINING_NEEDS, link_packages, run_bare

ABSENT = ("pyvips", "safetensors", "openvino", "typer", "rich", "matplotlib", "tensorboard", "PIL")

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links to packages")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the packages that training is to need."""
    site = tmp_path_factory.mktemp("bare") / "site"
    link_packages(TRAINING_NEEDS, site)
    return site


SEVERAL = """
import json
import sys
from scalewise.training.__main__ import main

for arguments in json.loads(sys.argv[1]):
    print("ended with", main(arguments), file=sys.stderr)
"""
"""Runs the command several times: PyTorch takes seconds to load."""


class Training:
    """The command, in a folder with a recipe and packed stores."""

    def __init__(self, site: Path, folder: Path, pictures: Path) -> None:
        self.site, self.folder, self.pictures = site, folder, pictures

    def __call__(self, *overrides: str) -> subprocess.CompletedProcess[str]:
        command = ("-m", "scalewise.training", "recipe.yaml", *overrides, "--folder", "run")
        return run_bare(self.site, *command, cwd=self.folder)

    def several(self, *overrides: tuple[str, ...], run: str) -> list[tuple[list[str], int]]:
        """Run the command for a folder with each of several overrides: lines and exit codes."""
        commands = [
            ["recipe.yaml", *each, "--folder", f"{run}{n}"] for n, each in enumerate(overrides)
        ]
        done = run_bare(self.site, "-c", SEVERAL, json.dumps(commands), cwd=self.folder)
        assert done.returncode == 0, done.stderr
        ends: list[tuple[list[str], int]] = []
        lines: list[str] = []
        for line in done.stderr.splitlines():
            if line.startswith("ended with "):
                ends.append((lines, int(line.rpartition(" ")[2])))
                lines = []
            else:
                lines.append(line)
        assert len(ends) == len(commands)
        return ends

    def refused(self, *overrides: tuple[str, ...]) -> list[str]:
        """Return the errors of failing commands: one line after the one about preparation."""
        errors: list[str] = []
        for (preparing, error), code in self.several(*overrides, run="refused"):
            assert (preparing, code) == ("preparing recipe.yaml", 1)
            errors.append(error.removeprefix("error: "))
        return errors


@pytest.fixture
def training(site: Path, recipe: Recipe, pictures: Path, tmp_path: Path) -> Training:
    save_recipe(recipe, tmp_path / "recipe.yaml")
    pack([find_dataset(pictures)], tmp_path / "images.pack", [2])
    return Training(site, tmp_path, pictures)


# With a rate, since one line more tells which a run from trained weights takes by itself.
STORES = ("data.train=[images.pack]", "data.valid=images.pack", "steps=3", "rate=1e-3")


def test_the_environment_is_bare(site: Path, tmp_path: Path) -> None:
    find = "from importlib.util import find_spec; "
    show = f"print([name for name in {(*ABSENT, 'torch')!r} if find_spec(name)])"
    assert run_bare(site, "-c", find + show, cwd=tmp_path).stdout == "['torch']\n"


def test_a_run_from_stores_and_one_from_its_checkpoint(training: Training) -> None:
    done = training(*STORES, "crops=1")
    assert done.returncode == 0, done.stderr
    assert (training.folder / "run/crops/0_00000003.png").is_file()
    assert "done: 3 steps; best PSNR-Y" in done.stderr
    shutil.copytree(training.folder / "run", training.folder / "last-alone")
    (training.folder / "last-alone/best.pt").unlink()
    starts = ("init=run/best.pt", "init=last-alone")
    ends = training.several(*((*STORES, start) for start in starts), run="from")
    assert [code for _, code in ends] == [0, 0], ends


def test_what_needs_more_packages_says_which(training: Training) -> None:
    released, by_path, unknown, train, valid, tensorboard = training.refused(
        (*STORES, "init=scn_x2"),
        (*STORES, f"init={RELEASES / 'scn_x2'}"),
        (*STORES, "init=scn_x22"),
        (f"data.valid={training.folder / 'images.pack'}",),
        (STORES[0],),
        (*STORES, "tensorboard=true"),
    )
    assert released == (
        "model.init: scn_x2: reading a released model needs safetensors: pip install safetensors, "
        "or name a training run's checkpoint"
    )
    assert by_path.count("safetensors: pip") == 1
    assert "did you mean 'scn_x2'?" in unknown
    store = "name a packed store, made elsewhere by 'scalewise data pack'"
    reading = (
        f"{training.pictures}: reading a folder of images needs pyvips: pip install pyvips, or "
    )
    assert train == f"data.train: {reading}{store}"
    assert valid == f"data.valid: {reading}{store}"
    assert tensorboard == (
        "tensorboard: writing its logs needs tensorboard: pip install tensorboard, "
        "or set tensorboard=false"
    )
    assert not [*training.folder.glob("refused*/last.pt")]
