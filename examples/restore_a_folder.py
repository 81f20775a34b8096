"""Restore a folder of images, with a progress callback.

    python examples/restore_a_folder.py [FOLDER [OUTPUT]]

Existing results are skipped, so the same command resumes.  An image that cannot be read does not
stop the others.
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
    """Print the progress: pixels done, pixels in all, and the name of the image."""
    print(f"\r{100 * done / max(total, 1):3.0f} % {where}", end="", file=sys.stderr)


def main(folder: str = str(PICTURES), output: str = "restored") -> None:
    """Enlarge each image by half: JPEGs without their artifacts, all others as they are."""
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
