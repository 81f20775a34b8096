"""Judges by the document's own trainings, of one seed, in either form.

They say how a training went on, and add what the document's own form shows to the verdicts on
comparisons, which are in the modern form.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from scalewise.experiments import queries, stability
from scalewise.experiments.comparisons import DOCUMENT_IMAGES, WARM_UP
from scalewise.experiments.formatting import difference, listed, score_name, signed, spanned
from scalewise.experiments.judges import OF_IMAGES, Evidence, validation_score
from scalewise.experiments.results import Results, Trained
from scalewise.experiments.seeds import deviation
from scalewise.experiments.verdicts import Finding, Verdict
from scalewise.training.log import LogLine, best_psnr_y

STILL_RISING = 0.05
"""Least rise of PSNR-Y in dB over the last fifth of a training that counts as one."""

LAST_FIFTH = 0.8
"""Progress of a training after which a validation is one of its last fifth."""

FEWEST_CHANGES = 3
"""Fewest changes from one validation to the next that have a deviation worth the name."""

FORM = queries.FORMS["document"]


def scores(evidence: Evidence) -> list[Finding]:
    """Remark on the scores of both networks: Adaptive's less Original's."""
    results = evidence.document
    if results is None:
        return []
    first, second = (results.find(f"{name}_mixed") for name in ("adaptive", "original"))
    dataset, protocol = queries.judged_on(results, "training"), queries.table_protocols(results)[0]
    gain = queries.gain(first, second, dataset, protocol)
    if gain is None:
        return []
    both = [x for x in (first, second) if x]
    are_below = queries.are_below_bicubic(results, both, dataset, protocol)
    note = "1 seed, both below bicubic" if are_below else "1 seed"
    text = f"{difference(gain)} dB on {dataset} ({note})"
    return [Finding(FORM, None, text, score=score_name("psnr_y", [protocol]))]


def artifacts(evidence: Evidence) -> list[Finding]:
    """Remark on overshoot and ringing of each sample image: Original's less Adaptive's."""
    results = evidence.document
    if results is None:
        return []
    first, second = (f"{name}_mixed" for name in ("original", "adaptive"))
    found: dict[str, list[str]] = {"overshoot": [], "ringing": []}
    for sample in results.samples:
        if first not in sample.artifacts or second not in sample.artifacts:
            continue
        ours, theirs = sample.artifacts[first], sample.artifacts[second]
        gaps = {"overshoot": ours.overshoot - theirs.overshoot}
        gaps["ringing"] = ours.ringing - theirs.ringing
        for name, gap in gaps.items():
            found[name].append(f"{sample.name} {signed(gap, 3)}")
    texts = [f"{name} {', '.join(values)}" for name, values in found.items() if values]
    if not texts:
        return []
    return [Finding(FORM, None, f"{'; '.join(texts)} levels (1 seed)", score=OF_IMAGES)]


def gradients(evidence: Evidence) -> list[Finding]:
    """Remark on how much the gradient's norm varies in the trainings of both networks."""
    results, measure = evidence.document, stability.relative_deviation(WARM_UP)
    if results is None:
        return []
    texts = [
        f"{run.title} {value:.2f}"
        for run in results.group("training")
        if (value := measure(run)) is not None
    ]
    if not texts:
        return []
    text = f"gradient's deviation over its mean {'; '.join(texts)}"
    return [Finding(FORM, None, f"{text} (1 seed; attention and Adam differ from the above, too)")]


def second_training(evidence: Evidence) -> list[Finding]:
    """Judge whether Original is better after its second training, with the mixed loss."""
    found: list[Finding] = []
    for results in (evidence.document, evidence.modern):
        first = results.find("original_l1") if results else None
        gain = _gain_of_the_second(results, first) if results and first else None
        if results is None or first is None or gain is None:
            continue
        text = f"{difference(gain)} dB on the validation images (1 seed"
        text += ", twice the epochs)" if results.plan.form == "document" else ", continued)"
        judged: Verdict | None = None if found else "cannot be told"
        form, score = queries.FORMS[results.plan.form], validation_score([first])
        found.append(Finding(form, judged, text, score=score))
    return found or [Finding("one run", "not yet measured", "")]


class Rise(NamedTuple):
    """Rise of the best PSNR-Y in the last fifth of a training, and the noise around it.

    Attributes:
        rise: the best of the last fifth less the best before, in dB.
        noise: standard deviation of the changes from one validation to the next in the training's
            second half, in dB.
        changes: number of these changes.
        before, after: progress of the validations that were compared, in [0, 1].
    """

    rise: float
    noise: float
    changes: int
    before: list[float]
    after: list[float]

    @property
    def is_rising(self) -> bool:
        """True if the score still rose at the end."""
        return self.rise > max(STILL_RISING, self.noise)


def rise_at_the_end(lines: Sequence[LogLine]) -> Rise | None:
    """Return how much a training still rose at its end; None with too few validations."""
    found = {line.progress: line.psnr_y for line in lines if line.psnr_y is not None}
    before = {progress: value for progress, value in found.items() if progress <= LAST_FIFTH}
    after = {progress: value for progress, value in found.items() if progress > LAST_FIFTH}
    late = [value for progress, value in found.items() if progress >= 0.5]
    changes = [second - first for first, second in pairwise(late)]
    noise = deviation(changes)
    if not before or not after or noise is None or len(changes) < FEWEST_CHANGES:
        return None
    rise = max(after.values()) - max(before.values())
    return Rise(rise, noise, len(changes), [*before], [*after])


def _rise_text(run: Trained, found: Rise | None) -> str:
    """Return how a training ended, with the epochs at which it was validated."""
    title, epochs = queries.MODELS[run.name.removesuffix("_l1")], run.recipe.budget.epochs or 1

    def at(progress: Sequence[float]) -> list[int]:
        return [round(each * epochs) for each in progress]

    if found is None:
        validated = at([line.progress for line in run.lines if line.psnr_y is not None])
        where = f"after epochs {listed(map(str, validated))}" if validated else "never"
        return f"{title} was validated too rarely to tell ({where})"
    text = f"{title} {difference(found.rise)} dB, the best of epochs {spanned(at(found.after))} "
    text += f"less that of {spanned(at(found.before))} (noise {found.noise:.2f}, the deviation of "
    return f"{text}{found.changes} changes)"


def epochs(evidence: Evidence) -> list[Finding]:
    """Judge whether ten epochs are too few: the score still rises at their end.

    Shortened epochs judge nothing: of course they are too few.
    """
    found: list[Finding] = []
    for results in (evidence.document, evidence.modern):
        runs = [x for name in queries.MODELS if results and (x := results.find(f"{name}_l1"))]
        rises = {run.name: rise_at_the_end(run.lines) for run in runs}
        rising = [each.is_rising for each in rises.values() if each is not None]
        if results is None or not runs:
            continue
        is_whole = all(_has_whole_epochs(run) for run in runs)
        verdict: Verdict = "cannot be told"
        if is_whole and len(rising) == len(runs) and (all(rising) or not any(rising)):
            verdict = "holds" if all(rising) else "does not hold"
        texts = [_rise_text(run, rises[run.name]) for run in runs]
        later = [
            f"{queries.MODELS[run.name[:-3]]} {difference(gain)} dB"
            for run in runs
            if (gain := _gain_of_the_second(results, run)) is not None
        ]
        text = f"in the last fifth {'; '.join(texts)}; 1 seed"
        if not is_whole:
            text += ", of shortened epochs, which judge nothing"
        if later:
            text += f"; the second training ends above it by {', '.join(later)}"
        judged = None if found else verdict  # the document's own form is the one that counts
        form, score = queries.FORMS[results.plan.form], validation_score(runs)
        found.append(Finding(form, judged, text, score=score))
    return found or [Finding("one run", "not yet measured", "")]


def _has_whole_epochs(run: Trained) -> bool:
    """Return whether a training has all of its steps, and sees all 800 images in each epoch."""
    data = run.recipe.data
    seen = DOCUMENT_IMAGES if data.epoch is None else data.epoch * data.batch
    return run.steps >= (run.experiment.full_steps or 0) and seen >= DOCUMENT_IMAGES


def _gain_of_the_second(results: Results, first: Trained) -> float | None:
    second = results.find(first.name.replace("_l1", "_mixed"))
    before, after = best_psnr_y(first.lines), best_psnr_y(second.lines) if second else None
    return None if before is None or after is None else after - before
