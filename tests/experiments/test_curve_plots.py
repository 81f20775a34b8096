"""Curves of trainings: the document's figures, and networks after equal time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scalewise.experiments.curve_plots import (
    FIGURES,
    LETTERS,
    against,
    compared,
    document_figure,
    loss_name,
    robust_limits,
)
from scalewise.experiments.experiment_logs import (
    ValidationLine,
    append_validation,
    read_validations,
)
from scalewise.experiments.results import Pace, Results, Trained, load_results
from scalewise.training.curves import DARK, LIGHT


@pytest.fixture(scope="module")
def results(reproduction: Path) -> Results:
    return load_results(reproduction)


def found(results: Results, name: str) -> Trained:
    run = results.find(name)
    assert run
    return run


def test_every_training_has_its_two_figures() -> None:
    assert [each.number for each in FIGURES] == list(range(1, 9))
    assert len({(each.run, each.kind) for each in FIGURES}) == 8


def test_a_figure_is_against_epochs_and_has_both_lines(results: Results) -> None:
    run = found(results, "original_l1")
    lines = [ValidationLine(400 * n, 0.02 / n, 30.0 + n, 31.0 + n) for n in range(1, 11)]
    run = replace(run, validations=lines)
    (axes,) = document_figure(run, "psnr")(LIGHT).axes
    assert [line.get_label() for line in axes.lines] == ["PSNR over RGB", "PSNR-Y"]
    assert list(axes.lines[0].get_xdata()) == list(range(1, 11))
    assert axes.get_xlabel() == "epoch"
    (axes,) = document_figure(run, "loss")(LIGHT).axes
    training, validation = axes.lines
    assert training.get_xdata()[-1] == pytest.approx(10)
    assert list(validation.get_ydata()) == [line.loss for line in lines]


def test_a_figure_is_legible_on_a_phone(results: Results) -> None:
    figure = document_figure(found(results, "adaptive_mixed"), "loss")(DARK)
    on_a_phone = 360 / (72 * figure.get_figwidth())  # CSS pixels of its width, per point
    assert LETTERS * on_a_phone >= 10


def test_different_losses_do_not_share_an_axis(results: Results) -> None:
    plain, module = (found(results, name) for name in ("jpeg_plain", "noise_block"))
    other = replace(module.recipe, loss=replace(module.recipe.loss, denoised=10.0))
    module = replace(module, recipe=other)
    assert loss_name(module) == "L1 + 10 MSE(denoised)"
    titles = [axes.get_title(loc="left") for axes in compared([plain, module])(LIGHT).axes]
    assert titles[0] == "validation PSNR-Y (dB)"
    assert titles[1:] == [f"training loss: {loss_name(run)}" for run in (plain, module)]
    assert len(compared([plain, plain])(LIGHT).axes) == 2


def test_networks_against_a_base_have_a_row_each_with_the_same_axes(results: Results) -> None:
    pace = Pace(step=0.1, planned=120.0)
    base, run = (replace(found(results, name), pace=pace) for name in ("original", "unet"))
    better = [x if x.psnr_y is None else replace(x, psnr_y=x.psnr_y + 0.25) for x in base.lines]
    axes = against(base, [base, run, replace(run, lines=better)])(LIGHT).axes
    assert [each.get_title(loc="left") for each in axes] == ["U-Net", "training loss"] * 2
    _, gain = axes[2].lines
    assert list(gain.get_ydata()) == pytest.approx([0.25] * len(gain.get_xdata()))
    assert axes[0].get_ylim() == axes[2].get_ylim()
    assert axes[1].get_ylim() == axes[3].get_ylim()


def test_time_is_that_of_full_speed(results: Results) -> None:
    run = replace(found(results, "sum"), pace=Pace(step=0.1, planned=120.0))
    first = compared([run])(LIGHT).axes[0]
    assert first.lines[0].get_xdata()[-1] == pytest.approx(2.0)


def test_an_outlier_does_not_flatten_the_rest(results: Results) -> None:
    run = found(results, "sum")
    lines = [replace(line, psnr_y=4.0) for line in run.lines[-1:]]
    few = [replace(line, psnr_y=30 + 0.1 * n) for n, line in enumerate(run.lines[:12])]
    axes = compared([replace(run, lines=few + lines)])(LIGHT).axes[0]
    assert axes.get_ylim()[0] > 28
    assert [text.get_text() for text in axes.texts] == ["1 point below the axis, to 4"]


def test_equal_values_have_an_axis() -> None:
    low, high = robust_limits(np.full(5, 30.0))
    assert low < 30 < high
    assert robust_limits(np.array([np.nan])) == (0.0, 1.0)


def test_validations_are_read_as_they_were_written(tmp_path: Path) -> None:
    lines = [ValidationLine(10, 0.5, 20.0, 21.0), ValidationLine(20, 0.25, 22.5, 23.0)]
    assert read_validations(tmp_path) == []
    for line in (*lines, replace(lines[1], loss=0.2)):  # a resumed run repeats a validation
        append_validation(tmp_path, line)
    assert read_validations(tmp_path) == [lines[0], replace(lines[1], loss=0.2)]
