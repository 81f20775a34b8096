"""The report of an incomplete reproduction, or of one with unusual names."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from scalewise.errors import ScalewiseError
from scalewise.experiments.experiment_logs import Divergence
from scalewise.experiments.report import (
    make_report,
    named_images,
    to_html,
    to_markdown,
    write_report,
)
from scalewise.experiments.results import Measured, Results, load_results
from scalewise.training.log import LOG_FILE
from tests.experiments.made_up import EQUAL_TIME, TRAININGS
from tests.experiments.test_report import Page

pytestmark = pytest.mark.usefixtures("plain_plots")


@pytest.fixture(scope="module")
def results(reproduction: Path) -> Results:
    return load_results(reproduction)


@pytest.fixture
def copy(reproduction: Path, tmp_path: Path) -> Path:
    return shutil.copytree(reproduction, tmp_path / "copy")


def read(results: Results) -> str:
    """Return the text of the HTML report; make its Markdown, too."""
    report = make_report(results)
    assert to_markdown(report)
    return Page(to_html(report)).text


def only(results: Results, *names: str) -> Results:
    return replace(results, trained=[run for run in results.trained if run.name in names])


def test_a_measured_run_without_a_log_is_said(copy: Path) -> None:
    log = copy / "adaptive_l1" / LOG_FILE
    log.write_text(log.read_text().splitlines(keepends=True)[0])
    with pytest.raises(ScalewiseError, match="adaptive_l1: measured, but its log is empty"):
        load_results(copy)


def test_nothing_is_trained(results: Results) -> None:
    text = read(replace(results, trained=[], samples=[], attention=None))
    assert "None of the four trainings is done yet" in text
    assert "Missing, because not trained and measured yet: 4 trainings of the document," in text
    assert text.count("Not made yet: there is no such image") == 2
    assert "Nothing is measured yet" in text
    assert "Scale attention was not looked at yet" in text
    assert text.count("Not trained yet:") == 3
    assert "31.28" in text  # published
    assert "30.33" in text  # bicubic


@pytest.mark.parametrize("name", [*TRAININGS, *EQUAL_TIME])
def test_one_run_is_enough(name: str, results: Results) -> None:
    text = read(only(results, name))
    run = next(run for run in results.trained if run.name == name)
    assert run.measured.weights[:12] in text
    assert "not trained and measured yet" in text


def test_a_first_training_stands_in_and_says_so(results: Results) -> None:
    text = read(only(results, "original_l1", "adaptive_mixed"))
    assert "Original after its first training" in text
    assert "Original after its first training is 0.36 dB below Adaptive on Set14" in text
    assert "Not trained to the end here: Original" in text


def test_a_factor_without_its_runs_is_not_known(results: Results) -> None:
    text = read(only(results, "sum", "sum_norm"))
    assert "InstanceNorm: with the sum −0.50 dB (1 seed, so no spread) (PSNR-Y on Set14" in text
    assert "The global residual: not trained" in text


def test_files_that_are_lost(copy: Path) -> None:
    (copy / "attention.npz").write_bytes(b"PK")
    (copy / "samples" / "coffee.png").unlink()
    text = read(load_results(copy))
    assert "The maps themselves are missing: attention.npz" in text
    assert "The sheet of coffee is missing: coffee.png" in text


def test_pictures_of_an_earlier_report_are_gone_and_nothing_else(copy: Path) -> None:
    results = load_results(copy)
    write_report(results)
    pictures = copy / "report"
    earlier = {path.name for path in pictures.iterdir()}
    mine = pictures / "curves-mine.svg"
    mine.write_bytes(b"<svg/>")
    (copy / "figure-3.svg").write_bytes(b"<svg/>")
    write_report(only(results, "original_l1", "original_mixed"))
    left = {path.name for path in pictures.iterdir()}
    assert mine.name in left
    assert (copy / "figure-3.svg").is_file()
    assert "figure-1.svg" in left
    assert "figure-3.svg" in earlier - left
    assert "figure-3-dark.svg" in earlier - left
    named = named_images((copy / "report.md").read_text(encoding="utf-8"))
    assert left - {mine.name} == named < earlier


def test_scores_by_one_protocol_alone(results: Results) -> None:
    trained = [
        replace(
            run,
            measured=replace(
                run.measured, scores=[x for x in run.measured.scores if x.protocol == "field"]
            ),
        )
        for run in results.trained
    ]
    text = read(replace(results, trained=trained))
    assert "Original – – – –" in text  # by squash256


def test_other_sets(results: Results) -> None:
    names = {"Set5": "mine", "Set14": "DIV2K", "lenna": "kept"}

    def renamed(results: Results, change: Callable[[str], str]) -> Results:
        def scores(measured: Measured) -> Measured:
            return replace(
                measured, scores=[replace(x, dataset=change(x.dataset)) for x in measured.scores]
            )

        return replace(
            results,
            bicubic=scores(results.bicubic),
            unrestored=scores(results.unrestored) if results.unrestored else None,
            trained=[replace(run, measured=scores(run.measured)) for run in results.trained],
        )

    text = read(renamed(results, names.__getitem__))
    assert "DIV2K is empty" not in text
    assert "lenna was not measured" in text
    assert "Set14 was not measured" in text
    assert "Original is 0.41 dB above Adaptive on mine" in text
    assert "Original 33.38 – – 36.78 37.38" in text


def test_another_single_picture_says_why(results: Results) -> None:
    assert "has no free licence" not in read(results)
    samples = [replace(x, name="astronaut") if x.single else x for x in results.samples]
    text = read(replace(results, samples=samples))
    assert "has no free licence, so a report that is published shows astronaut" in text


def test_what_the_budget_left_out_is_grouped(results: Results) -> None:
    names = ["dsrn", *(x.name for x in results.plan.experiments if x.seed)]
    times = [f"the time of {run.name}" for run in results.group("ablation")]
    plan = replace(
        results.plan,
        left_out=dict.fromkeys(names, "20 s are left"),
        unmeasured=["sample images", *times],
    )
    text = read(replace(results, plan=plan))
    assert (
        "Left out, because the budget is too short: DSRN of 1 M parameters and "
        "seeds 1 and 2 of 17 networks (20 s are left)." in text
    )
    assert "too short: sample images and the time of 14 networks." in text


def test_what_is_missing_is_grouped(results: Results) -> None:
    text = read(replace(results, trained=[]))
    line = text.partition("Missing, because not trained")[2].partition("At a glance")[0]
    assert "6 networks of the ablation" in line
    assert "8 related networks with a teacher" in line
    assert "seeds 1 and 2 of 17 networks" in line
    assert len(line) < 500


def test_fewer_pictures_an_epoch_are_in_every_caption(results: Results) -> None:
    plan = replace(results.plan, form="document", epoch_images=200)
    text = read(replace(results, plan=plan))
    assert text.count("312 images, 6,400 images an epoch") == 4  # as Original has in its runs
    assert "--recipes document --epoch-images 800 --budget 40h" in text
    seen = "3,200 to 6,400 images an epoch (full length: 800)"  # as the runs have, not as planned
    assert text.count(seen) > 10
    untrained = read(replace(results, plan=plan, trained=[]))
    assert "at most 200 images an epoch (full length: 800)" in untrained


def test_runs_that_failed_or_diverged_are_named_without_paths(results: Results) -> None:
    plan = replace(results.plan, failed={"dsrn": "/home/me/out/dsrn/last.pt is missing"})
    bad = Divergence(step=120, reason="the loss stopped being finite by step 120")
    trained = [
        replace(run, diverged=bad) if run.name == "sum" else run
        for run in results.trained
        if run.name != "dsrn"
    ]
    text = read(replace(results, plan=plan, trained=trained))
    assert "for reasons that the command gave: dsrn." in text
    assert "/home/me" not in text
    assert "Diverged, and not judged: sum over scales (Original) (the loss stopped" in text
    assert "Not judged, because they did not reach their end: sum over scales" in text


def test_a_log_without_times(results: Results) -> None:
    trained = [
        replace(run, lines=[replace(line, seconds=None) for line in run.lines])
        for run in results.trained
    ]
    assert "4,000 steps taken; at full length" in read(replace(results, trained=trained))


def test_a_run_that_was_stopped(results: Results) -> None:
    trained = [replace(run, lines=run.lines[: len(run.lines) // 2]) for run in results.trained]
    assert "2,000 steps taken in 5 min, 50% of the schedule" in read(
        replace(results, trained=trained)
    )


def test_the_documents_form_is_validated_by_its_own_protocol(copy: Path) -> None:
    for recipe in copy.glob("*/recipe.yaml"):
        text = recipe.read_text(encoding="utf-8")
        if "task: super-resolution" not in text:
            continue
        text = text.replace("squash: null", "squash: 128")
        text = text.replace("patch: 48", "patch: 128").replace("augment: true", "augment: false")
        recipe.write_text(text, encoding="utf-8")
    text = read(load_results(copy))
    assert "PSNR-Y on 8 images of CID22_valid, protocol squash128" in text
    assert "protocol squash128: input squashed to 128x128" in text


def test_texts_are_escaped(copy: Path) -> None:
    odd = '<b>|mine*</b> & "yours"'
    plan = json.loads((copy / "plan.json").read_text(encoding="utf-8"))
    plan |= {"train": odd, "valid": odd}
    plan["experiments"][0]["title"] = odd
    (copy / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    results = load_results(copy)
    assert odd in read(results)
    report = make_report(results)
    html = to_html(report)
    assert "<b>" not in html
    markdown = to_markdown(report)
    assert "<b>" not in re.sub(r"````yaml\n.*?````", "", markdown, flags=re.DOTALL)
    assert r"&lt;b&gt;\|mine\*&lt;/b&gt; &amp;" in markdown


def test_paths_of_this_machine_stay_here(copy: Path) -> None:
    results = load_results(copy)
    assert str(copy.parent) not in to_html(make_report(results))
