"""Score tables as text, Markdown, LaTeX (booktabs), CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any, Literal, get_args

from scalewise.arguments import counted
from scalewise.evaluating.evaluate import Evaluation
from scalewise.evaluating.score_table import Cell, PairedComparison, Rank, ScoreTable, speed_of
from scalewise.evaluating.statistics import TEST
from scalewise.evaluating.text_layout import WIDTH, display_width, padded, shortened, wrapped
from scalewise.imaging.metric_registry import Metric

TableFormat = Literal["text", "markdown", "latex", "csv", "json"]
FORMATS: tuple[TableFormat, ...] = get_args(TableFormat)

SUFFIXES: dict[str, TableFormat] = {
    ".txt": "text",
    ".md": "markdown",
    ".tex": "latex",
    ".csv": "csv",
    ".json": "json",
}
"""Extensions of files -> the form of the table in them."""

_LONGEST = 28  # letters of a method's name in text
_MARKS: dict[Rank, str] = {"best": "*", "second": "+", "": " "}
_TEST_HEADINGS = ("method", "metric", "difference", "+-", "higher on", "p", "verdict")
_LATEX = {
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "|": "\\textbar{}",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    '"': "''",
    "[": "{[}",  # at the start of a row, this and the star would belong to the \\\\ before
    "*": "{*}",
}


def render(table: ScoreTable, form: TableFormat) -> str:
    """Return a table as text of a form, with a line break at its end.

    In all forms the best value of each column is marked, and from three methods on the second best;
    scale, protocol, version and hashes are in it.
    """
    forms: dict[TableFormat, Callable[[ScoreTable], str]] = {
        "text": _text,
        "markdown": _markdown,
        "latex": _latex,
        "csv": _csv,
        "json": _json,
    }
    return forms[form](table)


def _text(table: ScoreTable) -> str:
    parts: list[str] = []
    for dataset in table.datasets:
        parts += _text_blocks(table, dataset)
    if table.against:
        rows = _fitted([_test_row(each) for each in table.comparisons()])
        datasets = [each.dataset for each in table.comparisons()]
        for dataset in dict.fromkeys(datasets):
            of_set = [row for row, each in zip(rows, datasets, strict=True) if each == dataset]
            title = f"{dataset}: difference to {table.against}"
            parts.append("\n".join([title, *_aligned([[*_TEST_HEADINGS], *of_set], left=2)]))
    marks = ["* best, + second best"] * (len(table.methods) > 1)
    notes = [wrapped(each) for each in [*marks, *table.notes(short=True)]]
    return "\n\n".join([*parts, "\n".join(notes)]) + "\n"


def _text_blocks(table: ScoreTable, dataset: str) -> list[str]:
    """Return the table of one set, as several ones below each other where it is too wide."""
    evaluations = [each for each in table.evaluations if each.dataset == dataset]
    count = len(evaluations[0].images)
    title = f"{dataset}, x{table.scale}, {counted(count, 'image')}"
    precision = evaluations[0].precision
    is_same = bool(precision) and {each.precision for each in evaluations} == {precision}
    # What a table that is too wide can do without: a column of one value, room for marks.
    plans = [(title, True)]
    if is_same:
        plans.append((f"{title}, {precision}", True))
    if len(evaluations) == 1:
        plans.append((plans[-1][0], False))
    first: list[list[str]] = []
    others: list[list[str]] = []
    heading = title
    for heading, has_marks in plans:
        first, others = _columns(table, evaluations, heading == title, has_marks)
        if _width([*first, *others]) <= WIDTH:
            break
    blocks: list[str] = []
    while others:
        taken = 1
        while taken < len(others) and _width([*first, *others[: taken + 1]]) <= WIDTH:
            taken += 1
        rows = [list(row) for row in zip(*first, *others[:taken], strict=True)]
        blocks.append("\n".join([heading, *_aligned(rows, left=len(first))]))
        others = others[taken:]
    return blocks


def _columns(
    table: ScoreTable, evaluations: Sequence[Evaluation], has_precision: bool, has_marks: bool
) -> tuple[list[list[str]], list[list[str]]]:
    """Return the columns of one set: those that say what a row is, and those of numbers."""
    first = [["method", *(shortened(each.model, _LONGEST) for each in evaluations)]]
    if has_precision and any(each.precision for each in evaluations):
        first.append(["precision", *(each.precision or "-" for each in evaluations)])
    others: list[list[str]] = []
    for metric in table.metrics:
        cells = [table.cell(each.model, each.dataset, metric) for each in evaluations]
        shown = [_text_cell(cell, metric) for cell in cells if cell]
        column = [f"{metric.title}  ", *shown]
        others.append(column if has_marks else [each.rstrip() for each in column])
    speeds = [speed_of(each) for each in evaluations]
    if any(each is not None for each in speeds):
        others.append(["s/MP", *("-" if each is None else f"{each:.2f}" for each in speeds)])
    return first, others


def _text_cell(cell: Cell, metric: Metric) -> str:
    return f"{_number(cell.mean, metric)}{_error(cell, metric, ' +-')} {_MARKS[cell.rank]}"


def _fitted(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return rows of tests with names as short as a table of :data:`WIDTH` columns needs."""
    columns = [*zip(_TEST_HEADINGS, *rows, strict=True)]
    room = max(WIDTH - _width(columns[1:]) - 2, 8)
    return [[shortened(row[0], min(room, _LONGEST)), *row[1:]] for row in rows]


def _width(columns: Sequence[Sequence[str]]) -> int:
    return sum(max(map(display_width, column)) for column in columns) + 2 * (len(columns) - 1)


def _aligned(rows: Sequence[Sequence[str]], left: int) -> list[str]:
    """Return rows with aligned columns, the first ones to the left, and a rule below the first."""
    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            padded(cell, width, right=at >= left)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return [lines[0], "-" * min(WIDTH, sum(widths) + 2 * (len(widths) - 1)), *lines[1:]]


def _test_row(comparison: PairedComparison) -> list[str]:
    test, metric = comparison.test, comparison.metric
    return [
        comparison.method,
        metric.title,
        "-" if math.isnan(test.difference) else f"{test.difference:+.{metric.digits}f}",
        "-" if math.isnan(test.error) else f"{test.error:.{metric.digits}f}",
        f"{test.higher}/{test.images}",
        "-" if math.isnan(test.p) else _p(test.p),
        comparison.verdict,
    ]


def _p(value: float) -> str:
    return f"{value:.2g}" if value < 0.001 else f"{value:.3f}"


def _markdown(table: ScoreTable) -> str:
    headings = ["method"]
    headings += [
        f"{dataset} {metric.title}" for dataset in table.datasets for metric in table.metrics
    ]
    rows = [[method, *_pivoted(table, method, _markdown_cell)] for method in table.methods]
    lines = _markdown_rows(headings, rows)
    if table.against:
        tests = [[each.dataset, *_test_row(each)] for each in table.comparisons()]
        headings = ["set", *_TEST_HEADINGS]
        lines += ["", f"Difference to {table.against}:", "", *_markdown_rows(headings, tests)]
    marks = ["**best**, *second best*"] * (len(table.methods) > 1)
    lines += ["", *(f"- {note}" for note in [*marks, *_counts(table), *table.notes(short=True)])]
    return "\n".join(lines) + "\n"


def _markdown_rows(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [headings, ["---"] * len(headings), *rows]
    return ["| " + " | ".join(each.replace("|", "\\|") for each in line) + " |" for line in lines]


def _markdown_cell(cell: Cell, metric: Metric) -> str:
    mark = {"best": "**", "second": "*", "": ""}[cell.rank]
    return f"{mark}{_number(cell.mean, metric)}{mark}{_error(cell, metric, ' ± ')}"


def _latex(table: ScoreTable) -> str:
    count = len(table.metrics)
    notes = [*_counts(table), *table.notes()]
    if not "".join([*table.methods, *table.datasets]).isascii():
        notes.append("names are not all ASCII: compile with LuaLaTeX or XeLaTeX and a font of them")
    lines = [f"% {note}" for note in notes]
    for each in table.comparisons():
        row = dict(zip(_TEST_HEADINGS, _test_row(each), strict=True))
        lines.append(
            f"% {each.method} against {table.against} on {each.dataset}, {row['metric']}: "
            f"{row['difference']} +- {row['+-']}, p = {row['p']} ({row['verdict']})"
        )
    for each in table.evaluations:
        shown = [
            f"{metric.title} {_error(cell, metric, '')}"
            for metric in table.metrics
            if (cell := table.cell(each.model, each.dataset, metric)) and cell.error >= 0
        ]
        if shown:
            lines.append(f"% +- of {each.model} on {each.dataset}: {', '.join(shown)}")
    lines += [
        "% \\usepackage{booktabs}",
        f"\\begin{{tabular}}{{l{'c' * count * len(table.datasets)}}}",
        "\\toprule",
    ]
    sets = [f"\\multicolumn{{{count}}}{{c}}{{{_tex(each)}}}" for each in table.datasets]
    lines.append(" & ".join(["", *sets]).lstrip() + " \\\\")
    ends = [(2 + count * at, 1 + count * (at + 1)) for at in range(len(sets))]
    lines.append(" ".join(f"\\cmidrule(lr){{{low}-{high}}}" for low, high in ends))
    headings = [f"{_tex(each.title)} {_arrow(each)}" for each in table.metrics] * len(sets)
    lines += [" & ".join(["Method", *headings]) + " \\\\", "\\midrule"]
    for method in table.methods:
        lines.append(" & ".join([_tex(method), *_pivoted(table, method, _latex_cell)]) + " \\\\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"]) + "\n"


def _latex_cell(cell: Cell, metric: Metric) -> str:
    number = _number(cell.mean, metric)
    number = "$\\infty$" if number == "inf" else number
    return {"best": f"\\textbf{{{number}}}", "second": f"\\underline{{{number}}}", "": number}[
        cell.rank
    ]


def _arrow(metric: Metric) -> str:
    return "$\\uparrow$" if metric.direction == "higher" else "$\\downarrow$"


def _tex(text: str) -> str:
    """Return text with LaTeX's special characters escaped."""
    return "".join(_LATEX.get(letter, letter) for letter in text)


def _pivoted(table: ScoreTable, method: str, shown: Callable[[Cell, Metric], str]) -> list[str]:
    """Return a method's cells of all sets; a dash where it has no results."""
    cells: list[str] = []
    for dataset in table.datasets:
        for metric in table.metrics:
            cell = table.cell(method, dataset, metric)
            cells.append("-" if cell is None else shown(cell, metric))
    return cells


def _counts(table: ScoreTable) -> list[str]:
    sizes = {each.dataset: len(each.images) for each in table.evaluations}
    return ["images: " + ", ".join(f"{dataset} {size}" for dataset, size in sizes.items())]


def _csv(table: ScoreTable) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    metrics = [name for each in table.metrics for name in (each.name, f"{each.name}_error")]
    tested = [f"{each.name}_p" for each in table.metrics] if table.against else []
    about = ["scale", "protocol", "version", "truth_sha256", "result_sha256", "description"]
    writer.writerow(["method", "dataset", "precision", "images", *metrics, *tested, *about])
    tests = {(each.method, each.dataset, each.metric.name): each for each in table.comparisons()}
    for each in table.evaluations:
        row: list[Any] = [each.model, each.dataset, each.precision, len(each.images)]
        for metric in table.metrics:
            cell = table.cell(each.model, each.dataset, metric)
            if cell is not None:
                row += [cell.mean, "" if math.isnan(cell.error) else cell.error]
        for metric in table.metrics if table.against else []:
            test = tests.get((each.model, each.dataset, metric.name))
            row.append("" if test is None else test.test.p)
        row += [table.scale, table.protocol.name, version("scalewise-restoration")]
        row += [each.truth_sha256 or "", each.result_sha256 or "", table.protocol.description]
        writer.writerow(row)
    return text.getvalue()


def _json(table: ScoreTable) -> str:
    scores: list[dict[str, Any]] = []
    for each in table.evaluations:
        cells = {
            metric.name: table.cell(each.model, each.dataset, metric) for metric in table.metrics
        }
        scores.append(
            {
                "method": each.model,
                "dataset": each.dataset,
                "precision": each.precision or None,
                "seconds_per_megapixel": speed_of(each),
                "truth_sha256": each.truth_sha256,
                "result_sha256": each.result_sha256,
                "metrics": {
                    name: {"mean": _finite(cell.mean), "error": _finite(cell.error)}
                    for name, cell in cells.items()
                    if cell is not None
                },
                "images": [
                    {
                        "name": image.name,
                        **{each.name: _finite(image.value(each.name)) for each in table.metrics},
                    }
                    for image in each.images
                ],
            }
        )
    tests = [
        {
            "method": each.method,
            "dataset": each.dataset,
            "metric": each.metric.name,
            "difference": _finite(each.test.difference),
            "error": _finite(each.test.error),
            "higher_on": each.test.higher,
            "images": each.test.images,
            "p": _finite(each.test.p),
            "verdict": each.verdict,
        }
        for each in table.comparisons()
    ]
    about = {
        "scale": table.scale,
        "protocol": table.protocol.name,
        "description": table.protocol.description,
        "version": version("scalewise-restoration"),
        "metrics": [_about(metric) for metric in table.metrics],
        "scores": scores,
        "against": table.against,
        "test": TEST if table.against else None,
        "comparisons": tests,
        "remarks": table.remarks,
    }
    return json.dumps(about, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _about(metric: Metric) -> dict[str, Any]:
    names = ("name", "title", "direction", "low", "high", "unit", "channels", "source")
    return {name: getattr(metric, name) for name in names}


def _finite(value: float) -> float | str | None:
    """Return a number as JSON has it: infinity as text, and nan as null."""
    return None if math.isnan(value) else str(value) if math.isinf(value) else value


def _number(value: float, metric: Metric) -> str:
    return f"{value:.{metric.digits}f}"


def _error(cell: Cell, metric: Metric, sign: str) -> str:
    return "" if math.isnan(cell.error) else f"{sign}{cell.error:.{metric.digits}f}"
