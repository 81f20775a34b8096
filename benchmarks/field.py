"""Quality against time: our networks and others that people use, measured in one run.

    python benchmarks/field.py Set5 Set14 --json field.json --plot field.png

Every contestant enlarges the images of benchmark sets by two, in a process of its own confined
to two cores; its results are scored under the field's protocol (the sets' own LR where they have
one), and it is timed as in benchmarks/speed.py, on an image of 512x512.  Peers are measured if
found, with ``--peers`` as there, SPAN both in ncnn and in OpenVINO; networks of OpenCV's
dnn_superres where their files are given (``--opencv FSRCNN_x2.pb``).  What papers publish stands in
a table of its own: their seconds are of other machines, and their scores are not checked here.

It takes some four minutes on two cores; leave the machine idle in the meantime.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import typer
from contestants import CONTESTANTS, PEER_SCALE, PEERS, SPAN_OPENVINO
from measuring import Bench, NotMeasuredError, Subject, per_megapixel
from numpy.typing import NDArray
from report import Machine, markdown_table

from scalewise import list_models
from scalewise.data.layouts import Dataset, find_dataset
from scalewise.data.reading import read_rgb
from scalewise.errors import ScalewiseError
from scalewise.imaging.protocols import FIELD
from scalewise.weights import resolve
from scalewise.weights.card import INT8_FILE

SIDE = (512, 512)

PUBLISHED = [
    ("SRCNN", "Dong et al., TPAMI 2016", 57, 36.66, 32.42),
    ("FSRCNN", "Dong et al., ECCV 2016", 12, 37.00, 32.63),
    ("VDSR", "Kim et al., CVPR 2016", 665, 37.53, 33.03),
    ("CARN-M", "Ahn et al., ECCV 2018", 412, 37.53, 33.26),
    ("CARN", "Ahn et al., ECCV 2018", 1592, 37.76, 33.52),
    ("EDSR-baseline", "Lim et al., CVPRW 2017", 1370, 37.99, 33.57),
    ("IMDN", "Hui et al., ACM MM 2019", 694, 38.00, 33.63),
]
"""Network, paper, thousands of parameters, and PSNR-Y at x2 on Set5 and Set14, as published."""


@dataclass(frozen=True)
class Prepared:
    """A prepared dataset: its name, the folder of its inputs, and their ground truth."""

    name: str
    inputs: Path
    truths: list[NDArray[np.uint8]]


@dataclass(frozen=True)
class Row:
    """One contestant.

    Attributes:
        name: what it is called.
        run_by: the package that ran it, and its version.
        precision: what it computed in.
        ours: whether it is one of our networks.
        seconds_per_megapixel: of output.
        psnr_y: dataset's name -> mean, in dB.
    """

    name: str
    run_by: str
    precision: str
    ours: bool
    seconds_per_megapixel: float
    psnr_y: dict[str, float]


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the tables, and write the plot and JSON; return the exit status."""
    given = _parser().parse_args(arguments)
    machine = Machine.this("cpu", given.threads)
    try:
        datasets = [find_dataset(folder, "valid") for folder in given.datasets]
    except ScalewiseError as error:
        _say(f"error: {error}")
        return 1
    rows: list[Row] = []
    failures: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), given.repeats, given.threads, given.peers)
        sets = [
            _made_ready(dataset, bench.folder / str(index))
            for index, dataset in enumerate(datasets)
        ]
        for subject in _subjects(given, machine):
            try:
                rows.append(_row(bench, subject, sets))
            except NotMeasuredError as error:
                failures[_name(subject)] = str(error)
            _say(f"{subject}: {failures.get(_name(subject)) or 'measured'}")
    typer.echo("\n".join(_lines(machine, rows, datasets, failures)))
    if given.json:
        values = {
            "machine": asdict(machine),
            "protocol": FIELD.description,
            "measured": [asdict(row) for row in rows],
            "failures": failures,
        }
        given.json.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    if given.plot:
        draw(rows, datasets[-1].root.name, given.plot)
    return 0


def _subjects(given: argparse.Namespace, machine: Machine) -> Iterator[Subject]:
    for model in given.models:
        yield Subject("openvino", SIDE, model, "f32")
        if machine.bf16:
            yield Subject("openvino", SIDE, model, "bf16")
        if INT8_FILE in resolve(model).card.sha256:
            yield Subject("openvino", SIDE, model, "int8")
    for what in ("bicubic", "lanczos", *PEERS):
        yield Subject(what, SIDE)
    for precision in ("f32", "bf16") if machine.bf16 else ("f32",):
        yield Subject(SPAN_OPENVINO, SIDE, precision=precision)
    for file in given.opencv:
        yield Subject("opencv", SIDE, file)


def _row(bench: Bench, subject: Subject, sets: Sequence[Prepared]) -> Row:
    timed = bench.measure(subject)
    psnr_y = {tested.name: _score(bench, subject, tested) for tested in sets}
    contestant = CONTESTANTS[subject.what]
    return Row(
        name=_name(subject),
        run_by=f"{contestant.package} {timed.version}",
        precision=subject.precision or "-",
        ours=subject.what == "openvino",
        seconds_per_megapixel=per_megapixel(timed, subject),
        psnr_y=psnr_y,
    )


def _made_ready(dataset: Dataset, folder: Path) -> Prepared:
    """Write a dataset's inputs as arrays, for all contestants alike."""
    folder.mkdir()
    truths: list[NDArray[np.uint8]] = []
    for index, item in enumerate(dataset.items):
        lr = read_rgb(item.lr[PEER_SCALE]) if PEER_SCALE in item.lr else None
        small, truth, _ = FIELD.case(read_rgb(item.hr), lr, PEER_SCALE, item.name)
        np.save(folder / f"{index:04}.npy", small)
        truths.append(truth)
    return Prepared(dataset.root.name, folder, truths)


def _score(bench: Bench, subject: Subject, tested: Prepared) -> float:
    """Return the mean PSNR-Y of a contestant on a set, in dB."""
    results = Path(tempfile.mkdtemp(dir=bench.folder))
    bench.enlarge_all(subject, tested.inputs, results)
    restored = [np.load(path) for path in sorted(results.iterdir())]
    scores = [
        FIELD.score(image, truth, PEER_SCALE)
        for image, truth in zip(restored, tested.truths, strict=True)
    ]
    return float(np.mean([score.psnr_y for score in scores]))


def _name(subject: Subject) -> str:
    return CONTESTANTS[subject.what].title or Path(subject.model).stem


def _lines(
    machine: Machine, rows: Sequence[Row], datasets: Sequence[Dataset], failures: dict[str, str]
) -> list[str]:
    names = [dataset.root.name for dataset in datasets]
    columns = ["network", "run by", "precision", *names, "s per output MP"]
    cells = [
        [
            row.name,
            row.run_by,
            row.precision,
            *(f"{row.psnr_y[name]:.2f}" for name in names),
            f"{row.seconds_per_megapixel:.3f}",
        ]
        for row in sorted(rows, key=lambda row: row.seconds_per_megapixel)
    ]
    published = [
        [name, paper, f"{parameters:,}", f"{set5:.2f}", f"{set14:.2f}"]
        for name, paper, parameters, set5, set14 in PUBLISHED
    ]
    return [
        *(f"- {line}" for line in machine.lines()),
        f"- PSNR-Y in dB; {FIELD.description}",
        "",
        *markdown_table(columns, cells, texts=3),
        *(
            ["", *(f"- not measured: {name} ({why})" for name, why in failures.items())]
            if failures
            else []
        ),
        "",
        "Published, not measured here:",
        "",
        *markdown_table(
            ["network", "paper", "thousand parameters", "Set5", "Set14"], published, texts=2
        ),
    ]


def draw(rows: Sequence[Row], dataset: str, path: Path) -> None:
    """Plot PSNR-Y on a dataset against seconds per output megapixel."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained", dpi=110)
    axes = figure.subplots()
    slowest = max(row.seconds_per_megapixel for row in rows)
    for name in {row.name: None for row in rows}:
        same = [row for row in rows if row.name == name]
        points = [(row.seconds_per_megapixel, row.psnr_y[dataset]) for row in same]
        colour, marker = ("#0072b2", "o") if same[0].ours else ("#d55e00", "s")
        axes.plot(*zip(*sorted(points), strict=True), color=colour, linewidth=1)
        for row, point in zip(same, points, strict=True):
            filled = "white" if row.precision == "f32" else colour
            shape = "^" if row.precision == "int8" else marker
            axes.plot(*point, shape, color=colour, markerfacecolor=filled)
        # Slower precisions are on the right; on that of the slowest of all is the frame.
        is_left = len(points) > 1 or max(points)[0] == slowest
        axes.annotate(
            name,
            min(points),
            xytext=(-7 if is_left else 7, 3),
            textcoords="offset points",
            ha="right" if is_left else "left",
            fontsize=8,
        )
    axes.set_xscale("log")
    axes.set_xlabel("seconds per output megapixel, two cores (log)")
    axes.set_ylabel(f"PSNR-Y on {dataset}, dB")
    title = "x2: better is up, faster is left (blue: ours; hollow: float32, triangles: int8)"
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=0.3)
    axes.margins(x=0.22)
    figure.savefig(path)


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [
        card.name
        for card in list_models()
        if card.task == "super-resolution" and card.scale == PEER_SCALE
    ]
    add = parser.add_argument
    add("datasets", nargs="+", type=Path, metavar="DIR", help="benchmark sets; the last is drawn")
    add("--models", nargs="+", default=names, metavar="NAME", help="names or folders [all of x2]")
    add("--opencv", nargs="+", default=[], metavar="FILE", help="networks of dnn_superres")
    add("--repeats", type=int, default=3, help="of every timing [3]")
    add("--threads", type=int, default=2, help="and cores, of every contestant [2]")
    add("--peers", default=sys.executable, metavar="PYTHON", help="interpreter with peers [this]")
    add("--json", type=Path, metavar="OUT", help="write the numbers here")
    add("--plot", type=Path, metavar="OUT", help="draw here: PNG, SVG or PDF")
    return parser


if __name__ == "__main__":
    sys.exit(main())
