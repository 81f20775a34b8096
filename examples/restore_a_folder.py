"""Restore a folder of pictures, with a function of your own that is told how far it is.

    python examples/restore_a_folder.py [FOLDER [OUTPUT]]

What exists already is skipped, so a run that was stopped goes on.  A picture that cannot be read
spoils no other.
"""

from __future__ import annotations

import sys
from pathlib import Path

from scalewise.restoring.folder import restore_files
from scalewise.restoring.jobs import plan_jobs
from scalewise.restoring.pictures import Wishes
from scalewise.restoring.selection import select_for_upscaling
from scalewise.restoring.sizes import Target

PICTURES = Path(__file__).parent / "pictures"


def tell(done: float, total: float, where: str) -> None:
    """What you would draw a progress bar with: pixels done, pixels in all, and the picture."""
    print(f"\r{100 * done / max(total, 1):3.0f} % {where}", end="", file=sys.stderr)


def main(folder: str = str(PICTURES), output: str = "restored") -> None:
    """Enlarge every picture by half: JPEGs with their faults taken out, all others as they are."""
    jobs = plan_jobs([Path(folder)], Path(output), "_x1.5", format="webp")
    wishes = Wishes(target=Target(scale=1.5), format="webp", quality=90)
    for outcome in restore_files(jobs, select_for_upscaling(), wishes, tell):
        if outcome.restored is not None:
            made = outcome.restored
            print(f"{outcome.job.source.name}: {made.width}x{made.height} by {made.model}")
        else:
            print(f"{outcome.job.source.name}: {outcome.problem or 'was there already'}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
