"""What was run, what is missing, and the scores at a glance."""

from __future__ import annotations

from scalewise.reproducing.document import Block, Paragraph, Points, Section
from scalewise.reproducing.reading import (
    FORMS,
    finals,
    gain,
    missing,
    psnr_y,
    reference,
    short_title,
)
from scalewise.reproducing.results import Environment, Results
from scalewise.reproducing.tables import at_a_glance
from scalewise.reproducing.wording import counted, difference, duration, listed

MEANING = {
    "document": "whole pictures squashed to one size, never flipped",
    "modern": "patches of pictures in their own aspect, flipped and turned",
}
"""What each form of the recipes learns from."""


def opening(results: Results) -> Section:
    """The first section."""
    plan = results.plan
    points = [
        f"Recipes in {FORMS[plan.form]}: {MEANING[plan.form]}.",
        f"Budget: {plan.budget} for everything, measuring included; "
        f"{spent(results)} of training are in this report.",
        f"Data: trained on {plan.train}; checkpoints chosen on {plan.valid}.",
        *machines(results),
    ]
    if absent := missing(results):
        points.append(
            f"Missing, because not trained and measured yet: "
            f"{listed(each.title for each in absent)}."
        )
    return Section(
        "What was run",
        [
            Points(points),
            Section("At a glance", [at_a_glance(results), *comparison(results)]),
        ],
    )


def spent(results: Results) -> str:
    """How long all of it was trained."""
    return duration(sum(run.seconds for run in results.trained))


def machines(results: Results) -> list[str]:
    """What trained the networks, a text for each machine and set of versions."""
    used: dict[str, list[str]] = {}
    for run in results.trained:
        used.setdefault(_machine(run.environment), []).append(run.name)
    if len(used) == 1:
        return [f"Machine and versions: {next(iter(used))}."]
    return [f"Machine and versions of {listed(names)}: {text}." for text, names in used.items()]


def comparison(results: Results) -> list[Block]:
    """The two networks in a sentence, from the numbers alone."""
    dataset, runs = reference(results), finals(results)
    sentences: list[str] = []
    if len(runs) == 2 and (apart := gain(runs[0], runs[1], dataset)) is not None:
        first, second = (short_title(run) for run in runs)
        sentences.append(f"{first} is {apart_in_words(apart)} {second} on {dataset}")
    bicubic = psnr_y(results.bicubic, dataset)
    over = [
        f"{short_title(run)} {difference(mine - bicubic)} dB"
        for run in runs
        if bicubic is not None and (mine := psnr_y(run.measured, dataset)) is not None
    ]
    if over:
        sentences.append(f"against bicubic there: {listed(over)}")
    return [Paragraph(f"{'; '.join(sentences)} (PSNR-Y, protocol field).")] if sentences else []


def apart_in_words(value: float) -> str:
    """How far one score lies from another.

    >>> apart_in_words(0.414), apart_in_words(-1.0), apart_in_words(0.0)
    ('0.41 dB above', '1.00 dB below', 'level with')
    """
    if round(value, 2) == 0:
        return "level with"
    return f"{abs(value):.2f} dB {'above' if value > 0 else 'below'}"


def _machine(environment: Environment) -> str:
    precision, threads = environment.precision, counted(environment.threads, "thread")
    return (
        f"{environment.processor} ({environment.device}, {precision}, {threads}), "
        f"{environment.system}; scalewise {environment.scalewise}, Python {environment.python}, "
        f"PyTorch {environment.torch}, NumPy {environment.numpy}"
    )
