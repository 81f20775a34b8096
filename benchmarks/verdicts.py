"""Tables of benchmarks/speed.py, and the targets that are reached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from contestants import COMMANDS, CONTESTANTS, OURS
from measuring import SMALL, Measurement, Plan, Subject, by
from report import markdown_table

Measured = Mapping[Subject, Measurement]

OVER_TORCH = 2.0
OVER_SPAN = 1.0
OVER_NETWORK = 1.25
SECONDS_TO_START = 1.5


@dataclass(frozen=True)
class Target:
    """A target for a number.

    Attributes:
        text: what the number is.
        relation: ``>=`` or ``<=``.
        wanted: what it should be no less, or no more, than.
        found: the number; None if something that it needs was not measured.
    """

    text: str
    relation: str
    wanted: float
    found: float | None

    @property
    def verdict(self) -> str:
        """``reached``, ``missed`` or ``not measured``."""
        if self.found is None:
            return "not measured"
        reached = self.found >= self.wanted if self.relation == ">=" else self.found <= self.wanted
        return "reached" if reached else "missed"


def targets_of(plan: Plan, measured: Measured) -> list[Target]:
    """Return all targets of a plan."""
    return [
        *_over_torch(plan, measured),
        *(_over_span(plan, measured) if plan.with_peers else ()),
        *(_of_command(plan, measured) if plan.end_to_end else ()),
    ]


def _over_torch(plan: Plan, measured: Measured) -> Iterator[Target]:
    for model in plan.scales:
        ours, theirs = (Subject(what, plan.square, model, "f32") for what in OURS)
        text = f"{_name(model)}, f32: eager PyTorch's time over OpenVINO's"
        yield Target(text, ">=", OVER_TORCH, _ratio(measured, theirs, ours))


def _over_span(plan: Plan, measured: Measured) -> Iterator[Target]:
    for precision in plan.precisions:
        ours = Subject("openvino", plan.square, plan.chosen, precision)
        text = f"SPAN's time over {_name(plan.chosen)}'s, {precision}"
        found = _ratio(measured, Subject("span", plan.square), ours)
        yield Target(text, ">=", OVER_SPAN, found)


def _of_command(plan: Plan, measured: Measured) -> Iterator[Target]:
    for precision in plan.precisions:
        command = Subject("command", plan.photo, plan.chosen, precision)
        network = Subject("openvino", plan.photo, plan.chosen, precision)
        text = f"{by(plan.photo)}, {precision}: the command's time over the network's"
        yield Target(text, "<=", OVER_NETWORK, _ratio(measured, command, network))
    for precision in plan.precisions:
        start = measured.get(Subject("first tile", SMALL, plan.chosen, precision))
        text = f"{by(SMALL)}, {precision}: seconds from start to first tile"
        yield Target(text, "<=", SECONDS_TO_START, start.median if start else None)


def _ratio(measured: Measured, above: Subject, below: Subject) -> float | None:
    if above not in measured or below not in measured:
        return None
    return measured[above].median / measured[below].median


def targets_table(targets: list[Target]) -> list[str]:
    """Return a table of the targets that are reached."""
    rows = [
        [
            target.text,
            f"{target.relation} {target.wanted:g}",
            target.verdict + ("" if target.found is None else f": {target.found:.2f}"),
        ]
        for target in targets
    ]
    return markdown_table(["target", "wanted", "found"], rows, texts=1)


def network_table(plan: Plan, measured: Measured) -> list[str]:
    """Return a table of what enlarged the square."""
    rows = [
        [
            CONTESTANTS[subject.what].title or _name(subject.model),
            f"{CONTESTANTS[subject.what].package} {found.version}",
            subject.precision or "-",
            f"{plan.per_megapixel(subject, found):.3f}",
            _megabytes(found.peak),
        ]
        for subject in plan.enlarging()
        if (found := measured.get(subject))
    ]
    columns = [by(plan.square), "run by", "precision", "s per output MP", "peak MB"]
    return markdown_table(columns, rows, texts=3)


def command_table(plan: Plan, measured: Measured) -> list[str]:
    """Return a table of the command's times; empty if it was not measured."""
    rows = [
        [
            _WHAT.get(subject.what, "the network alone"),
            by(subject.size),
            subject.precision,
            f"{found.median:.2f}",
            _megabytes(found.peak),
        ]
        for subject in plan.commands()
        if (found := measured.get(subject))
    ]
    columns = [_name(plan.chosen), "image", "precision", "s", "peak MB"]
    return markdown_table(columns, rows, texts=3) if rows else []


_WHAT = {
    "command": "`scalewise upscale`, file to file",
    "first tile": "`scalewise upscale`, start to first tile",
}


def values_of(plan: Plan, measured: Measured) -> list[dict[str, Any]]:
    """Return all measurements as plain values."""
    values: list[dict[str, Any]] = []
    for subject, found in measured.items():
        value = {**asdict(subject), **asdict(found), "median": found.median}
        if subject.what not in COMMANDS:
            value["seconds_per_megapixel"] = plan.per_megapixel(subject, found)
        values.append(value)
    return values


def _name(model: str) -> str:
    return Path(model).name


def _megabytes(peak: int | None) -> str:
    return "-" if peak is None else f"{peak / 1e6:.0f}"
