"""Run folders are found, and tell how far they are; the lock tells who is at work."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scalewise.errors import ScalewiseError
from scalewise.training.config import Recipe
from scalewise.training.log import LogLine, RunLog
from scalewise.training.recipe import save_recipe
from scalewise.training.session import find_runs, is_training, locked, read_run


def write_run(folder: Path, recipe: Recipe, *lines: tuple[int, float | None, float]) -> Path:
    """A run's folder; lines are step, seconds and progress."""
    folder.mkdir(parents=True, exist_ok=True)
    save_recipe(recipe, folder / "recipe.yaml")
    log = RunLog(folder / "log.csv")
    for step, seconds, progress in lines:
        psnr_y = 30.0 - abs(step - 40) if step % 40 == 0 else None
        log.append(LogLine(step, seconds, progress, 1e-3, 0.5, psnr_y))
    return folder


def test_runs_are_found_where_they_are(tmp_path: Path, recipe: Recipe) -> None:
    shallow = write_run(tmp_path / "b", recipe)
    deep = write_run(tmp_path / "a/x/run", recipe)
    write_run(deep / "inner", recipe)
    write_run(tmp_path / ".trash/run", recipe)
    write_run(tmp_path / "1/2/3/too_deep", recipe)
    half = tmp_path / "c"
    half.mkdir()
    (half / "log.csv").touch()
    assert find_runs(tmp_path) == [deep, shallow, half]
    assert find_runs(shallow) == [shallow]
    assert find_runs(tmp_path / "nothing") == []


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        ([], None),
        ([(20, 10.0, 0.25)], 30.0),
        ([(20, None, 0.25)], None),
        ([(20, 10.0, 1.0)], None),
        # From step 40 on, where the budget was doubled, a tenth takes 6 seconds.
        ([(20, 10.0, 0.5), (40, 20.0, 1.0), (60, 30.0, 0.6), (80, 36.0, 0.7)], 18.0),
        # Only the last lines count: a quarter's time for the first line is long ago.
        ([(1, 900.0, 0.1), *((i, 900.0 + i, 0.1 + i / 1000) for i in range(2, 102))], 799.0),
    ],
)
def test_the_time_left(
    tmp_path: Path, recipe: Recipe, lines: list[tuple[int, float | None, float]], left: float | None
) -> None:
    run = read_run(write_run(tmp_path, recipe, *lines))
    assert run.left == (None if left is None else pytest.approx(left))


@pytest.mark.parametrize(
    ("lines", "state", "best"),
    [
        ([], "stopped", None),
        ([(20, 1.0, 0.3), (40, 2.0, 0.6), (80, 4.0, 0.9)], "stopped", 30.0),
        ([(20, 1.0, 1.0)], "finished", None),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="no locks")
def test_the_state_of_a_run_that_nobody_trains(
    tmp_path: Path,
    recipe: Recipe,
    lines: list[tuple[int, float | None, float]],
    state: str,
    best: float | None,
) -> None:
    run = read_run(write_run(tmp_path, recipe, *lines))
    assert (run.recipe, run.state, run.best) == (recipe, state, best)


@pytest.mark.skipif(os.name == "nt", reason="no locks")
def test_looking_does_not_disturb_the_lock(tmp_path: Path, recipe: Recipe) -> None:
    write_run(tmp_path, recipe, (20, 1.0, 1.0))
    for _ in range(2):
        with locked(tmp_path):
            assert read_run(tmp_path).state == "training"
            with pytest.raises(ScalewiseError, match="another process"), locked(tmp_path):
                pass
        assert is_training(tmp_path) is False


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("log.csv", b"step,loss\n20,nought\n", "not the log of a training run"),
        ("log.csv", b"step,loss\n\xff\n", "not the log of a training run"),
        ("log.csv", b"step,loss\n" + b"0" * 200_000 + b"\n", "not the log of a training run"),
        ("recipe.yaml", b"seed: 2024-13-13", "not YAML: month must be"),
        ("recipe.yaml", b"seed: 1", "is missing"),
        ("recipe.yaml", None, "cannot read the recipe"),
    ],
)
def test_a_damaged_run_says_so(
    tmp_path: Path, recipe: Recipe, file: str, content: bytes | None, reason: str
) -> None:
    write_run(tmp_path, recipe, (20, 1.0, 1.0))
    (tmp_path / file).unlink()
    if content is not None:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(ScalewiseError, match=reason):
        read_run(tmp_path)
