"""``scalewise train``: training of a network from a recipe."""

from __future__ import annotations

import shlex
import sys
from contextlib import nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from scalewise.arguments import counted
from scalewise.cli.outputs import check_output_folder
from scalewise.cli.progress_bar import progress_bar
from scalewise.cli.usage_errors import UsageError

if TYPE_CHECKING:
    from scalewise.training.config import Recipe
    from scalewise.training.loop import Trainer


def train(
    recipe: Annotated[
        Path, typer.Argument(metavar="RECIPE", help="A YAML file, such as those in recipes/.")
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=VALUE", help="Change settings of the recipe, such as batch=8 or time=30m."
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            "--run",
            "--folder",
            metavar="DIR",
            help="Write the run to this folder (default: runs/RECIPE).",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume; fail if there is no run in the folder.")
    ] = False,
    accept_changes: Annotated[
        bool,
        typer.Option("--accept-changes", help="Resume although the recipe has changed."),
    ] = False,
    trunk: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="RUN",
            help="Start as a copy of this run, and let the learning rate decay over the budget.",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Take a few steps, print an estimate, and write nothing."),
    ] = False,
) -> None:
    """Train a network from a recipe.

    Run the same command again to resume a run that was stopped, by Ctrl-C or otherwise. A finished
    run continues if the budget is larger.

    Examples:
        # Train a small network for 90 seconds
        scalewise train recipes/tiny.yaml

        # Estimate how long a recipe takes with another batch size
        scalewise train recipes/scn_x2.yaml batch=32 --dry-run

        # Train on other data for an hour
        scalewise train recipes/scn_x2.yaml 'data.train=[my.pack]' time=1h
    """
    from scalewise.training.recipe import load_recipe

    for each in overrides or []:
        if "=" not in each:
            raise UsageError(f"'{each}': write KEY=VALUE, such as data.batch=8")
    remarks: list[str] = []
    settings = load_recipe(recipe, overrides or [], notify=remarks.append)
    folder = run or Path("runs") / recipe.stem
    if not dry_run:
        check_output_folder(folder, "--run")
    if not sys.stderr.isatty():
        say(f"preparing {recipe}")  # before PyTorch is loaded, which may take long
    for remark in remarks:
        say(remark)
    from scalewise.training.checkpoint import LAST, read_checkpoint
    from scalewise.training.listeners import require_packages
    from scalewise.training.session import (
        branched,
        check_trunk,
        locked,
        open_run,
        stopped_by_signals,
    )

    require_packages(settings)
    if trunk is not None:
        check_trunk(trunk, overrides or [])
    if dry_run:
        if trunk is not None:
            begun = read_checkpoint(trunk / LAST)
            settings = branched(settings)
            typer.echo(f"starts    as a copy of {trunk} at step {begun['step']:,}")
        _dry_run(settings)
        return
    with locked(folder):
        with progress_bar("preparing") as update:
            trainer = open_run(
                settings,
                folder,
                resume=resume,
                accept_changes=accept_changes,
                trunk=trunk,
                progress=update,
                notify=say,
            )
        with stopped_by_signals(trainer, say) as signals:
            if trainer.progress < 1:
                train_and_show(trainer)
            else:
                say("this run is finished; to continue it, give a larger budget: steps= or time=")
    if trainer.progress < 1:
        again = ["scalewise", "train", str(recipe), *(overrides or [])]
        again += ["--run", str(folder)] if run else []
        again += ["--from", str(trunk)] if trunk else []
        say(f"stopped at step {trainer.step}; resume with: {shlex.join(again)}")
        raise typer.Exit(128 + signals[0])
    _report(trainer)


def _dry_run(recipe: Recipe) -> None:
    """Take a few steps in a temporary folder, and print an estimate of the whole run."""
    from scalewise.training.build import prepare
    from scalewise.training.progress import TIMED, dry_run, duration

    with TemporaryDirectory() as folder, progress_bar("preparing") as update:
        trainer = prepare(recipe, Path(folder), progress=update, notify=say)
        found = dry_run(trainer)
    data, precision = recipe.data, str(trainer.dtype).removeprefix("torch.")
    end = datetime.now() + timedelta(seconds=found.seconds)
    sides = [each * trainer.network.scale for _, each in data.progressive or [(0, data.patch)]]
    side = " to ".join(map(str, dict.fromkeys([sides[0], sides[-1]])))
    what = "patches of" if data.squash is None else "squashed to"
    about = "" if trainer.budget.steps else "about "
    typer.echo(f"network   {recipe.model.name}, {counted(found.parameters, 'parameter')}")
    typer.echo(
        f"data      {counted(found.images, 'image')}; {data.batch} {what} {side} px per step"
    )
    typer.echo(f"computes  in {precision} on {trainer.device}")
    typer.echo(
        f"step      {found.seconds_per_step * 1000:.0f} ms, the median of {TIMED} measured now"
    )
    typer.echo(f"steps     {about}{found.steps:,}")
    typer.echo(f"time      {duration(found.seconds)}; if started now it ends {end:%Y-%m-%d %H:%M}")
    typer.echo("nothing was written; the time does not include validation and checkpoints")


def train_and_show(trainer: Trainer) -> None:
    """Train, with a live display in a terminal and plain lines elsewhere."""
    from scalewise.cli.train_display import can_show, live_view
    from scalewise.training.listeners import recipe_listeners
    from scalewise.training.progress import PlainLines

    shown = live_view(trainer) if can_show() else nullcontext(PlainLines(trainer, say))
    with recipe_listeners(trainer, say), shown as listener:
        trainer.listeners.append(listener)
        trainer.train()


def _report(trainer: Trainer) -> None:
    """Print the score of a finished run, where its weights are, and the next command."""
    from scalewise.evaluating.text_layout import wrapped
    from scalewise.training.progress import started_at

    if trainer.validation is not None:
        count, valid = len(trainer.validation.pairs), trainer.recipe.data.valid_sets[0]
        typer.echo(f"best PSNR-Y {trainer.best:.2f} dB, mean over {valid} (images: {count})")
        if further := _further_at_best(trainer):
            typer.echo(f"  at the same step, in dB: {further}")
        if trainer.start is not None:
            typer.echo(wrapped(f"  {started_at(trainer.start, trainer.best)}"))
        typer.echo(wrapped(f"  {trainer.validation.protocol.description}"))
    typer.echo(f"weights: {trainer.run / 'best.pt'}; curves: {trainer.run / 'log.csv'}")
    typer.echo(f"next: scalewise evaluate {trainer.run} DIR...")


def _further_at_best(trainer: Trainer) -> str:
    """Return the scores of further validation sets where the first one was best."""
    from scalewise.training.log import read_log
    from scalewise.training.progress import further_scores

    lines = [line for line in read_log(trainer.run) if line.psnr_y is not None]
    return further_scores(max(lines, key=lambda line: line.psnr_y or 0.0)) if lines else ""


def say(line: str) -> None:
    """Write a line to stderr."""
    # typer.echo would bypass the redirection by which lines appear above the live display.
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
