"""The runtimes: they agree, threads may share them, and what is not finite is done again."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from scalewise.errors import ScalewiseError
from scalewise.openvino_import import openvino_core
from scalewise.restoring.loading import LoadOptions, load
from scalewise.restoring.restorer import Restorer
from scalewise.restoring.rows import FloatImage
from scalewise.restoring.runtime import (
    DeferredRuntime,
    FiniteRuntime,
    OpenVinoRuntime,
    TorchRuntime,
)
from scalewise.weights.card import GRAPH_FILE, read_card
from scalewise.weights.release import load_network
from tests.restoring.fakes import FakeRuntime, Traits


def batch(height: int, width: int) -> FloatImage:
    return np.random.default_rng(height).random((1, 3, height, width)).astype(np.float32)


def test_both_give_the_same_picture(small_release: Path, photo: NDArray[np.uint8]) -> None:
    image = photo[100:251, 100:277]
    card = read_card(small_release)
    runtime = TorchRuntime(load_network(small_release), "cpu")
    by_torch = Restorer("torch", card, runtime, tile=64, keeps_flat=True)
    by_openvino = load(small_release, LoadOptions(device="cpu", precision="f32", tile=80))
    difference = by_torch.restore(image).astype(int) - by_openvino.restore(image)
    assert np.abs(difference).max() <= 1


def test_a_graph_for_one_size_gives_what_that_for_any_size_gives(small_release: Path) -> None:
    graph = small_release / GRAPH_FILE
    image = batch(132, 140)
    fixed, whole = OpenVinoRuntime(graph), OpenVinoRuntime(graph)
    found = fixed(image)
    whole._compiled[image.shape] = whole._for_size((1, 3, 4, 4))
    np.testing.assert_allclose(whole(image), found, atol=1e-5)


def test_few_graphs_are_kept(small_release: Path) -> None:
    runtime = OpenVinoRuntime(small_release / GRAPH_FILE)
    runtime(batch(8, 8))
    for height in (400, 404, 408, 412, 400):
        runtime._for_size((1, 3, height, 400))
    assert set(runtime._compiled) == {(), (1, 3, 408, 400), (1, 3, 412, 400), (1, 3, 400, 400)}
    runtime._for_size((1, 3, 900, 900))
    assert set(runtime._compiled) == {(), (1, 3, 900, 900)}


def test_threads_share_a_restorer(small_release: Path, photo: NDArray[np.uint8]) -> None:
    restorer = load(small_release, LoadOptions(tile=64))
    images = [photo[y : y + 90 + y, x : x + 140] for y in (0, 30, 60) for x in (0, 150, 300)]
    expected = [restorer.restore(image) for image in images]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(restorer.restore, images * 3))
    for index, image in enumerate(found):
        np.testing.assert_array_equal(image, expected[index % len(images)])


def test_torch_running_out_of_memory_is_a_memory_error(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = TorchRuntime(torch.nn.Identity(), "cpu")

    def fail(image: FloatImage) -> FloatImage:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried ...")

    monkeypatch.setattr(runtime, "_run", fail)
    with pytest.raises(MemoryError, match="can't allocate"):
        runtime(batch(4, 4))
    with pytest.raises(AttributeError):
        TorchRuntime(torch.nn.Identity(), "cpu")(batch(4, 4))  # has no restore()


def test_what_is_not_finite_is_computed_again_in_float32(photo: NDArray[np.uint8]) -> None:
    image = photo[:150, :90].copy()
    image[100, 50] = (1, 2, 255)
    rounded, exact = FakeRuntime("bf16", nan_at=1.0), FakeRuntime()
    made: list[FakeRuntime] = []

    def make() -> FakeRuntime:
        made.append(exact)
        return exact

    restorer = Restorer("fake", Traits(), FiniteRuntime(rounded, make), tile=32)
    expected = Restorer("fake", Traits(), FakeRuntime(), tile=32).restore(image)
    image[100, 50, 2] = 254
    restorer.restore(np.minimum(image, 254))
    assert made == []
    image[100, 50, 2] = 255
    image[:, :, :2] = np.minimum(image[:, :, :2], 254)
    found = restorer.restore(image)
    assert np.abs(found.astype(int) - expected).max() <= 1
    assert made == [exact]
    assert 0 < len(exact.shapes) < len(rounded.shapes)


def test_what_is_not_finite_in_float32_either_is_an_error(photo: NDArray[np.uint8]) -> None:
    image = np.maximum(photo[:40, :40], 1)
    broken = FakeRuntime(nan_at=1.0)
    finite = FiniteRuntime(FakeRuntime("bf16", nan_at=1.0), lambda: broken)
    image[20, 20] = 255
    with pytest.raises(ScalewiseError, match="the network's result is not finite in columns 0 to"):
        Restorer("fake", Traits(), finite).restore(image)
    assert len(broken.shapes) == 1


def test_deep_pictures_are_computed_in_float32() -> None:
    image = np.zeros((8, 8, 3))
    rounded, exact = FakeRuntime("bf16"), FakeRuntime()
    restorer = Restorer("fake", Traits(), FiniteRuntime(rounded, lambda: exact), is_automatic=True)
    restorer.restore(image.astype(np.uint8))
    assert (len(rounded.shapes), len(exact.shapes)) == (1, 0)
    for dtype in (np.uint16, np.float32):
        restorer.restore(image.astype(dtype))
    assert (len(rounded.shapes), len(exact.shapes)) == (1, 2)


def test_damaged_graphs_are_named(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"not a graph")
    with pytest.raises(ScalewiseError, match=r"model\.onnx: not a graph"):
        OpenVinoRuntime(path)


def test_deferred_runtimes_are_made_once_and_when_they_run() -> None:
    made: list[FakeRuntime] = []

    def make() -> FakeRuntime:
        made.append(FakeRuntime("int8"))
        return made[-1]

    runtime = DeferredRuntime(make, "int8")
    assert (runtime.device, runtime.precision, made) == ("cpu", "int8", [])
    assert runtime.free_memory() > 0
    image = np.zeros((1, 3, 8, 8), np.float32)
    assert runtime(image).shape == runtime(image).shape == (1, 3, 16, 16)
    assert [len(each.shapes) for each in made] == [2]


def test_photographs_have_a_runtime_of_their_own() -> None:
    plain, rounded = FakeRuntime(), FakeRuntime("int8", nan_at=1.0)
    finite = FiniteRuntime(plain, None, lambda: rounded)
    image = np.ones((1, 3, 8, 8), np.float32)
    assert finite.for_photographs.runtime is rounded
    assert finite.for_photographs is finite.for_photographs
    assert np.isfinite(finite.for_photographs(image)).all()
    assert (len(rounded.shapes), len(plain.shapes)) == (1, 1)  # once more in float32
    alone = FiniteRuntime(plain)
    assert alone.for_photographs is alone


def test_openvino_is_imported_without_its_tools() -> None:
    program = """
import sys
from scalewise.openvino_import import import_openvino
openvino = import_openvino()
openvino.Core()
assert openvino.convert_model
assert not [name for name in sys.modules if name.startswith("openvino.tools.ovc")]
try:
    openvino.convert_model("no such file")
except Exception as error:
    print(type(error).__name__)
assert "openvino.tools.ovc.convert" in sys.modules
assert import_openvino() is openvino
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()


def test_a_process_has_one_core_of_openvino(monkeypatch: pytest.MonkeyPatch) -> None:
    core = openvino_core()
    assert openvino_core() is core
    monkeypatch.setattr(os, "getpid", lambda: -1)  # as in a child, where its threads are missing
    assert openvino_core() is not core
