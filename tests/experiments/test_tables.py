"""The report's tables and sentences have the measured numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from scalewise.experiments import tables
from scalewise.experiments.formatting import recipe_text
from scalewise.experiments.report import make_report, to_html
from scalewise.experiments.results import Results, load_results
from scalewise.experiments.tables import Table
from scalewise.training.recipe import parse_recipe, to_plain
from tests.experiments.test_report import Page


@pytest.fixture(scope="module")
def results(reproduction: Path) -> Results:
    return load_results(reproduction)


def row(table: Table, name: str) -> dict[str, str]:
    (found,) = (each for each in table.rows if each[0] == name)
    return dict(zip(table.headings, found, strict=True))


def test_at_a_glance(results: Results) -> None:
    table = tables.at_a_glance(results)
    original = row(table, "Original")
    assert original["parameters"] == "1,781,260"
    assert (original["Set5"], original["Set14"], original["lenna"]) == ("36.78", "33.38", "37.38")
    run = results.find("original_mixed")
    assert run
    assert original["weights (sha256)"] == run.measured.weights[:12]
    assert row(table, "Adaptive")["Set14"] == "32.97"
    assert row(table, "bicubic")["Set14"] == "30.33"


@pytest.mark.parametrize(("protocol", "original"), [("field", "33.38"), ("squash256", "33.93")])
def test_table_one_is_by_one_protocol_and_apart_from_what_was_published(
    results: Results, protocol: str, original: str
) -> None:
    table = tables.measured(results, protocol)
    assert table.headings == ["network", "DIV2K", "lenna", "Set14", "Set5"]
    assert row(table, "Original")["Set14"] == original
    assert row(table, "Original")["DIV2K"] == "–"
    assert [each[0] for each in table.rows] == ["bicubic", "Original", "Adaptive"]
    published = tables.published()
    assert row(published, "SCN of its authors")["“Set14”"] == "34.14"
    assert row(published, "Original") == {
        "network": "Original",
        "DIV2K": "31.28",
        "“Set14”": "36.90",
    }


def test_every_score_is_in_its_protocols_table(results: Results) -> None:
    measured = [results.bicubic, *(run.measured for run in results.trained)]
    for protocol in ("field", "squash256"):
        table = tables.all_scores(results, protocol)
        scores = [x for one in measured for x in one.scores if x.protocol == protocol]
        assert len(table.rows) == len(scores) > 40 * 3
        shown = {(each[0], each[1]): each[6:] for each in table.rows}
        for score in scores:
            numbers = [f"{score.psnr:.2f}", f"{score.psnr_y:.2f}", f"{score.ssim:.4f}"]
            assert shown[score.model, score.dataset] == numbers


def test_a_sample_names_the_protocol_in_each_column(results: Results) -> None:
    table = tables.sample_scores(results, results.samples[0])
    assert row(table, "Original")["PSNR-Y, field"] == "33.40"
    assert row(table, "Original")["PSNR-Y, squash256"] == "33.95"
    assert [each[0] for each in table.rows] == ["bicubic", "Original", "Adaptive"]


def test_costs(results: Results) -> None:
    run = results.find("dbpn")
    assert run
    cost = replace(
        run.complexity,
        parameters=1_234_567,
        multiply_adds=445_300_000_000,
        seconds=0.7149,
        megabytes=234.4,
        step_seconds=0.3501,
    )
    table = tables.costs([replace(run, complexity=cost)])
    assert table.rows == [["DBPN of 1 M parameters", "1,234,567", "445.3", "0.715", "234", "0.350"]]


def test_times_are_as_uncertain_as_those_of_twins_differ(results: Results) -> None:
    names = ("sum", "sum_no_residual", "attention")
    runs = [run for name in names if (run := results.find(name))]
    times = ((1.0, 0.3), (1.1, 0.24), (9.0, 9.0))
    timed = [
        replace(run, complexity=replace(run.complexity, seconds=seconds, step_seconds=step))
        for run, (seconds, step) in zip(runs, times, strict=True)
    ]
    assert tables.timing_noise(timed) == pytest.approx((0.1, 0.25))
    assert tables.timing_noise(timed[1:]) is None


def test_captions_name_protocol_data_and_versions(results: Results, plain_plots: None) -> None:
    page = Page(to_html(make_report(results)))
    captions = [each["aria-label"] for each in page.all("div") if "aria-label" in each]
    assert len(captions) == len(page.all("table"))
    measured = "measured with scalewise 0.1.0.dev0; images in Set5: 5, Set14: 14."
    assert f"PSNR-Y in dB, protocol field. Trained on train, 312 images; {measured}" in captions
    epochs = "200 to 400 steps an epoch (full length: 1,000)"  # shorter than the document's
    stamp = f"Trained on train, 312 images, {epochs}; {measured}"
    ours = [each for each in captions if each.startswith("Measured in the modern form")]
    for caption, protocol in zip(ours, ("field", "squash256"), strict=True):
        assert f"form: PSNR-Y in dB, protocol {protocol}." in caption
        assert caption.endswith(stamp)
    (costs,) = (each for each in captions if each.startswith("Multiply-adds"))
    assert "Inference: OpenVINO 2026.4 f32; training step: bfloat16" in costs
    assert "Earlier, on a processor that was not recorded, 2 threads." in costs
    assert "16 patches of 48x48. scalewise 0.1.0.dev0." in costs


def test_effects_are_differences_of_scores(results: Results, plain_plots: None) -> None:
    text = Page(to_html(make_report(results))).text
    where = "(PSNR-Y on Set14, protocol field)"
    spread = "± 0.00 dB (3 seeds)"
    for effect in (
        f"InstanceNorm: with the sum −0.50 {spread}; with attention −0.47 {spread} {where}.",
        f"Attention in place of the sum: without InstanceNorm −0.15 {spread}; "
        f"with InstanceNorm −0.12 {spread} {where}.",
        "The global residual: in Original +0.45 dB (1 seed, so no spread); "
        f"in Adaptive +0.75 dB (1 seed, so no spread) {where}.",
    ):
        assert effect in text


def test_equal_time_lists_steps_and_costs(results: Results) -> None:
    runs = results.group("comparator")
    table = tables.equal_time(results, runs, costs=True)
    for run, shown in zip(runs, table.rows, strict=True):
        assert row(table, shown[0])["steps"] == f"{run.steps:,}"
        assert row(table, shown[0])["seconds"] == tables.significant(run.complexity.seconds)


def test_provenance(results: Results) -> None:
    table = tables.provenance(results)
    assert len(table.rows) == len(results.plan.experiments)
    shown = row(table, "adaptive_mixed")
    run = results.find("adaptive_mixed")
    assert run
    assert shown["weights (sha256)"] == run.measured.weights[:12]
    assert shown["epochs x steps"] == "30 x 200"
    assert (shown["steps"], shown["seconds"], shown["done"]) == ("6,000", "600", "100%")
    assert (shown["data"], shown["precision"], shown["threads"]) == (
        "train_x2.pack",
        "bfloat16",
        "2",
    )


def test_listed_settings_are_a_recipe(results: Results) -> None:
    run = results.find("original_mixed")
    assert run
    listed = to_plain(parse_recipe(yaml.safe_load(recipe_text(run.recipe)), "the report"))
    assert listed["model"]["init"] == "original_l1"
    assert listed["data"]["train"] == ["train_x2.pack"]
    own = to_plain(run.recipe)
    assert listed["optimizer"] == own["optimizer"]
    assert listed["loss"] == own["loss"]
