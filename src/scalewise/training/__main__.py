"""Training with plain output, by one process or several.

    torchrun --nproc-per-node 2 -m scalewise.training recipe.yaml [key=value ...]

does on two processes what ``scalewise train recipe.yaml`` does on one; see
docs/distributed.md.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from scalewise.arguments import counted
from scalewise.errors import LostWorker, ScalewiseError
from scalewise.training.distributed import World, joined_world
from scalewise.training.listeners import recipe_listeners, require_packages
from scalewise.training.log import keep_quiet
from scalewise.training.progress import PlainLines, started_at
from scalewise.training.recipe import load_recipe
from scalewise.training.session import check_trunk, locked, open_run, stopped_by_signals

FLAGS = {
    "run": "--folder",
    "resume": "--resume",
    "accept_changes": "--accept-changes",
    "trunk": "--from",
}
"""Argument -> option, for errors."""


def main(arguments: list[str] | None = None) -> int:
    """Train, print an error in one line, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m scalewise.training", description=__doc__)
    parser.add_argument("recipe", type=Path, help="a YAML file; see recipes/")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="other settings")
    # Not --run, as in 'scalewise train': torchrun takes that for an option of its own.
    parser.add_argument("--folder", type=Path, help="the run's folder [runs/RECIPE]")
    parser.add_argument("--resume", action="store_true", help="require a run to resume")
    parser.add_argument("--accept-changes", action="store_true", help="resume with other settings")
    parser.add_argument(
        "--from", dest="trunk", type=Path, help="start as a copy of another run, and decay it"
    )
    given = parser.parse_intermixed_args(arguments)
    folder = given.folder or Path("runs") / given.recipe.stem
    if os.environ.get("RANK", "0") == "0":
        _say(f"preparing {given.recipe}")  # at once: packing may take long
    try:
        if given.trunk is not None:
            check_trunk(given.trunk, given.overrides)
        recipe = load_recipe(given.recipe, given.overrides, notify=_say)
        require_packages(recipe)  # before anything is written
        with joined_world(recipe.device) as world, locked(folder, world):
            say = _say if world.writes else keep_quiet
            trainer = open_run(
                recipe,
                folder,
                resume=given.resume,
                accept_changes=given.accept_changes,
                trunk=given.trunk,
                world=world,
                notify=say,
            )
            trainer.listeners.append(PlainLines(trainer, say))
            with (
                stopped_by_signals(trainer, say) as signals,
                recipe_listeners(trainer, say),
            ):
                try:
                    trainer.train()
                except LostWorker as error:
                    _say(f"error: {error}")  # at once: torchrun ends this process, too
                    return 1
            if trainer.progress < 1:
                say(f"stopped at step {trainer.step}; the same command resumes it")
                return 128 + (signals or [signal.SIGTERM])[0]  # or another process was told
            say(f"done: {counted(trainer.step, 'step')}; {_result(trainer.best, folder, world)}")
            if trainer.start is not None:
                say(started_at(trainer.start, trainer.best))
    except (ScalewiseError, OSError) as error:
        message = error.with_flags(FLAGS) if isinstance(error, ScalewiseError) else str(error)
        _say(f"error: {' '.join(message.splitlines())}")
        return 1
    return 0


def _result(best: float, folder: Path, world: World) -> str:
    score = f"best PSNR-Y {best:.2f} dB; " if best > 0 else ""
    return f"{score}weights in {folder / 'best.pt'}; processes: {world.size}"


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
