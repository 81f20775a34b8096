"""Runs over several seeds: what they measured after equal steps or time, and its spread."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence

from scalewise.experiments import queries
from scalewise.experiments.formatting import NONE, signed
from scalewise.experiments.queries import Value
from scalewise.experiments.results import Results, Trained
from scalewise.imaging.protocols import FIELD

Measure = Callable[[Trained], float | None]
"""Return what a run measured; None if it did not."""

Pair = tuple[str, str]
"""Names of two networks: with what is judged, and without."""


def runs_of(results: Results, *networks: str) -> list[Trained]:
    """Return all finished seeds of networks, in the order of the networks.

    A run that was stopped before its end compares with none that was not.
    """
    finished = [run for run in results.trained if run.is_finished]
    return [run for name in networks for run in finished if run.experiment.network == name]


def last_common_step(runs: Iterable[Trained]) -> int | None:
    """Return the last step after which all of the runs were validated; None without one.

    Runs without any validation are left out of it.
    """
    steps = [{line.step for line in run.validations} for run in runs if run.validations]
    return max(steps[0].intersection(*steps), default=None) if steps else None


def at_step(step: int | None, value: Value = "psnr_y") -> Measure:
    """Return the measure of validation PSNR-Y or PSNR after so many steps."""

    def measure(run: Trained) -> float | None:
        found = (getattr(line, value) for line in run.validations if line.step == step)
        return next(found, None)

    return measure


def at_the_end(dataset: str | None, protocol: str = FIELD.name, value: Value = "psnr_y") -> Measure:
    """Return the measure of finished runs on a test set."""
    return lambda run: queries.psnr(run.measured, dataset, protocol, value)


def over_images(
    values: Callable[[Trained], Mapping[str, float]], runs: Sequence[Trained]
) -> Measure:
    """Return the measure of a mean over the sample images that all of the runs were measured on.

    Args:
        values: returns a run's value for each image, by its name.
        runs: that are compared; those without any value are left out.
    """
    names = shared_names([each for run in runs if (each := values(run))])

    def measure(run: Trained) -> float | None:
        found = values(run)
        return statistics.mean(found[name] for name in names) if found and names else None

    return measure


def shared_names(measured: Sequence[Mapping[str, object]]) -> list[str]:
    """Return the names that all of the mappings have, in the order of the first."""
    return [x for x in measured[0] if all(x in each for each in measured)] if measured else []


def by_seed(results: Results, network: str, measure: Measure) -> dict[int, float]:
    """Return what each seed of a network measured."""
    found = {run.experiment.seed: measure(run) for run in runs_of(results, network)}
    return {seed: value for seed, value in found.items() if value is not None}


def differences(results: Results, pair: Pair, measure: Measure) -> dict[int, float]:
    """Return the first network's measure less the second's, for each seed that both have."""
    first, second = (by_seed(results, network, measure) for network in pair)
    return {seed: first[seed] - second[seed] for seed in first if seed in second}


def main_effect(results: Results, pairs: Sequence[Pair], measure: Measure) -> list[float]:
    """Return the mean difference over pairs, for each seed that all measured pairs have."""
    found = [each for pair in pairs if (each := differences(results, pair, measure))]
    seeds = (
        sorted(seed for seed in found[0] if all(seed in each for each in found)) if found else []
    )
    return [statistics.mean(each[seed] for each in found) for seed in seeds]


def deviation(values: Sequence[float]) -> float | None:
    """Return the standard deviation of values; None for fewer than two."""
    return statistics.stdev(values) if len(values) > 1 else None


def mean_and_spread(values: Sequence[float], decimals: int = 2, with_sign: bool = False) -> str:
    """Format values of several seeds: mean and standard deviation.

    >>> mean_and_spread([32.0, 32.5, 33.0]), mean_and_spread([32.0]), mean_and_spread([])
    ('32.50 ± 0.50', '32.00', '–')
    >>> mean_and_spread([0.1, 0.3], with_sign=True)
    '+0.20 ± 0.14'
    """
    if not values:
        return NONE
    mean = statistics.mean(values)
    text = signed(mean, decimals) if with_sign else f"{mean:.{decimals}f}".replace("-", "−")
    spread = deviation(values)
    return text if spread is None else f"{text} ± {spread:.{decimals}f}"
