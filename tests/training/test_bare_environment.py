"""Training with only PyTorch, NumPy, PyYAML and pydantic; other needs give one-line errors."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from scalewise.data.layouts import find_dataset
from scalewise.data.store import pack
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


class Training:
    """The command, in a folder with a recipe and packed stores."""

    def __init__(self, site: Path, folder: Path, pictures: Path) -> None:
        self.site, self.folder, self.pictures = site, folder, pictures

    def __call__(self, *overrides: str, run: str = "run") -> subprocess.CompletedProcess[str]:
        command = ("-m", "scalewise.training", "recipe.yaml", *overrides, "--folder", run)
        return run_bare(self.site, *command, cwd=self.folder)

    def refused(self, *overrides: str) -> str:
        """Return the error of a failing command: one line after the one about preparation."""
        done = self(*overrides, run="refused")
        assert done.returncode == 1, done.stderr
        preparing, error = done.stderr.splitlines()
        assert preparing == "preparing recipe.yaml"
        return error.removeprefix("error: ")


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
    done = training(*STORES, "init=run/best.pt", run="from-best")
    assert done.returncode == 0, done.stderr
    (training.folder / "run/best.pt").unlink()
    done = training(*STORES, "init=run", run="from-last")
    assert done.returncode == 0, done.stderr


def test_what_needs_more_packages_says_which(training: Training) -> None:
    assert training.refused(*STORES, "init=scn_x2") == (
        "model.init: scn_x2: reading a released model needs safetensors: pip install safetensors, "
        "or name a training run's checkpoint"
    )
    assert training.refused(*STORES, f"init={RELEASES / 'scn_x2'}").count("safetensors: pip") == 1
    assert "did you mean 'scn_x2'?" in training.refused(*STORES, "init=scn_x22")
    store = "name a packed store, made elsewhere by 'scalewise data pack'"
    assert training.refused(f"data.valid={training.folder / 'images.pack'}") == (
        f"data.train: {training.pictures}: reading a folder of images needs pyvips: "
        f"pip install pyvips, or {store}"
    )
    assert training.refused(STORES[0]) == (
        f"data.valid: {training.pictures}: reading a folder of images needs pyvips: "
        f"pip install pyvips, or {store}"
    )
    assert training.refused(*STORES, "tensorboard=true") == (
        "tensorboard: writing its logs needs tensorboard: pip install tensorboard, "
        "or set tensorboard=false"
    )
    assert not (training.folder / "refused/last.pt").exists()
