"""Tiling: any size, kind and cut gives the result of the whole image; memory may run out."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.errors import ScalewiseError
from scalewise.restoring.channels import Network, Run
from scalewise.restoring.restorer import Restorer
from scalewise.restoring.rows import FloatImage, Progress, rows_of, rows_of_array, to_array
from scalewise.restoring.tiling import TilingOptions, restore_rows, spans
from tests.restoring.fakes import ArraySource, FakeRuntime, ListSink, Traits, blur, repeat


def picture(height: int, width: int, channels: int = 3, seed: int = 0) -> FloatImage:
    return np.random.default_rng(seed).random((height, width, channels)).astype(np.float32)


def expected(image: FloatImage) -> FloatImage:
    return repeat(blur(image.transpose(2, 0, 1))).transpose(1, 2, 0)


def run(
    image: NDArray[Any], network: Run, tiling: TilingOptions, progress: Progress | None = None
) -> NDArray[Any]:
    kind = Network(network, 2, 3, 4)
    return to_array(restore_rows(rows_of_array(image), kind, tiling, image.dtype, progress))


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("blend", [0, 6])
def test_tiles_of_a_local_operation_make_the_whole(seed: int, blend: int) -> None:
    """Doubling by repetition, and a blur that sees one pixel around it, know no tiles."""
    draw = random.Random(seed)
    image = picture(draw.randint(1, 150), draw.randint(1, 150), seed=seed)
    runtime = FakeRuntime()
    done: list[int] = []
    tile = draw.choice([None, 32, draw.randint(32, 100)])
    tiling = TilingOptions(tile, 8, blend)
    found = run(image, runtime, tiling, lambda pixels, _: done.append(pixels))
    np.testing.assert_allclose(found, expected(image), atol=1e-6)
    assert found.dtype == np.float32
    assert all(shape[2] % 4 == shape[3] % 4 == 0 for shape in runtime.shapes)
    assert len(set(runtime.shapes)) == 1
    assert done == sorted(done)
    assert done[-1] == image.shape[0] * image.shape[1]
    assert len(done) == len(runtime.shapes)


@pytest.mark.parametrize("blend", [0, 6])
def test_out_of_memory_halves_the_tile_and_goes_on(blend: int) -> None:
    """Memory runs short in the second strip; the first is not computed again."""
    image = picture(400, 300)
    runtime = FakeRuntime()

    def network(batch: FloatImage) -> FloatImage:
        if len(runtime.shapes) == 4:
            runtime.largest = 70**2
        return runtime(batch)

    found = run(image, network, TilingOptions(100, 8, blend))
    np.testing.assert_allclose(found, expected(image), atol=1e-6)
    large = {shape for shape in runtime.shapes if shape[2] * shape[3] > 70**2}
    assert len(large) == 1
    assert sum(shape in large for shape in runtime.shapes) == 5
    assert runtime.shapes[-1] not in large


def test_no_memory_even_for_the_smallest_tile() -> None:
    with pytest.raises(ScalewiseError, match="not enough memory to restore 90x80 pixels, the sma"):
        run(picture(80, 90), FakeRuntime(largest=10), TilingOptions(64, 8))
    with pytest.raises(ScalewiseError, match=r"not enough memory .* the whole image at once"):
        run(picture(80, 90), FakeRuntime(largest=10), TilingOptions(None, 8))


def test_a_picture_too_large_to_run_whole_is_cut_after_all() -> None:
    image = picture(90, 120)
    runtime = FakeRuntime(largest=100**2)
    found = Restorer("fake", Traits(), runtime, tile=None).restore(image)
    np.testing.assert_allclose(found, expected(image), atol=1e-6)
    assert runtime.shapes[0] == (1, 3, 92, 120)
    assert len(runtime.shapes) == 3


def test_other_errors_pass() -> None:
    def broken(batch: FloatImage) -> FloatImage:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        run(picture(8, 8), broken, TilingOptions(64, 8))


def test_what_is_not_finite_is_named_with_its_place() -> None:
    image = picture(300, 200)
    image[250, 20] = 0.5
    traits = Traits()
    restorer = Restorer("fake", traits, FakeRuntime(nan_at=0.5), tile=64)
    place = r"not finite in columns 0 to 104 of rows 180 to 300"
    with pytest.raises(ScalewiseError, match="the network's result is " + place):
        restorer.restore(image)
    image[250, 20] = np.nan
    with pytest.raises(ScalewiseError, match="the image has values that are " + place):
        restorer.stream(ArraySource(image), ListSink())
    with pytest.raises(ScalewiseError, match="the first in row 250, column 20") as caught:
        restorer.restore(image)
    assert caught.value.arguments == ("image",)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_rows_give_what_an_array_gives(dtype: Any, channels: int) -> None:
    peak = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1
    image = (picture(150, 90, channels) * peak).astype(dtype)
    restorer = Restorer("fake", Traits(), FakeRuntime(), tile=32)
    whole = Restorer("fake", Traits(), FakeRuntime(), tile=None).restore(image)
    source, sink = ArraySource(image), ListSink()
    restorer.stream(source, sink)
    assert source.next == 150
    assert sink.image.dtype == whole.dtype == dtype
    assert whole.shape == (300, 180, channels)
    assert len(sink.blocks) == 3
    np.testing.assert_allclose(sink.image / peak, whole / peak, atol=1e-3 if peak == 1 else 0)


def test_a_whole_network_is_not_cut_silently() -> None:
    image = picture(100, 100)
    traits = Traits(tiling="whole")
    runtime = FakeRuntime()
    Restorer("fake", traits, runtime, tile=32).restore(image)
    assert runtime.shapes == [(1, 3, 100, 100)]
    small = FakeRuntime(memory=2**20)
    with pytest.raises(ScalewiseError, match=r"fake must see an image whole, .* for 100x100"):
        Restorer("fake", traits, small, tile=32).restore(image)
    assert small.shapes == []
    allowed = Restorer("fake", traits, small, tile=32, force_tiling=True)
    np.testing.assert_allclose(allowed.restore(image), expected(image), atol=1e-6)
    assert len(small.shapes) > 1


def test_the_tile_goes_by_the_free_memory() -> None:
    runtime = FakeRuntime(memory=2**26)
    Restorer("fake", Traits(), runtime).restore(picture(300, 300))
    assert runtime.shapes[0][2] ** 2 * 1536 <= 2**25
    assert len(runtime.shapes) > 1


def test_rows_are_let_go() -> None:
    """Never more than a strip of tiles and a block of rows is held."""
    held: list[int] = []
    image = picture(2000, 40)

    class Source(ArraySource):
        def read_rows(self, start: int, stop: int) -> NDArray[Any]:
            held.append(start)
            return super().read_rows(start, stop)

    rows = restore_rows(
        rows_of(Source(image)),
        Network(FakeRuntime(), 2, 3, 4),
        TilingOptions(64, 8),
        np.dtype(np.uint8),
    )
    made = 0
    for block in rows.blocks:
        made += len(block) // 2
        assert held[-1] <= made + 8 + 64
    assert made == 2000


def test_spans_cover_the_axis_and_keep_their_distance() -> None:
    for seed in range(200):  # a test for each would take longer to start
        check_spans_cover_the_axis_and_keep_their_distance(seed)


def check_spans_cover_the_axis_and_keep_their_distance(seed: int) -> None:
    draw = random.Random(seed)
    multiple = draw.choice([1, 2, 4, 8])
    length = multiple * draw.randint(1, 200)
    overlap = draw.randint(0, 40)
    tile = draw.randint(1, 300)
    begin = draw.choice([0, draw.randrange(length)])
    found = spans(length, tile, overlap, multiple, begin)
    assert found[0].keep_from == begin
    assert found[-1].keep_to == length
    assert len({span.length for span in found}) == 1
    assert found[0].length <= tile + 2 * (overlap + multiple) + multiple or len(found) == 1
    for before, after in pairwise(found):
        assert before.keep_to == after.keep_from
    for span in found:
        end = span.start + span.length
        assert span.start % multiple == 0
        assert span.length % multiple == 0
        assert 0 <= span.start <= span.keep_from < span.keep_to <= end <= length
        assert span.start == 0 or span.keep_from - span.start >= overlap
        assert end == length or end - span.keep_to >= overlap


def test_windows_are_no_larger_than_their_number_asks_for() -> None:
    assert [span.length for span in spans(4000, 640, 28, 4)] == [620] * 7


def test_weights_add_up_to_one() -> None:
    for seed in range(50):  # a test for each would take longer to start
        check_weights_add_up_to_one(seed)


def check_weights_add_up_to_one(seed: int) -> None:
    draw = random.Random(seed)
    multiple, scale = draw.choice([1, 4]), draw.choice([1, 2, 3])
    length = multiple * draw.randint(1, 100)
    overlap = multiple * draw.randint(1, 10)
    blend = draw.randint(0, overlap)
    total = np.zeros(length * scale)
    for span in spans(length, draw.randint(1, 100), overlap, multiple):
        places, weights = span.weights(length, blend, scale)
        assert span.start * scale <= places.start < places.stop
        assert places.stop <= (span.start + span.length) * scale
        assert weights.min() >= 0
        total[places] += weights
    np.testing.assert_allclose(total, 1, atol=1e-6)
