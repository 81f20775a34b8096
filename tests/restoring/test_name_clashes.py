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
    for name, side in (("a", 20), ("a_x2", 30), ("b", 20), ("b_x2", 40), ("c", 20), ("c_old", 30)):
        write(tmp_path / f"{name}.png", Picture(np.full((side, side, 3), 99, np.uint8)))
    mine = (tmp_path / "a_x2.png").read_bytes()
    inputs = sorted(tmp_path.iterdir()) if named else [tmp_path]
    doubling = Restorer("fake", Traits(), FakeRuntime(), tile=32)
    options = OutputOptions(overwrite=overwrite)
    jobs = plan_jobs(inputs, None, "_x2")
    found = {
        result.job.source.name: result.problem or ("skipped" if result.skipped else "restored")
        for result in restore_files(jobs, [doubling], options)
    }
    place = f"{tmp_path / 'a_x2.png'}: is in the place of the result of {tmp_path / 'a.png'}"
    assert found == {
        "a.png": f"{place}, but 30x30, not 40x40; rename it, or choose another output or suffix",
        "b.png": "restored" if overwrite else "skipped",
        "c.png": "restored",
        "c_old.png": "restored",
    }
    assert (tmp_path / "a_x2.png").read_bytes() == mine
    # A suffix of one's own says nothing of a size: an earlier run may have had another.
    jobs = plan_jobs([tmp_path / "c.png", tmp_path / "c_old.png"], None, "_old")
    (made,) = restore_files(jobs, [doubling], OutputOptions(overwrite=True))
    assert made.restored is not None
