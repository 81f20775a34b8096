"""Images of the user's where results are to lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scalewise.files import Picture, write
from scalewise.restoring.batch import restore_files
from scalewise.restoring.file_pipeline import OutputOptions
from scalewise.restoring.jobs import plan_jobs
from scalewise.restoring.restorer import Restorer
from tests.restoring.fakes import FakeRuntime, Traits


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("named", [False, True])
def test_an_image_with_no_more_than_a_results_name_stays(
    tmp_path: Path, overwrite: bool, named: bool
) -> None:
    sizes = {"a": (20, 20), "a_x2": (30, 20), "b": (20, 20), "b_x2": (40, 40)}
    sizes |= {"c": (20, 20), "c_old": (30, 30), "d": (20, 20), "d_x2": (31, 30)}
    for name, size in sizes.items():
        write(tmp_path / f"{name}.png", Picture(np.full((*size, 3), 99, np.uint8)))
    mine = (tmp_path / "a_x2.png").read_bytes()
    inputs = sorted(tmp_path.iterdir()) if named else [tmp_path]
    doubling = Restorer("fake", Traits(), FakeRuntime(), tile=32)
    options = OutputOptions(overwrite=overwrite)
    jobs = plan_jobs(inputs, None, "_x2")
    found = {
        result.job.source.name: result.problem or ("skipped" if result.skipped else "restored")
        for result in restore_files(jobs, [doubling], options)
    }

    def refused(name: str, size: str) -> str:
        there, image = tmp_path / f"{name}_x2.png", tmp_path / f"{name}.png"
        why = f"{there}: is in the place of the result of {image}, but {size}, not 40x40"
        return f"{why}; rename or remove it, or choose another output"

    assert found == {
        "a.png": refused("a", "20x30"),
        "b.png": "restored" if overwrite else "skipped",
        "c.png": "restored",
        "c_old.png": "restored",
        "d.png": "restored" if overwrite else refused("d", "30x31"),  # a result of another size
    }
    assert (tmp_path / "a_x2.png").read_bytes() == mine
    # A suffix of one's own says nothing of a size: an earlier run may have had another.
    jobs = plan_jobs([tmp_path / "c.png", tmp_path / "c_old.png"], None, "_old")
    (made,) = restore_files(jobs, [doubling], OutputOptions(overwrite=True))
    assert made.restored is not None
