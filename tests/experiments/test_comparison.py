"""Original and Adaptive under the document's headings, and its tables and plots."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.evaluating.evaluate import bicubic
from scalewise.experiments import comparison_plots, comparison_tables, overshoot
from scalewise.experiments.comparison_tables import CORNERS, LOSS_CORNERS
from scalewise.experiments.comparisons import WARM_UP
from scalewise.experiments.conditions import untimed
from scalewise.experiments.curve_plots import FIGURE_SIZE, LETTERS
from scalewise.experiments.overshoot import load_overshoot, measure_overshoot
from scalewise.experiments.report import make_report, to_html, to_markdown
from scalewise.experiments.results import SAMPLES, Pace, Results, load_results
from scalewise.experiments.seeds import last_common_step
from scalewise.experiments.stability import after_warm_up, peak, relative_deviation
from scalewise.experiments.verdicts import DECIDED
from scalewise.files import Picture, write
from scalewise.training.curves import LIGHT
from tests.experiments.test_report import Page
from tests.experiments.test_tables import row

HEADINGS = ("Attention", "Normalisation", "Aggregation", "Parameters", "Training", "Results")


@pytest.fixture(scope="module")
def results(reproduction: Path) -> Results:
    return load_results(reproduction)


@pytest.mark.usefixtures("plain_plots")
def test_six_headings_each_with_verdict_and_table_or_figure(results: Results) -> None:
    section = to_markdown(make_report(results)).partition("## Original against Adaptive, under")[2]
    parts = section.partition("\n## ")[0].split("\n### ")
    assert [part.partition("\n")[0] for part in parts[1:]] == [*HEADINGS]
    assert "training and results are assumed, since the document was not at hand" in parts[0]
    verdicts = (*DECIDED, "cannot be told")
    for part in parts[1:]:
        assert any(f": {verdict}" in part for verdict in verdicts)
        assert "\n| " in part


@pytest.mark.usefixtures("plain_plots")
def test_without_runs_the_headings_say_so(results: Results) -> None:
    text = Page(to_html(make_report(replace(results, trained=[], samples=[])))).text
    assert "Scales aggregated by attention restore better than by their sum: not yet" in text
    assert "Adaptive has more parameters than Original: holds" in text  # counting takes no run


def test_corners_have_mean_and_spread_at_equal_steps_and_time(results: Results) -> None:
    table = comparison_tables.two_by_two(results, CORNERS, ("without", "with"), "aggregation")
    assert table.headings[1:] == [
        "equal steps, without",
        "equal steps, with",
        "equal time, without",
        "equal time, with",
    ]
    summed = row(table, "sum over the scales")
    assert summed["equal time, without"] == "32.81 ± 0.01"
    assert summed["equal time, with"] == "32.31 ± 0.01"
    run = results.find("sum")
    assert run
    alone = replace(results, trained=[run])
    one = comparison_tables.two_by_two(alone, CORNERS, ("without", "with"), "aggregation")
    last = f"{run.validations[-1].psnr_y:.2f}"
    assert one.rows[0] == ["sum over the scales", last, "–", "32.80", "–"]


def test_losses_are_two_by_two(results: Results) -> None:
    table = comparison_tables.two_by_two(results, LOSS_CORNERS, ("fixed", "cosine"), "loss")
    assert row(table, "L1 + 0.5 SmoothL1")["equal time, cosine"] == "31.52 ± 0.01"


def test_related_networks_with_several_seeds_have_a_spread(results: Results) -> None:
    original = results.find("original")
    assert original
    at = {line.step: line.psnr_y for line in original.validations}
    others = [
        replace(
            original,
            experiment=replace(original.experiment, name=f"original_seed{seed}", seed=seed),
            validations=[replace(x, psnr_y=x.psnr_y + seed) for x in original.validations],
        )
        for seed in (1, 2)
    ]
    left = [run for run in results.trained if not run.name.startswith("original_seed")]
    seeded = replace(results, trained=[*left, *others])
    table, step = comparison_tables.related_at_equal_steps(seeded)
    assert step
    assert row(table, "Original")["ground truth"] == f"{at[step] + 1:.2f} ± 1.00"
    scn = results.find("scn")
    assert scn
    pair = row(comparison_tables.related_pairs(seeded), "SCN against Original")
    last = last_common_step([scn, original])
    assert last
    assert pair["steps"] == f"{last:,}"
    assert pair["the second"] == f"{at[last]:.2f}"  # of the only seed that both have
    assert pair["seeds"] == "1"


def test_networks_that_took_the_steps_of_others_are_named(results: Results) -> None:
    original, other = results.find("original"), results.find("unet")
    assert original
    assert other
    model = replace(original.recipe.model, name="unet")
    other = replace(other, recipe=replace(other.recipe, model=model))
    timed = [replace(run, pace=Pace(step=0.1, planned=60.0)) for run in (original, other)]
    assert untimed(timed) == [("U-Net", "Original")]
    assert untimed([timed[0], replace(timed[0], experiment=other.experiment)]) == []  # one network
    slower = replace(timed[1], pace=Pace(step=0.2, planned=60.0))
    assert untimed([timed[0], slower]) == []


def test_related_networks_stand_beside_themselves_with_a_teacher(results: Results) -> None:
    table, step = comparison_tables.related_at_equal_steps(results)
    assert step == 400
    unet, taught = results.find("unet"), results.find("unet_taught")
    assert unet
    assert taught
    at = [next(x.psnr_y for x in run.validations if x.step == step) for run in (unet, taught)]
    shown = row(table, "U-Net")
    assert [shown["ground truth"], shown["half a teacher"]] == [f"{x:.2f}" for x in at]
    timed = row(comparison_tables.related_at_equal_time(results), "U-Net")
    assert (timed["Set14, ground truth"], timed["Set14, half a teacher"]) == ("32.91", "33.01")
    best = max(line.psnr_y for line in unet.lines if line.psnr_y is not None)
    assert timed["validation, ground truth"] == f"{best:.2f}"
    alone = comparison_tables.related_at_equal_time(replace(results, trained=[taught]))
    assert row(alone, "U-Net")["Set14, ground truth"] == "–"
    untaught = replace(results, trained=[unet])
    headings = [comparison_tables.related_at_equal_time(untaught).headings]
    headings.append(comparison_tables.related_at_equal_steps(untaught)[0].headings)
    assert not any("teacher" in each or each == "difference" for row in headings for each in row)


def test_quality_stands_beside_artifacts(results: Results) -> None:
    table = comparison_tables.quality(results)
    assert row(table, "Original")["equal time, Set14"] == "32.81 ± 0.01"
    assert row(table, "Adaptive")["overshoot (levels)"] == "0.359 ± 0.001"
    assert row(table, "Adaptive")["seeds"] == "3"


def test_parameters_are_the_documents_its_programs_and_ours(results: Results) -> None:
    shown = row(comparison_tables.parameters(results), "Adaptive")
    assert shown["by the document's text"] == "1,790,524"
    assert shown["by its program"] == "10,170,060"
    assert shown["ours"] == "1,791,412"


def test_the_warm_up_is_left_out_of_stability(results: Results) -> None:
    run = results.find("sum")
    assert run
    lines = [replace(x, deviation=x.mean * (9 if x.step <= 100 else 1)) for x in run.gradients]
    run = replace(run, gradients=lines)
    assert relative_deviation(0.3)(run) == pytest.approx(1.0)
    assert relative_deviation(0.0)(run) == pytest.approx(3.0)
    assert relative_deviation(0.0, until=100)(run) == pytest.approx(9.0)
    assert peak(0.3)(run) == pytest.approx(2.2)
    assert [line.step for line in after_warm_up(run, 0.3, until=180)] == [140, 160, 180]
    assert peak(1.0)(run) is None


def test_gradients_are_legible_on_a_phone(results: Results) -> None:
    runs = [run for name in ("sum", "attention_norm") if (run := results.find(name))]
    figure = comparison_plots.gradients(runs, WARM_UP)(LIGHT)
    norms, ratios = figure.axes
    assert norms.get_yscale() == "log"
    assert [line.get_label() for line in norms.lines] == [run.title for run in runs]
    assert ratios.lines[1].get_ydata() == pytest.approx(0.2)
    assert LETTERS * 360 / (72 * figure.get_figwidth()) >= 10


def test_overshoot_is_shown_beside_the_truth(results: Results) -> None:
    found = load_overshoot(results.folder / SAMPLES / "overshoot.npz")
    assert found
    figure = comparison_plots.overshoot(found, ["Original", "Adaptive"])(LIGHT)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[:3] == ["ground truth", "Original", "Adaptive"]
    maps = [x for axes in figure.axes for x in axes.images if np.ndim(x.get_array()) == 2]
    assert {each.get_clim() for each in maps if each.get_clim()[1] < 100} == {(0.0, 8.0)}
    assert figure.get_figwidth() == FIGURE_SIZE[0]


def test_overshoot_is_cut_out_where_it_is_largest(
    tmp_path: Path, photo: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Brighter:
        name = "original_mixed"

    def restoration(restorer: Any) -> Any:
        def restore(image: Any) -> Any:
            restored = np.asarray(bicubic(2)(image), np.float64)
            if isinstance(restorer, Brighter):
                restored[80:90, 120:130] = 255
            return restored

        return restore

    monkeypatch.setattr(overshoot, "restoration", restoration)
    path = tmp_path / "samples" / "overshoot.npz"
    assert load_overshoot(path) is None
    restorers: Any = [Brighter(), type("Plain", (), {"name": "adaptive_mixed"})()]
    write(tmp_path / "coffee.png", Picture(photo[:240, :256]))
    measure_overshoot(tmp_path / "coffee.png", restorers, path)
    found = load_overshoot(path)
    assert found
    assert found.picture == "coffee"
    assert found.truth.shape == (64, 64, 3)
    assert found.restored.shape == (2, 64, 64, 3)
    first, second = found.maps
    assert first.max() > second.max()
    assert (first > 50).sum() == pytest.approx(100, abs=20)
    path.write_bytes(b"PK")
    assert load_overshoot(path) is None
