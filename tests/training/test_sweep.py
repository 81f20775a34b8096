"""Sweeps: the better half goes on, what was done stays done, mistakes are named."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from scalewise.errors import ScalewiseError
from scalewise.imaging.protocols import FIELD, squashing
from scalewise.training.config import Recipe
from scalewise.training.loop import Trainer
from scalewise.training.recipe import save_recipe
from scalewise.training.sweep import Interrupted, Outcome, load_sweep, markdown, run_sweep

SWEEP = """
recipe: base.yaml
budget: 20s
settings: {validate_every: 1000, seed: 3}
grid: {rate: [1e-3, 1e-9], data.batch: [1, 2]}
"""


@pytest.fixture
def sweep(recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four trials, two of which hardly learn, by a clock that ticks once a step."""
    clock = itertools.count()
    monkeypatch.setattr("scalewise.training.loop.time.monotonic", lambda: float(next(clock)))
    save_recipe(recipe, tmp_path / "base.yaml")
    path = tmp_path / "sweep.yaml"
    path.write_text(SWEEP)
    return path


def train(trainer: Trainer, _: str) -> None:
    trainer.train()


def test_the_better_half_goes_on_for_twice_as_long(sweep: Path, tmp_path: Path) -> None:
    said: list[str] = []
    outcomes = run_sweep(sweep, tmp_path / "out", train, said.append)
    assert [(each.round, each.budget) for each in outcomes] == [(1, 20)] * 4 + [(2, 40)] * 2
    assert {each.name for each in outcomes[4:]} == {"rate=0.001 batch=1", "rate=0.001 batch=2"}
    assert {each.steps for each in outcomes[4:]} == {40}
    for earlier, later in itertools.pairwise(outcomes[:4]):
        assert earlier.psnr_y is not None
        assert later.psnr_y is not None
        assert earlier.psnr_y >= later.psnr_y
    assert [line.partition(": ")[0] for line in said] == ["round 1", "round 2"]
    assert outcomes[4].name in said[1]
    table = (tmp_path / "out/table.md").read_text()
    assert table == markdown(outcomes) + "\n"
    assert table.splitlines()[2].startswith(f"| {outcomes[4].name} | {outcomes[4].parameters:,} |")


def test_a_stopped_sweep_goes_on_with_what_is_not_done(sweep: Path, tmp_path: Path) -> None:
    trained: list[str] = []

    def train_two(trainer: Trainer, name: str) -> None:
        if trainer.progress < 1:
            trained.append(name)
        if len(trained) == 3:
            trainer.stop()
        trainer.train()

    with pytest.raises(Interrupted, match="stopped at rate=1e-09 batch=1"):
        run_sweep(sweep, tmp_path / "out", train_two)
    outcomes = run_sweep(sweep, tmp_path / "out", train_two)
    assert len(outcomes) == 6
    assert len(trained) == 7  # each once, and the one that was stopped twice
    again = run_sweep(sweep, tmp_path / "out", train_two)
    assert again == outcomes
    assert len(trained) == 7


def test_a_trial_that_diverges_comes_last(sweep: Path, tmp_path: Path) -> None:
    sweep.write_text(SWEEP.replace("1e-9", "1e30"))
    outcomes = run_sweep(sweep, tmp_path / "out", train)
    assert [each.psnr_y is None for each in outcomes] == [False, False, True, True, False, False]
    assert "| diverged |" in markdown(outcomes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SWEEP.replace("grid", "gird"), "unknown key 'gird'; did you mean 'grid'"),
        (SWEEP.replace("grid: {", "growth: 1\ngrid: {"), "growth must be at least 2"),
        ("recipe: base.yaml\nbudget: 5s\n", "at least two trials"),
        (SWEEP.replace("rate", "rtae"), "unknown key 'rtae'"),
        (SWEEP.replace("20s", "soon"), "budget: cannot read 'soon'"),
        (SWEEP.replace("base", "none"), "none.yaml: cannot read the recipe"),
        (SWEEP.replace("seed: 3", "data.valid: null"), "no data.valid to compare trials on"),
        (SWEEP.replace("[1, 2]", "[1, 1]"), "two trials are the same"),
        (
            "recipe: base.yaml\nbudget: 5s\ntrials:\n  - {}\n"
            "  - {squash: 16, patch: 16, augment: false}\n",
            "other faults or shapes cannot be compared; let data.task",
        ),
        (
            "recipe: base.yaml\nbudget: 5s\nsettings: {model.settings.scale: 1}\ntrials:\n"
            "  - {task: denoise}\n  - {task: dejpeg}\n",
            "other faults or shapes cannot be compared",
        ),
    ],
)
def test_mistakes_are_named_before_anything_is_trained(
    sweep: Path, tmp_path: Path, text: str, message: str
) -> None:
    sweep.write_text(text)
    with pytest.raises(ScalewiseError, match=message):
        run_sweep(sweep, tmp_path / "out", train)
    assert not (tmp_path / "out").exists()


def test_a_sweep_over_squashed_pictures_says_so(sweep: Path, tmp_path: Path) -> None:
    squashed = "settings: {squash: 16, patch: 16, augment: false, "
    sweep.write_text(SWEEP.replace("settings: {", squashed) + "rounds: 1\n")
    outcomes = run_sweep(sweep, tmp_path / "out", train)
    assert {outcome.protocol for outcome in outcomes} == {squashing(16)}
    assert (tmp_path / "out/table.md").read_text().endswith(squashing(16).description + "\n")
    assert markdown([Outcome("a", 1, 10.0, 30.0, 1, 5)]).endswith(FIELD.description)


def test_trials_combine_with_the_grid(sweep: Path) -> None:
    sweep.write_text(SWEEP + "trials: [{patch: 8}, {patch: 16}]\n")
    loaded, recipes = load_sweep(sweep)
    assert len(recipes) == len(loaded.all_trials()) == 8
    assert {(each.data.patch, each.data.batch, each.seed) for each in recipes} == {
        (8, 1, 3),
        (8, 2, 3),
        (16, 1, 3),
        (16, 2, 3),
    }


def test_the_table_shows_every_round() -> None:
    table = markdown(
        [
            Outcome("a", 1, 10.0, 30.0, 100, 5000),
            Outcome("b", 1, 10.0, None, 7, 6000),
            Outcome("a", 2, 20.0, 31.0, 200, 5000),
        ]
    )
    assert table.splitlines()[:4] == [
        "| trial | parameters | 10 s | 20 s | steps |",
        "|---|---:|---:|---:|---:|",
        "| a | 5,000 | 30.00 | 31.00 | 200 |",
        "| b | 6,000 | diverged |  | 7 |",
    ]
