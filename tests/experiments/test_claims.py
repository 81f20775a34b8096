"""The document's claims, with verdicts from measurements."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from scalewise.experiments.claims import CLAIMS, claims_table, judge_claims
from scalewise.experiments.document_judges import rise_at_the_end
from scalewise.experiments.experiment_logs import GradientLine
from scalewise.experiments.judges import evidence_of
from scalewise.experiments.queries import judged_on
from scalewise.experiments.report import make_report, to_markdown
from scalewise.experiments.results import Results, Trained, load_results
from scalewise.experiments.seeds import last_common_step, main_effect
from scalewise.experiments.verdicts import CHANCE, Verdict
from scalewise.training.log import LogLine
from tests.experiments.made_up import make_reproduction

FIELD, SQUASH = "PSNR-Y, protocol field", "PSNR-Y, protocol squash256"
LUMA, RGB, PHOTO = (
    "luma, protocol field",
    "PSNR over RGB, protocol denoise25",
    "PSNR-Y, protocol photo",
)
JPEGS = ("PSNR-Y, protocol jpeg52", "PSNR-Y, protocol jpeg20")


@pytest.fixture(scope="module")
def results(reproduction: Path) -> Results:
    return load_results(reproduction)


def judged(results: Results, start: str, also: Results | None = None) -> tuple[str, str]:
    """Return verdict and measurement of the claim that starts so."""
    found = judge_claims(evidence_of(results, also))
    (one,) = (each for each in found if each.claim.text.startswith(start))
    return one.verdict, one.measurement


def with_gains(results: Results, gains: list[float], at_equal_steps: float = 1.0) -> Results:
    """Give Adaptive so many dB more than Original at equal time, in one seed after the other."""
    original = results.find("sum")
    assert original
    trained: list[Trained] = []
    for seed, gain in enumerate(gains):
        for name, more in (("sum", 0.0), ("attention_norm", gain)):
            experiment = replace(
                original.experiment, name=f"{name}_seed{seed}" if seed else name, seed=seed
            )
            scores = [replace(x, psnr_y=x.psnr_y + more) for x in original.measured.scores]
            lines = [
                replace(x, psnr_y=x.psnr_y + at_equal_steps * more) for x in original.validations
            ]
            measured = replace(original.measured, scores=scores)
            run = replace(original, experiment=experiment, measured=measured, validations=lines)
            trained.append(run)
    return replace(results, trained=trained)


@pytest.mark.usefixtures("plain_plots")
def test_every_claim_has_a_verdict_and_a_command(results: Results) -> None:
    evidence = evidence_of(results)
    table = claims_table(judge_claims(evidence), evidence)
    assert len(table.rows) == len(CLAIMS)
    verdicts = get_args(Verdict)
    page = to_markdown(make_report(results))
    headings = {line.lstrip("# ") for line in page.splitlines() if line.startswith("##")}
    for _, verdict, measurement, see, command in table.rows:
        assert verdict.startswith(verdicts)
        assert measurement != "–"
        assert see in headings
        assert command.startswith("scalewise reproduce --data DIR")
    commands = {row[-1] for row in table.rows}
    assert "scalewise reproduce --data DIR --budget 3h" in commands  # as this one was made
    assert (
        "scalewise reproduce --data DIR --recipes document --epoch-images 800 --budget 40h"
        in commands
    )


def test_nothing_is_measured_without_results(results: Results) -> None:
    empty = replace(results, trained=[], samples=[], alternatives=(), enlarged=None)
    for evidence in (evidence_of(empty), evidence_of(None)):
        by_runs = [x for x in judge_claims(evidence) if x.claim.heading != "Parameters"]
        assert {each.verdict for each in by_runs} == {"not yet measured"}
        row = claims_table(by_runs, evidence).rows[0]
        assert row[-1] == "scalewise reproduce --data DIR --budget 16h"  # not the one too small


@pytest.mark.parametrize(
    ("gains", "verdict", "measurement"),
    [
        ([0.3], "cannot be told", "+0.30 dB (1 seed, so no spread)"),
        ([0.3, 0.31], "cannot be told", "+0.30 ± 0.01 dB (2 seeds)"),
        ([0.3, 0.31, 0.29], "holds", "+0.30 ± 0.01 dB (3 seeds)"),
        ([-0.3, -0.31, -0.29], "the opposite holds", "−0.30 ± 0.01 dB (3 seeds)"),
        (
            [0.3, -0.2, 0.1],
            "does not hold",
            "+0.07 ± 0.25 dB (3 seeds), smaller than its spread: no difference",
        ),
    ],
)
def test_a_difference_within_its_spread_is_none(
    results: Results, gains: list[float], verdict: str, measurement: str
) -> None:
    found = judged(with_gains(results, gains), "Adaptive restores better")
    assert found[0] == verdict
    again = f"the same steps on Set14 ({FIELD}): {measurement}"  # as all of these took the same
    assert found[1] == f"Equal steps ({FIELD}): after 400 steps {measurement}; {again}"


def test_the_chance_of_a_difference_is_that_of_students_t() -> None:
    draws = np.random.default_rng(0).standard_normal((100_000, 3))
    seen = np.abs(draws.mean(axis=1)) > draws.std(axis=1, ddof=1)
    assert pytest.approx(seen.mean(), abs=0.004) == CHANCE
    assert f"{CHANCE:.4f}" == "0.2254"


def test_equal_steps_and_equal_time_may_differ(results: Results) -> None:
    found = with_gains(results, [-0.3, -0.31, -0.29], at_equal_steps=-1)
    verdict, _ = judged(found, "Adaptive restores better")
    assert verdict == "holds (equal steps), the opposite holds (the same steps on Set14)"


def test_equal_steps_are_the_last_that_all_were_validated_at(results: Results) -> None:
    runs = results.group("ablation")
    assert last_common_step(runs) == 400  # that of the slowest; others were validated later
    assert max(run.validations[-1].step for run in runs) > 400
    silent = replace(runs[0], validations=[])
    assert last_common_step([silent, *runs[1:2]]) == runs[1].validations[-1].step
    assert last_common_step([silent]) is None


def test_a_main_effect_is_the_mean_of_its_cells(results: Results) -> None:
    pairs = [("sum_norm", "sum"), ("attention_norm", "attention"), ("nothing", "sum")]
    found = main_effect(results, pairs, lambda run: 1.0 + run.name.startswith("sum_norm"))
    assert found == [0.5, 0.5, 0.5]
    verdict, text = judged(results, "The dynamic learning rate")
    assert verdict == "holds"
    assert f"equal time ({FIELD}): +0.50 ± 0.00 dB (3 seeds) [with L1 +0.50" in text
    assert "with the mixed loss +0.50" in text


def test_the_documents_form_is_a_remark_of_one_seed(results: Results, tmp_path: Path) -> None:
    document = load_results(make_reproduction(tmp_path / "document", "document"))
    verdict, text = judged(results, "Adaptive restores better", document)
    assert verdict == "the opposite holds"
    own = f"the document's own form ({SQUASH}): −0.41 dB on Set14 (1 seed)"
    assert text.endswith(own)
    assert "(1 seed)" in judged(results, "Original leaves more artifacts", document)[1]
    steady = [GradientLine(step=100, mean=1.0, deviation=0.4, largest=2.0)]
    logged = [replace(run, gradients=steady) for run in document.trained]
    remark = judged(results, "Normalisation", replace(document, trained=logged))[1]
    gradients = (
        "the document's own form: gradient's deviation over its mean Original, L1 at a fixed"
    )
    assert f"{gradients} rate 0.40; " in remark
    assert judged(results, "The second training", document)[0] == "cannot be told"
    rows = claims_table(
        judge_claims(evidence_of(results, document)), evidence_of(results, document)
    )
    assert rows.rows[0][-1].endswith(" --also runs/document")
    worse = make_reproduction(tmp_path / "worse", "document", below=5.0)
    remark = judged(results, "Adaptive restores better", load_results(worse))[1]
    assert remark.endswith("(1 seed, both below bicubic)")
    same = judged(document, "Adaptive restores better", results)  # whichever report it is
    assert same == (verdict, text)
    assert judged(document, "Adaptive restores better")[0] == "not yet measured"
    text = judged(document, "Ten epochs")[1]
    assert text.startswith(f"The document's own form ({SQUASH}): in the last fifth Original +")


def test_artifacts_are_means_over_images_and_seeds(results: Results) -> None:
    verdict, text = judged(results, "Original leaves more artifacts")
    assert verdict == "the opposite holds"  # made up to rise with the blur
    on = f"at equal time ({LUMA}): on astronaut and coffee"
    assert f"Overshoot {on} −0.005 ± 0.000 levels (3 seeds)" in text
    assert f"ringing {on} −0.014 ± 0.000 levels (3 seeds)" in text


def test_images_that_only_some_runs_were_measured_on_do_not_count(results: Results) -> None:
    claims = ("Original leaves more artifacts", "Attention over the scales")

    def with_another(run: Trained) -> Trained:
        if run.experiment.seed != 2 or not run.fidelity:
            return run
        artifacts, fidelity = next(iter(run.artifacts.values())), next(iter(run.fidelity.values()))
        return replace(
            run,
            artifacts={"other": replace(artifacts, overshoot=9.0), **run.artifacts},
            fidelity={"other": replace(fidelity, detail=9.0), **run.fidelity},
        )

    more = replace(results, trained=[with_another(run) for run in results.trained])
    for claim in claims:
        assert judged(more, claim) == judged(results, claim)


def test_networks_that_all_end_below_bicubic_are_not_judged(results: Results) -> None:
    def lowered(run: Trained) -> Trained:
        if run.experiment.group != "loss":
            return run
        scores = [replace(each, psnr_y=each.psnr_y - 9) for each in run.measured.scores]
        return replace(run, measured=replace(run.measured, scores=scores))

    early = replace(results, trained=[lowered(run) for run in results.trained])
    verdict, text = judged(early, "The dynamic learning rate")
    assert verdict == "cannot be told"
    assert f"equal time ({FIELD}): +0.50 ± 0.00 dB (3 seeds)" in text
    assert "too early to tell" in text
    assert judged(early, "Adaptive restores better") == judged(results, "Adaptive restores better")


def test_the_share_of_smooth_l1_is_measured(results: Results) -> None:
    text = judged(results, "The mixed loss")[1]
    assert "SmoothL1: 1.0% of the mixed loss, 1.0% to 1.0% on the sample images" in text
    trained = [replace(run, fidelity={}) for run in results.trained]
    assert "SmoothL1" not in judged(replace(results, trained=trained), "The mixed loss")[1]


def test_normalisation_is_judged_by_the_norms_of_gradients(results: Results) -> None:
    verdict, text = judged(results, "Normalisation")
    assert verdict.startswith("holds (gradient's deviation at equal steps, ")
    assert verdict.endswith("cannot be told (spread of the final score over seeds)")
    assert "Gradient's deviation at equal steps: +0.21 ± 0.01 of the mean (3 seeds)" in text
    assert "its peaks at equal time: +0.63 ± 0.03 of the mean (3 seeds)" in text
    assert f"spread of the final score over seeds ({FIELD}): with the sum 0.01 with and" in text
    swapped = {"sum": "sum_norm", "attention": "attention_norm"}
    swapped |= {name: first for first, name in swapped.items()}
    trained = [
        replace(run, gradients=other.gradients)
        for run in results.group("ablation")
        if (of := swapped.get(run.experiment.network))
        and (other := results.find(run.name.replace(run.experiment.network, of)))
    ]
    opposite = judged(replace(results, trained=trained), "Normalisation")[0]
    assert opposite.startswith("the opposite holds (gradient's deviation")


def test_detail_is_its_own_measure(results: Results) -> None:
    verdict, text = judged(results, "Attention over the scales")
    assert verdict == "the opposite holds"
    on = "on astronaut and coffee"
    figures = f"Detail at equal time ({LUMA}): {on} −0.13 ± 0.00 dB (3 seeds) [without InstanceNorm"
    assert text.startswith(figures)


@pytest.mark.parametrize(
    ("claim", "verdict", "scores", "figure"),
    [
        ("A denoising block helps, at scale 1", "holds", (RGB, RGB), "+0.25"),
        ("A denoising block helps, at scale 2", "holds", (PHOTO, PHOTO), "+0.10"),
        ("A module for artifacts helps, at scale 1", "opposite", JPEGS, "−0.10"),
        ("A module for artifacts helps, at scale 2", "holds", (PHOTO, PHOTO), "+0.05"),
    ],
)
def test_modules_that_clean(
    results: Results, claim: str, verdict: str, scores: tuple[str, str], figure: str
) -> None:
    found, text = judged(results, claim)
    assert verdict in found
    assert text.startswith(f"Equal steps ({scores[0]}): after ")
    assert f"equal time ({scores[1]}): {figure} ± 0.00 dB (3 seeds)" in text
    firsts = [run for run in results.trained if not run.experiment.seed]
    assert judged(replace(results, trained=firsts), claim)[0] == "cannot be told"


def test_claims_are_judged_on_a_set_that_all_compared_runs_were_scored_on(
    results: Results,
) -> None:
    div2k = [replace(x, dataset="DIV2K") for x in results.bicubic.scores if x.dataset == "Set14"]
    bicubic = replace(results.bicubic, scores=[*results.bicubic.scores, *div2k])
    with_div2k = replace(results, bicubic=bicubic)
    assert judged_on(with_div2k) == "Set14"
    claim = "The dynamic learning rate"
    assert judged(with_div2k, claim) == judged(results, claim)


def test_runs_that_were_stopped_are_not_judged(results: Results) -> None:
    trained = [
        replace(run, lines=run.lines[:-1]) if run.name == "attention_norm" else run
        for run in results.trained
    ]
    verdict, text = judged(replace(results, trained=trained), "Adaptive restores better")
    assert verdict == "cannot be told"
    assert "(2 seeds)" in text


def test_methods_without_a_network_are_judged_over_levels_and_pictures(results: Results) -> None:
    verdict, text = judged(results, "Non-local means or wavelets can stand in for a")
    assert verdict == "does not hold"
    score = "PSNR over RGB, protocols denoise15, denoise25 and denoise50"
    assert f"Non-local means ({score}): −2.50 ± 0.00 dB (3 noise levels)" in text
    verdict, text = judged(results, "Non-local means or wavelets can stand in for one ahead")
    assert verdict == "does not hold"
    score = "PSNR-Y, protocol noise25-x2"
    assert f"Non-local means ({score}): −1.00 ± 0.01 dB (3 images) against denoise, then" in text
    assert "+1.51 ± 0.01 dB (3 images) against photo_x2; +5.02" in text


def line(progress: float, psnr_y: float | None) -> LogLine:
    return LogLine(1, 1.0, progress, 1e-3, 0.1, psnr_y)


@pytest.mark.parametrize(
    ("scores", "is_rising"),
    [
        ([30.0, 30.25, 30.5, 30.75, 31.0], True),
        ([30.0, 30.01, 30.02, 30.03, 30.04], False),  # hardly
        ([30.0, 30.75, 30.5, 30.25, 31.0], False),  # by less than its noise
    ],
)
def test_a_score_that_still_rises(scores: list[float], is_rising: bool) -> None:
    parts = [0.5, 0.6, 0.7, 0.8, 1.0]
    lines = [line(*each) for each in zip(parts, scores, strict=True)]
    found = rise_at_the_end(lines)
    assert found is not None
    assert found.rise == pytest.approx(scores[-1] - max(scores[:-1]))
    assert found.is_rising == is_rising
    assert (found.before, found.after, found.changes) == (parts[:4], parts[4:], 4)
    assert rise_at_the_end(lines[:4]) is None
    assert rise_at_the_end([lines[0], lines[3], lines[4]]) is None  # too few changes


def test_shortened_epochs_judge_nothing(tmp_path: Path) -> None:
    document = load_results(make_reproduction(tmp_path / "document", "document"))
    verdict, text = judged(document, "Ten epochs")
    assert verdict == "cannot be told"
    assert "of shortened epochs, which judge nothing" in text
    verdict, text = judged(whole(document, document.trained[0].recipe.data.batch), "Ten epochs")
    assert verdict in ("holds", "does not hold")
    assert "shortened" not in text
    verdict, text = judged(whole(document, batch=1), "Ten epochs")
    assert verdict == "cannot be told"  # all steps, but of few images
    assert "of shortened epochs, which judge nothing" in text


def test_a_training_that_was_validated_too_rarely_is_named(tmp_path: Path) -> None:
    document = load_results(make_reproduction(tmp_path / "document", "document"))
    rarely = [
        replace(run, lines=[run.lines[0], run.lines[-1]]) if run.name == "adaptive_l1" else run
        for run in document.trained
    ]
    few = replace(document, trained=rarely)
    verdict, text = judged(whole(few, document.trained[0].recipe.data.batch), "Ten epochs")
    assert verdict == "cannot be told"
    assert "Adaptive was validated too rarely to tell (" in text
    assert "changes); Adaptive was" in text  # Original has its epochs and its noise


def whole(results: Results, batch: int) -> Results:
    """Return results whose trainings have all of their steps, of a batch."""
    trained = [
        replace(
            run,
            experiment=replace(run.experiment, full_steps=run.steps),
            recipe=replace(run.recipe, data=replace(run.recipe.data, batch=batch)),
        )
        for run in results.trained
    ]
    return replace(results, trained=trained)
