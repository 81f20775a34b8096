"""Restore a folder of images, with a progress callback.

    python examples/restore_a_folder.py [FOLDER [OUTPUT]]

Existing results are skipped, so the same command resumes.  An image that cannot be read does not
stop the others.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from scalewise import ScalewiseError, Target
from scalewise.restoring import OutputOptions, plan_jobs, restore_files, select_for_upscaling

PICTURES = Path(__file__).parent / "pictures"


def report(done: float, total: float, where: str) -> None:
    """Print the progress: pixels done, pixels in all, and the name of the image."""
    print(f"{100 * done / max(total, 1):3.0f} % {where}", end="\r", file=sys.stderr)


def main() -> str | None:
    """Restore the folder that is given; return what is wrong, or None."""
    parser = argparse.ArgumentParser(description="Restore a folder of images.")
    parser.add_argument("folder", nargs="?", default=PICTURES, help="folder of images")
    parser.add_argument("output", nargs="?", default="restored", help="folder to write to")
    given = parser.parse_args()
    try:
        restore(given.folder, given.output)
    except ScalewiseError as error:
        return f"error: {error}"
    return None


def restore(folder: str, output: str) -> None:
    """Enlarge every image by half; noise and JPEG artifacts are removed on the way."""
    jobs = plan_jobs([Path(folder)], Path(output), "_x1.5", format="webp")
    output_options = OutputOptions(target=Target(scale=1.5), format="webp", quality=90)
    for result in restore_files(jobs, select_for_upscaling(), output_options, report):
        if result.restored is not None:
            made = result.restored
            print(f"{result.job.source.name}: {made.width}x{made.height} by {made.model}")
        else:
            print(f"{result.job.source.name}: {result.problem or 'existed already'}")


if __name__ == "__main__":
    sys.exit(main())
