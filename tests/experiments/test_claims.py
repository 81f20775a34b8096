"""The document's claims, with verdicts from measurements."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from scalewise.experiments.artifacts import Artifacts
from scalewise.experiments.claims import CLAIMS, claims_table, rise_at_the_end
from scalewise.experiments.results import Results, Trained, load_results
from scalewise.training.log import LogLine


@pytest.fixture
def results(reproduction: Path) -> Results:
    return load_results(reproduction)


def judged(results: Results, start: str) -> tuple[str, str]:
    """Return verdict and measurement of the claim that starts so."""
    (row,) = (each for each in claims_table(results).rows if each[0].startswith(start))
    return row[1], row[2]


def better_by(results: Results, gains: list[float]) -> Results:
    """Give Adaptive so many dB more than Original, in one seed after the other."""
    original = results.find("original_mixed")
    assert original
    trained: list[Trained] = []
    for seed, gain in enumerate(gains):
        suffix = f"_seed{seed}" if seed else ""
        scores = [replace(x, psnr_y=x.psnr_y + gain) for x in original.measured.scores]
        for name, found in (("original", original.measured.scores), ("adaptive", scores)):
            experiment = replace(original.experiment, name=f"{name}_mixed{suffix}")
            measured = replace(original.measured, scores=found)
            trained.append(replace(original, experiment=experiment, measured=measured))
    return replace(results, trained=trained)


def test_every_claim_has_a_verdict_and_a_command(results: Results) -> None:
    table = claims_table(results)
    assert len(table.rows) == len(CLAIMS)
    verdicts = {"holds", "does not hold", "cannot be told", "not yet measured"}
    for _, verdict, measurement, command in table.rows:
        assert verdict in verdicts
        assert (measurement == "–") == (verdict == "not yet measured")
        assert command.startswith("scalewise reproduce --data DIR")


def test_nothing_is_measured_without_results(results: Results) -> None:
    empty = replace(results, trained=[], samples=[])
    assert {row[1] for row in claims_table(empty).rows} == {"not yet measured"}


@pytest.mark.parametrize(
    ("gains", "verdict", "measurement"),
    [
        ([0.3], "cannot be told", "+0.30 dB (1 seed, so no spread)"),
        ([0.3, 0.31, 0.29], "holds", "+0.30 ± 0.01 dB (3 seeds)"),
        ([-0.3, -0.31, -0.29], "does not hold", "−0.30 ± 0.01 dB (3 seeds)"),
        ([0.3, -0.2, 0.1], "does not hold", "+0.07 ± 0.25 dB (3 seeds)"),
    ],
)
def test_a_difference_within_its_spread_is_none(
    results: Results, gains: list[float], verdict: str, measurement: str
) -> None:
    found = judged(better_by(results, gains), "Adaptive restores better")
    assert found[0] == verdict
    assert measurement in found[1]
    assert "PSNR-Y on Set14, protocol field" in found[1]


def test_artifacts_are_compared_on_the_samples(results: Results) -> None:
    found = {"original_mixed": Artifacts(0.5, 1.5), "adaptive_mixed": Artifacts(0.25, 1.0)}
    samples = [replace(each, artifacts=found) for each in results.samples]
    verdict, measurement = judged(replace(results, samples=samples), "Original leaves more")
    assert verdict == "cannot be told"
    assert "overshoot +0.250, ringing +0.500 levels" in measurement


def line(progress: float, psnr_y: float | None) -> LogLine:
    return LogLine(1, 1.0, progress, 1e-3, 0.1, psnr_y)


def test_a_score_that_still_rises() -> None:
    lines = [line(0.5, 30.0), line(0.8, 31.0), line(0.9, 31.25), line(1.0, None)]
    assert rise_at_the_end(lines) == 0.25
    assert rise_at_the_end(lines[:2]) is None
