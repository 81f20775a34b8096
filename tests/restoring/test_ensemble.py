"""Self-ensemble: the mean over views is what its name says, and sees all of them alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.restoring.ensemble import VIEWS, self_ensemble
from scalewise.restoring.loading import LoadOptions, load


def test_the_eight_views_are_all_there_are() -> None:
    image = np.arange(12, dtype=np.float32).reshape(3, 4)
    seen = {(view.of(image).shape, view.of(image).tobytes()) for view in VIEWS}
    assert len(seen) == 8
    assert (VIEWS[0].of(image) == image).all()


def test_it_is_the_mean_of_what_is_made_of_each_view(
    small_release: Path, photo: NDArray[np.uint8]
) -> None:
    image = (photo[40:72, 60:108] / 255).astype(np.float32)
    plain, together = load(small_release), load(small_release, LoadOptions(ensemble=True))
    made: list[NDArray[np.float32]] = []
    for turns in range(4):
        for mirrored in (False, True):
            turned = np.rot90(image, turns)
            turned = turned[:, ::-1] if mirrored else turned
            result = plain.restore(np.ascontiguousarray(turned))
            made.append(np.rot90(result[:, ::-1] if mirrored else result, -turns))
    assert float(np.abs(made[0] - made[3]).max()) > 1e-3  # else there were nothing to average
    inside = slice(8, -8)  # clipped before the mean here, after it there
    expected = np.mean(made, axis=0)
    np.testing.assert_allclose(together.restore(image)[inside], expected[inside], atol=2e-3)


def test_it_sees_all_views_alike(small_release: Path, photo: NDArray[np.uint8]) -> None:
    restorer = load(small_release, LoadOptions(ensemble=True))
    image = (photo[40:72, 60:108] / 255).astype(np.float32)
    whole = restorer.restore(image)
    for view in (np.transpose(image, (1, 0, 2)), image[::-1]):
        again = restorer.restore(np.ascontiguousarray(view))
        expected = np.transpose(whole, (1, 0, 2)) if view.shape != image.shape else whole[::-1]
        np.testing.assert_allclose(again, expected, atol=1e-5)


def test_the_network_runs_once_for_each_view() -> None:
    sizes: list[tuple[int, ...]] = []

    def run(image: NDArray[np.float32]) -> NDArray[np.float32]:
        sizes.append(image.shape)
        return image

    image = np.random.default_rng(0).random((1, 3, 4, 8), np.float32)
    np.testing.assert_allclose(self_ensemble(run)(image), image, rtol=1e-6)
    assert sizes == [(1, 3, 4, 8), (1, 3, 8, 4)] * 4


@pytest.mark.parametrize("command", ["upscale", "evaluate"])
def test_commands_take_it(
    command: str, small_release: Path, photo: NDArray[np.uint8], tmp_path: Path
) -> None:
    from typer.testing import CliRunner

    from scalewise.cli.app import app
    from scalewise.files import Picture, read, write

    (tmp_path / "set").mkdir()
    write(tmp_path / "set/a.png", Picture(photo[40:72, 60:108]))
    arguments = [command, tmp_path / "set", "--ensemble"]
    if command == "upscale":
        arguments += ["-m", small_release, "-o", tmp_path / "out"]
    else:
        arguments.insert(1, small_release)
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    assert result.exit_code == 0, result.output
    if command == "evaluate":
        assert "small+" in result.output
    else:
        expected = load(small_release, LoadOptions(ensemble=True)).restore(photo[40:72, 60:108])
        np.testing.assert_array_equal(read(tmp_path / "out/a.png").pixels, expected)
