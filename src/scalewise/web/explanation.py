"""Explanations: what is done with an image and why, in plain words."""

from __future__ import annotations

from typing import Literal

from scalewise.arguments import counted
from scalewise.imaging.blind_estimation import Estimate, with_article
from scalewise.tasks import SUPER_RESOLUTION, Task
from scalewise.visibility import exceeds, has_artifacts, is_graphics, is_noisy

Why = Literal["seen", "chosen", "offered"]

_NOTHING_VISIBLE = "neither noise nor artifacts of compression are visible"
_GRAPHICS = "this seems to be text or graphics"


def describe_cause(estimate: Estimate, kind: str) -> str:
    """Describe what is wrong with an image, or what it shows, as the end of a sentence.

    Args:
        estimate: its noise, compression and content.
        kind: of its file, such as ``JPEG``.

    >>> describe_cause(Estimate(1.0, 30), "JPEG")
    'this is a JPEG of quality 30'
    >>> describe_cause(Estimate(1.0, 30), "PNG")
    'the pixels were a JPEG of quality 30 once'
    >>> describe_cause(Estimate(1.0, 75, codec="WebP"), "WebP")
    'this is a WebP of quality 75'
    >>> describe_cause(Estimate(1.0, 60, codec="AVIF"), "AVIF")
    'this is an AVIF of quality 60'
    >>> describe_cause(Estimate(12.0, None), "PNG")
    'noise of about 12 levels is visible'
    >>> describe_cause(Estimate(1.0, 60, "text or graphics"), "JPEG")
    'this seems to be text or graphics, and this is a JPEG of quality 60'
    """
    causes: list[str] = []
    if has_artifacts(estimate, enlarged=True):
        of = f"{with_article(estimate.codec)} of quality {estimate.quality}"
        causes.append(f"this is {of}" if kind == estimate.codec else f"the pixels were {of} once")
    if is_noisy(estimate):
        causes.append(f"noise of about {counted(round(estimate.sigma), 'level')} is visible")
    cause = " and ".join(causes) or _NOTHING_VISIBLE
    return f"{_GRAPHICS}, and {cause}" if is_graphics(estimate) else cause


def explain(
    task: Task,
    factor: float,
    estimate: Estimate,
    *,
    kind: str,
    strength: float = 1.0,
    why: Why = "seen",
) -> str:
    """Say what a task does with an image, and why.

    Args:
        task: of the model.
        factor: width of the result over that of the image.
        estimate: noise, compression and content of the image.
        kind: of its file, such as ``JPEG``.
        strength: part of the change that is kept.
        why: ``seen`` in the image, ``chosen`` by the user, or only ``offered``.

    >>> from scalewise.tasks import DENOISE, PHOTO
    >>> explain(PHOTO, 2, Estimate(1.0, 30), kind="JPEG")
    'Enlarged 2x, artifacts reduced, because this is a JPEG of quality 30'
    >>> explain(DENOISE, 1, Estimate(12.0), kind="PNG", strength=0.5, why="chosen")
    'Noise removed at strength 0.5, as chosen; noise of about 12 levels is visible'
    """
    removed = _removed(task, estimate)
    if removed and strength < 1:
        removed += f" at strength {strength:g}"
    done = ", ".join(filter(None, [_resized(factor), removed])) or "Size and pixels kept"
    cause = describe_cause(estimate, kind)
    done = done[:1].upper() + done[1:]
    if why != "seen":
        return f"{done}{', as chosen' if why == 'chosen' else ''}; {cause}"
    if not removed:
        done += ", nothing else"
    return f"{done}, because {cause}"


def _resized(factor: float) -> str:
    if abs(factor - 1) < 1e-6:
        return ""
    return f"enlarged {factor:.3g}x" if factor > 1 else f"reduced to {100 * factor:.0f} %"


def _removed(task: Task, estimate: Estimate) -> str:
    """Return what a task removes, of what is there; all of it where nothing is seen."""
    if task.training is None:
        return "" if task == SUPER_RESOLUTION or task.only_enlarges else task.title.lower()
    removable: list[tuple[str, bool, bool]] = [
        ("noise", task.training.sigma is not None, is_noisy(estimate)),
        ("artifacts", task.training.quality is not None, has_artifacts(estimate, enlarged=True)),
    ]
    kinds = [kind for kind, is_trained, is_seen in removable if is_trained and is_seen]
    kinds = kinds or [kind for kind, is_trained, _ in removable if is_trained]
    ranges = task.training.sigma, task.training.quality, task.training.sensor
    done = "reduced" if exceeds(estimate, *ranges) else "removed"
    return f"{' and '.join(kinds)} {done}" if kinds else ""
