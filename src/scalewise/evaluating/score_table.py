"""Table of scores: methods over sets, on the images that all methods have.

Methods can only be compared over the same images.  So where a method lacks an image, the means of
all methods leave it out, and a note says so; a method without any result of a set has a dash there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Literal

from scalewise.errors import ScalewiseError
from scalewise.evaluating.evaluate import Evaluation
from scalewise.evaluating.statistics import (
    SIGNIFICANT,
    TEST,
    Paired,
    mean_of,
    paired_test,
    standard_error,
)
from scalewise.evaluating.text_layout import one_line
from scalewise.imaging.metric_registry import METRICS, Metric
from scalewise.imaging.protocols import Protocol

Rank = Literal["best", "second", ""]

_NAMED = 4  # images in a note


@dataclass(frozen=True)
class Cell:
    """One value of a table.

    Attributes:
        mean: over the images.
        error: its standard error; nan where there is none.
        rank: whether no method is better, or one value alone; equal as printed is equal.
    """

    mean: float
    error: float
    rank: Rank


@dataclass(frozen=True)
class PairedComparison:
    """The paired test of a method against another one, by one metric on one set."""

    dataset: str
    method: str
    metric: Metric
    test: Paired

    @property
    def verdict(self) -> str:
        """A word for the difference: better, worse, equal, or not significant."""
        if self.test.difference == 0 and self.test.p == 1:
            return "equal"
        if not self.test.is_significant:
            few = self.test.least_p >= SIGNIFICANT
            return "too few images" if few else "not significant"
        higher = self.test.difference > 0
        return "better" if higher == (self.metric.direction == "higher") else "worse"


@dataclass(frozen=True)
class ScoreTable:
    """Scores of methods on sets, over the images that all have.

    Attributes:
        evaluations: a method's scores on a set, restricted to those images.
        metrics: the columns.
        scale: output over input size.
        protocol: how results were scored.
        remarks: lines on images that were left out, and the like.
        against: the method that the others are tested against; None for no test.
    """

    evaluations: list[Evaluation]
    metrics: list[Metric]
    scale: int
    protocol: Protocol
    remarks: list[str]
    against: str | None = None

    @property
    def datasets(self) -> list[str]:
        """The sets, in order."""
        return [*dict.fromkeys(each.dataset for each in self.evaluations)]

    @property
    def methods(self) -> list[str]:
        """The methods, in order."""
        return [*dict.fromkeys(each.model for each in self.evaluations)]

    def evaluation(self, method: str, dataset: str) -> Evaluation | None:
        """Return a method's scores on a set, if it has any."""
        wanted = (method, dataset)
        return next(
            (each for each in self.evaluations if (each.model, each.dataset) == wanted), None
        )

    def cell(self, method: str, dataset: str, metric: Metric) -> Cell | None:
        """Return a value with its error and its rank; None for a method without results."""
        found = self.evaluation(method, dataset)
        if found is None:
            return None
        values = found.values(metric.name)
        means = [
            round(mean_of(each.values(metric.name)), metric.digits)
            for each in self.evaluations
            if each.dataset == dataset
        ]
        order = sorted({*means}, reverse=metric.direction == "higher")
        place = order.index(round(mean_of(values), metric.digits))
        rank: Rank = ""
        if len(means) > place + 1:  # the best of two, the second of three
            rank = "best" if place == 0 else "second" if place == 1 else ""
        return Cell(mean_of(values), standard_error(values), rank)

    def comparisons(self) -> list[PairedComparison]:
        """Return the paired tests of all methods against the one that was named."""
        found: list[PairedComparison] = []
        for dataset in self.datasets if self.against else []:
            other = self.evaluation(str(self.against), dataset)
            for each in self.evaluations:
                if other is None or each.dataset != dataset or each.model == self.against:
                    continue
                for metric in self.metrics:
                    test = paired_test(each.values(metric.name), other.values(metric.name))
                    found.append(PairedComparison(dataset, each.model, metric, test))
        return found

    def notes(self, *, short: bool = False) -> list[str]:
        """Return lines on scale, protocol, metrics, version, hashes and what was left out.

        Args:
            short: shorten the hashes to 16 digits.
        """
        lines = [f"scale x{self.scale}; {self.protocol.description}"]
        lines += [
            f"{metric.title}: {metric.direction} is better; {metric.source or 'another package'}"
            for metric in self.metrics
            if metric.name not in _COMMON
        ]
        lines.append("+-: standard error of the mean over images")
        if any(speed_of(each) is not None for each in self.evaluations):
            lines.append("s/MP: seconds per megapixel of output")
        if self.against:
            lines.append(f"against {self.against}: {TEST}")
        lines.append(f"scalewise-restoration {version('scalewise-restoration')}")
        digits = 16 if short else 64
        for each in self.evaluations:
            if each.encoded:
                lines.append(f"sha256 over the encoded files of {each.dataset}: {each.encoded}")
            if each.truth_sha256:
                lines.append(f"sha256 of {each.dataset}: {each.truth_sha256[:digits]}")
            if each.weights:
                lines.append(f"sha256 of the weights of {each.model}: {each.weights[:digits]}")
            elif each.result_sha256:
                where = f"{each.model} on {each.dataset}"
                lines.append(f"sha256 of {where}: {each.result_sha256[:digits]}")
        if any(not each.precision for each in self.evaluations):
            lines.append("results in files are scored as they are; their inputs are not known here")
        return [*dict.fromkeys(lines), *self.remarks]


_COMMON = ("psnr", "psnr_y", "ssim", "psnr_b")


def make_table(
    evaluations: Sequence[Evaluation],
    scale: int,
    metrics: Sequence[Metric] = (),
    totals: dict[str, int] | None = None,
    against: str | None = None,
    remarks: Sequence[str] = (),
) -> ScoreTable:
    """Make a table of evaluations, on the images that all methods of a set have.

    Args:
        evaluations: at least one, all under one protocol; those without images are left out.
            Line breaks in names become spaces.
        scale: output over input size.
        metrics: the columns; by default those of the protocol.
        totals: number of images of each set, for notes on how many are compared.
        against: name of the method to test the others against.
        remarks: further lines below the table.

    Raises:
        ScalewiseError: nothing to compare: no result at all, no image of a set that all methods
            have, or no such method.
    """
    evaluations = [
        replace(each, model=one_line(each.model), dataset=one_line(each.dataset))
        for each in evaluations
    ]
    against = None if against is None else one_line(against)
    kept = [each for each in evaluations if each.images]
    if not kept:
        raise ScalewiseError("no result can be scored")
    told = [
        *remarks,
        *(
            f"{each.model} has no results of {each.dataset}"
            for each in evaluations
            if not each.images
        ),
    ]
    table: list[Evaluation] = []
    totals = {one_line(name): total for name, total in (totals or {}).items()}
    for dataset in dict.fromkeys(each.dataset for each in kept):
        of_set = [each for each in kept if each.dataset == dataset]
        names = [[image.name for image in each.images] for each in of_set]
        common = [name for name in names[0] if all(name in others for others in names)]
        if not common:
            raise ScalewiseError(
                f"{dataset}: no image has a result of every method "
                f"({', '.join(each.model for each in of_set)}); methods are compared over the same "
                "images"
            )
        left_out = sorted({name for each in names for name in each} - {*common})
        total = max(totals.get(dataset, 0), len(common) + len(left_out))
        if total > len(common):
            named = f": left out {', '.join(left_out[:_NAMED])}" if left_out else ""
            more = f" and {len(left_out) - _NAMED} more" if left_out[_NAMED:] else ""
            told.append(
                f"{dataset}: means over {len(common)} of {total} images, those that all methods "
                f"have{named}{more}"
            )
        keep = {*common}
        table += [
            replace(each, images=[image for image in each.images if image.name in keep])
            for each in of_set
        ]
    told += _twins(table)
    if against is not None and against not in {each.model for each in table}:
        known = ", ".join(dict.fromkeys(each.model for each in table))
        raise ScalewiseError(
            f"against is {against}, which is not a method of the table: {known}",
            arguments=["against"],
        )
    protocol = table[0].protocol
    columns = list(metrics) or default_metrics(protocol)
    # A table goes set by set, and in each set by the order that the methods were given in.
    order = [*dict.fromkeys(each.model for each in evaluations)]
    sets = [*dict.fromkeys(each.dataset for each in evaluations)]
    table.sort(key=lambda each: (sets.index(each.dataset), order.index(each.model)))
    return ScoreTable(table, columns, scale, protocol, told, against)


def default_metrics(protocol: Protocol) -> list[Metric]:
    """Return the metrics that a protocol always measures."""
    names = ("psnr", "psnr_y", "ssim", *["psnr_b"] * protocol.blocks)
    return [METRICS[name] for name in names]


def additional_metrics(metrics: Sequence[Metric], protocol: Protocol) -> list[Metric]:
    """Return those of some metrics that a protocol does not measure by itself."""
    own = {metric.name for metric in default_metrics(protocol)}
    return [metric for metric in metrics if metric.name not in own]


def speed_of(evaluation: Evaluation) -> float | None:
    """Return seconds per megapixel; None for results that were there already."""
    seconds = evaluation.seconds_per_megapixel
    return None if math.isnan(seconds) else seconds


def _twins(evaluations: Sequence[Evaluation]) -> list[str]:
    """Return notes on methods whose results are the same files, most likely by mistake."""
    seen: dict[tuple[str, str], str] = {}
    notes: list[str] = []
    for each in evaluations:
        if each.result_sha256 and not each.weights:
            first = seen.setdefault((each.dataset, each.result_sha256), each.model)
            if first != each.model:
                notes.append(f"{each.dataset}: {each.model} and {first} are the same files")
    return notes
