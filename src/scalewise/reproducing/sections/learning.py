"""How the document's networks learned: its figures 1 to 8."""

from __future__ import annotations

from scalewise.reproducing import plots
from scalewise.reproducing.document import Block, Paragraph, Picture, Points, Section
from scalewise.reproducing.published import CURVES
from scalewise.reproducing.reading import MODELS, PHASES
from scalewise.reproducing.results import Results, Trained
from scalewise.reproducing.wording import counted, decibels, duration
from scalewise.training.curves import Curve
from scalewise.training.log import best_psnr_y
from scalewise.training.protocol import protocol_of


def learning(results: Results) -> Section:
    """Curves of every training, and both networks in one plot for each phase."""
    expected = [(f"{model}_{phase}", model) for phase in PHASES for model in MODELS]
    there = [(run, model) for name, model in expected if (run := results.find(name))]
    blocks: list[Block] = [
        Paragraph(
            "Training loss is on the left of each plot, faint as logged and drawn out smoothed; "
            "PSNR-Y on the validation pictures is on the right. "
            f"The document's figures {CURVES} show these."
        ),
        Points([how_long(run) for run, _ in there])
        if there
        else Paragraph("None of the four trainings is done yet."),
    ]
    if absent := [name for name, _ in expected if results.find(name) is None]:
        blocks.append(Paragraph(f"Not trained yet, so without curves: {', '.join(absent)}."))
    blocks += [_alone(results, run, model) for run, model in there]
    for phase, title in PHASES.items():
        both = [run for run, _ in there if run.name.endswith(f"_{phase}")]
        if len(both) > 1:
            blocks.append(_together(results, both, phase, title))
    return Section("How the networks learned", blocks)


def how_long(run: Trained) -> str:
    """How many steps a training took, and how many it takes at full length."""
    count, epoch, full = (
        run.recipe.budget.epochs,
        run.recipe.data.epoch,
        run.experiment.full_steps,
    )
    text = f"{counted(run.steps, 'step')} taken"
    if count:
        epochs = counted(count, "epoch") + (f" of {counted(epoch, 'step')}" if epoch else "")
        text = f"{epochs}, {run.steps:,} steps taken"
    if run.seconds:
        text += f" in {duration(run.seconds)}"
    if run.progress < 1:
        text += f", {run.progress:.0%} of the schedule"
    if full and count:
        text += f"; at full length an epoch has {counted(full // count, 'step')}, {full:,} in all"
    elif full:
        text += f"; {full:,} at full length"
    return f"{run.experiment.title}: {text}."


def validation(results: Results, run: Trained) -> str:
    """What a run's PSNR-Y was measured on, and how."""
    images = run.recipe.data.valid_images
    what = f"{counted(images, 'picture')} of {results.plan.valid}" if images else results.plan.valid
    return (
        f"PSNR-Y on {what}, protocol {protocol_of(run.recipe.data).name}; "
        f"trained on {results.plan.train}; scalewise {run.environment.scalewise}"
    )


def curve(run: Trained, title: str | None = None) -> Curve:
    """A run's curve."""
    return Curve(title or run.experiment.title, run.lines, protocol_of(run.recipe.data))


def _alone(results: Results, run: Trained, model: str) -> Picture:
    title = run.experiment.title
    return plots.picture(
        f"curves-{run.name}",
        plots.curves([curve(run)], first=list(MODELS).index(model)),
        f"{title}: training loss and validation PSNR-Y, the document's figures {CURVES}. "
        f"{validation(results, run)}.",
        f"Two plots against steps. {_in_words(run)}",
    )


def _together(results: Results, runs: list[Trained], phase: str, title: str) -> Picture:
    names = " and ".join(MODELS[run.name.split("_")[0]] for run in runs)
    where = " ".join(dict.fromkeys(f"{validation(results, run)}." for run in runs))
    return plots.picture(
        f"curves-both-{phase}",
        plots.curves([curve(run, MODELS[run.name.split("_")[0]]) for run in runs]),
        f"{names}, {title}: both networks in one plot. {where}",
        f"Two plots against steps. {' '.join(_in_words(run) for run in runs)}",
    )


def _in_words(run: Trained) -> str:
    """The ends of a run's curves, for who cannot see them."""
    first, last = run.lines[0], run.lines[-1]
    best = decibels(best_psnr_y(run.lines))
    return (
        f"{run.experiment.title}: loss from {first.loss:.3g} at step {first.step:,} to "
        f"{last.loss:.3g} at step {last.step:,}; best validation PSNR-Y {best} dB."
    )
