"""The precision of each image: photographs in 8-bit integers, all others not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import scalewise
from scalewise.files import Picture, open_picture, read, write
from scalewise.restoring import precision, selection
from scalewise.restoring.batch import restore_files
from scalewise.restoring.jobs import plan_jobs
from scalewise.restoring.loading import LoadOptions, load
from scalewise.restoring.restorer import Restorer
from scalewise.restoring.selection import load_cascade, select_for_upscaling
from tests.restoring.fakes import ArraySource, ListSink

Pixels = NDArray[np.uint8]

MODEL = "scn_fast_x2"


@pytest.fixture(autouse=True)
def gains_by_int8(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor that gains by 8-bit integers, and has no bfloat16."""
    monkeypatch.setattr(precision, "_gains_by_int8", lambda: True)
    monkeypatch.setattr(precision, "computes_bf16", lambda device: False)
    selection.forget_models()


@pytest.fixture
def images(photo: Pixels) -> dict[str, Pixels]:
    """A photograph, and lines."""
    lines = np.zeros((256, 272, 3), np.uint8)
    lines[::3] = 255
    return {"photo": np.ascontiguousarray(photo[100:356, 60:332]), "lines": lines}


@pytest.fixture(scope="module")
def fixed() -> dict[str, Restorer]:
    options: list[Any] = ["f32", "int8"]
    return {each: load(MODEL, LoadOptions("cpu", each)) for each in options}


def is_in(fixed: dict[str, Restorer], image: Pixels, result: Pixels) -> str:
    """Return the precision that a result was computed in."""
    found = [name for name, each in fixed.items() if (each.restore(image) == result).all()]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(("name", "expected"), [("photo", "int8"), ("lines", "f32")])
def test_every_way_in_chooses_alike(
    name: str,
    expected: str,
    images: dict[str, Pixels],
    fixed: dict[str, Restorer],
    tmp_path: Path,
) -> None:
    image = images[name]
    write(tmp_path / "a.png", Picture(image))
    restorer = scalewise.load(MODEL)
    restorer.restore_file(tmp_path / "a.png", tmp_path / "b.png")
    (job,) = plan_jobs([tmp_path / "a.png"], tmp_path / "c.png", "")
    (done,) = restore_files([job], load_cascade(MODEL))
    results = [
        restorer.restore(image),
        restorer.upscale(image),
        scalewise.upscale(image, model=MODEL),
        read(tmp_path / "b.png").pixels,
        read(tmp_path / "c.png").pixels,
    ]
    made = {precision: each.restore(image) for precision, each in fixed.items()}
    for each in results:
        assert [x for x, pixels in made.items() if np.array_equal(pixels, each)] == [expected]
    assert done.restored is not None
    assert (
        done.restored.reason
        == {
            "int8": "int8, which costs a photograph 0.0199 dB",
            "f32": "f32, because it is not a photograph but sharp edges or noise",
        }[expected]
    )


def test_rows_that_are_not_known_yet_are_no_photograph(
    images: dict[str, Pixels], fixed: dict[str, Restorer]
) -> None:
    sink = ListSink()
    scalewise.load(MODEL).stream(ArraySource(images["photo"]), sink)
    assert is_in(fixed, images["photo"], sink.image) == "f32"


def test_high_bit_depth_and_small_images_are_computed_in_float32(
    images: dict[str, Pixels], tmp_path: Path
) -> None:
    write(tmp_path / "deep.png", Picture(images["photo"].astype(np.uint16) * np.uint16(257)))
    write(tmp_path / "small.png", Picture(images["photo"][:100, :100]))
    jobs = plan_jobs([tmp_path], tmp_path / "out", "")
    outcomes = {
        each.job.source.name: each.restored for each in restore_files(jobs, load_cascade(MODEL))
    }
    deep, small = outcomes["deep.png"], outcomes["small.png"]
    assert deep is not None
    assert deep.reason == "f32, because it has more than 8 bits"
    assert small is not None
    assert small.reason == "f32, because it is too small to gain"


def test_who_names_a_precision_gets_it(images: dict[str, Pixels], tmp_path: Path) -> None:
    write(tmp_path / "a.png", Picture(images["photo"]))
    jobs = plan_jobs([tmp_path / "a.png"], tmp_path / "b.png", "")
    (done,) = restore_files(jobs, load_cascade(MODEL, LoadOptions("cpu", "f32")))
    assert done.restored is not None
    assert done.restored.reason == ""
    assert not load(MODEL, LoadOptions("cpu", "f32")).depends_on_content


def test_automatic_networks_say_both_reasons(images: dict[str, Pixels], tmp_path: Path) -> None:
    write(tmp_path / "a.png", Picture(images["photo"]))
    with open_picture(tmp_path / "a.png") as reader:
        chosen = select_for_upscaling().choose(reader)
    assert chosen.content == "photograph"
    assert [each.runtime.precision for each in chosen.restorers if isinstance(each, Restorer)] == [
        "int8"
    ] * len(chosen.restorers)


def test_what_is_blended_has_the_same_precision(images: dict[str, Pixels]) -> None:
    mixed = load("photo_x2", LoadOptions("cpu", strength=0.5)).for_content("photograph")
    assert mixed.runtime.precision == "int8"
    assert mixed._blend_with is not None
    assert mixed._blend_with.runtime.precision == "int8"
    assert mixed.for_content("photograph") is mixed


def test_networks_are_loaded_once_for_all_strengths(images: dict[str, Pixels]) -> None:
    restorer = load("dejpeg", LoadOptions("cpu"))
    first = restorer.for_content("photograph")
    assert restorer.with_strength(0.5).for_content("photograph").runtime is first.runtime
    assert restorer.for_content("smooth slopes") is restorer
