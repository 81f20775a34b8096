"""Training speed in steps per second, by section of a step and by optimization.

    python benchmarks/training.py --data data/train_x2.pack --markdown training.md
    python benchmarks/training.py --data data/train_x2.pack --ablate scn_exact

The first compares scalewise's loop with the usual one (benchmarks/usual_loop.py), network by
network; the second takes one network and changes one thing at a time.  Every measurement has a
process of its own, since memory settings and compiled kernels stay with a process.  Leave the
machine idle in the meantime.  Needs what ``make test`` installs.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import typer
from ablation import VARIANTS, is_changed, time_variant
from our_loop import NETWORKS, SCALE, Settings, time_our_loop
from report import Machine, markdown_table
from stopwatch import SECTIONS, Timing
from usual_loop import time_usual_loop, write_pictures

from scalewise.data.layouts import find_dataset
from scalewise.data.packing import pack
from scalewise.data.store import Store
from scalewise.errors import ScalewiseError

EXAMPLES = Path(__file__).parents[1] / "examples" / "pictures" / "train"

USUAL = "usual loop, f32"


@dataclass(frozen=True)
class Report:
    """Results of a run: lines to print, and the same as plain values."""

    lines: list[str]
    values: list[dict[str, Any]]


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the table, and write the files; return the exit status."""
    given = _parser().parse_args(arguments)
    try:
        machine = Machine.this(given.device, given.threads)
        with _opened_store(given.data) as store:
            _read_through(store.path)
            settings = Settings(
                store=store.path,
                network=given.ablate or given.networks[0],
                seconds=given.seconds or (5.0 if given.ablate else 10.0),
                threads=given.threads,
                patch=given.patch,
                batch=given.batch,
                optimizer=given.optimizer,
                device=given.device,
            )
            if given.ablate:
                found = _ablate(settings, given.variants)
            else:
                precisions = ["auto", "f32"] if machine.bf16 else ["f32"]
                found = _compare(settings, given, store, precisions)
    except ScalewiseError as error:
        typer.echo(f"error: {error}", err=True)
        return 1
    lines = [*(f"- {line}" for line in machine.lines()), *found.lines]
    typer.echo("\n".join(lines))
    if given.markdown:
        given.markdown.write_text("\n".join(lines) + "\n", encoding="utf-8")
    if given.json:
        values = {"machine": asdict(machine), "measured": found.values}
        given.json.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    return 0


def _compare(
    settings: Settings, given: argparse.Namespace, store: Store, precisions: list[str]
) -> Report:
    rows: list[list[str]] = []
    values: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        _say("writing images for the usual loop")
        files = Path(folder)
        count, megapixels = write_pictures(store, files, settings.patch, given.pictures)
        for network in given.networks:
            mine = replace(settings, network=network)
            _say(f"{network}: {USUAL}")
            usual = _in_a_process(time_usual_loop, mine, files, given.workers)
            timings = {USUAL: usual}
            for precision in precisions:
                name = f"scalewise, {'bf16' if precision == 'auto' else precision}"
                _say(f"{network}: {name}")
                timings[name] = _in_a_process(time_our_loop, replace(mine, precision=precision))
            for name, timing in timings.items():
                rows.append([network, name, *_cells(timing), f"{usual.step / timing.step:.2f}"])
                values.append({"network": network, "loop": name, **asdict(timing)})
    columns = ["network", "loop", "steps/s", "ms", *SECTIONS, "data %", "speed-up"]
    return Report(
        [
            f"- {_task(settings)}, x{SCALE}; median of {settings.seconds:g} s",
            f"- usual loop: {count} PNG files of {megapixels:.2f} MP on average, "
            f"{given.workers} workers, Adam",
            f"- scalewise: packed store, {settings.optimizer}, clipped gradient, averaged weights",
            "",
            *markdown_table(columns, rows, texts=2),
            "",
            "ms, and its parts: milliseconds per step. Speed-up: over the usual loop.",
        ],
        values,
    )


def _ablate(settings: Settings, names: list[str]) -> Report:
    first = next(iter(VARIANTS))
    timings: dict[str, Timing] = {}
    notes: list[str] = []
    for name in [first, *(name for name in names if is_changed(name, settings))]:
        _say(f"{settings.network}: {VARIANTS[name].text}")
        try:
            timing = _in_a_process(time_variant, name, settings)
        except RuntimeError as error:  # no compiler here, or none that can be used
            reason = str(error).strip().splitlines() or [type(error).__name__]
            notes.append(f"{VARIANTS[name].text}: did not run ({reason[0]})")
            continue
        if timing is None:
            notes.append(f"{VARIANTS[name].text}: {settings.network} does not")
            continue
        timings[name] = timing
    if first not in timings:
        raise ScalewiseError(notes[0])
    base = timings[first]
    rows = [
        [VARIANTS[name].text, *_cells(timing), f"{timing.step / base.step:.2f}"]
        for name, timing in timings.items()
    ]
    if "compile" in timings:
        notes.insert(0, _worth_of_compiling(timings["compile"], base))
    return Report(
        [
            f"- {settings.network}, {_task(settings)}, x{SCALE}, {settings.optimizer}; "
            f"median of {settings.seconds:g} s",
            "",
            *markdown_table(
                ["one change", "steps/s", "ms", *SECTIONS, "data %", "time"], rows, texts=1
            ),
            "",
            "ms, and its parts: milliseconds per step. Time: over that of everything.",
            *(f"- {note}" for note in notes),
        ],
        [
            {"network": settings.network, "variant": name, **asdict(timing)}
            for name, timing in timings.items()
        ],
    )


def _worth_of_compiling(compiled: Timing, base: Timing) -> str:
    spent, gained = compiled.preparation, base.step - compiled.step
    pays = f"pays after {spent / gained:,.0f} steps" if gained > 0 else "never pays"
    return f"compiling took {spent:.0f} s and {pays}"


def _cells(timing: Timing) -> list[str]:
    """Return the cells of a row: steps per second, milliseconds per step and section, data in %."""
    step = 1000 * timing.step
    shares = {section: timing.share(section) for section in SECTIONS}
    parts = [f"{step * share:.1f}" for share in shares.values()]
    return [f"{1 / timing.step:.2f}", f"{step:.1f}", *parts, f"{100 * shares['data']:.1f}"]


def _task(settings: Settings) -> str:
    return f"{settings.batch} patches of {settings.patch}x{settings.patch} (LR)"


def _in_a_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a new process, which does not share this one's memory."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


@contextmanager
def _opened_store(data: Path) -> Iterator[Store]:
    """Open a packed store, or pack a folder of images for the time of the run."""
    if not data.is_dir():
        yield Store(data)
        return
    with tempfile.TemporaryDirectory() as folder:
        packed = Path(folder) / "pictures.pack"
        pack([find_dataset(data)], packed, [SCALE])
        yield Store(packed)


def _read_through(path: Path) -> None:
    """Read a file into the system's cache, where the files of the usual loop are, too."""
    with path.open("rb") as file:
        while file.read(1 << 24):
            pass


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = list(NETWORKS)
    add = parser.add_argument
    add("--data", type=Path, default=EXAMPLES, help="packed store, or folder [the examples]")
    add("--networks", nargs="+", choices=names, default=names, metavar="NAME", help="[all]")
    add("--ablate", choices=names, metavar="NAME", help="change one thing at a time, on this one")
    add("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS), metavar="NAME")
    add("--seconds", type=float, help="per measurement [10; with --ablate 5]")
    add("--threads", type=int, help="that PyTorch computes with [its choice]")
    add("--batch", type=int, default=16, help="patches per step [16]")
    add("--patch", type=int, default=48, help="side of an LR patch [48]")
    add("--optimizer", choices=("adam", "muon"), default="muon", help="scalewise's [muon]")
    add("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    add("--workers", type=int, default=2, help="processes that decode in the usual loop [2]")
    add("--pictures", type=int, default=100, help="PNG files of the usual loop, at most [100]")
    add("--json", type=Path, metavar="OUT", help="write the numbers here")
    add("--markdown", type=Path, metavar="OUT", help="write the table here")
    return parser


if __name__ == "__main__":
    sys.exit(main())
