"""Choices of an upload: what can be done with it, at what size, in what time and why."""

from __future__ import annotations

from pathlib import Path

from scalewise.errors import ScalewiseError
from scalewise.files import IMAGE_SUFFIXES, format_of
from scalewise.restoring.selection import select_model
from scalewise.restoring.sizes import Target
from scalewise.tasks import get_task, list_tasks
from scalewise.web.explanation import explain
from scalewise.web.limits import Limits
from scalewise.web.restore_request import RestoreRequest
from scalewise.web.schemas import Choice, EstimateView, UploadView
from scalewise.web.speed import Speeds, Work, work_of
from scalewise.web.upload_store import KeptUpload
from scalewise.weights import default_model, resolve
from scalewise.weights.card import Card


def model_cards() -> list[Card]:
    """Return the cards of the models that tasks use by default."""
    cards: list[Card] = []
    for name in list_tasks():
        try:
            cards.append(resolve(default_model(name)).card)
        except ScalewiseError:  # no model of this installation has the task
            continue
    return cards


def upload_view(
    kept: KeptUpload, speeds: Speeds, limits: Limits, target: Target | None = None
) -> UploadView:
    """Return the description of an upload for clients.

    Args:
        kept: the upload.
        speeds: of the models, as far as they are known.
        limits: choices beyond them are left out.
        target: the size of what enlarges; that of the models by default.

    Raises:
        ScalewiseError: the image cannot be read.
    """
    estimate = kept.estimate
    recommended = select_model(estimate, enlarge=True)
    suffix = f".{kept.format.lower()}"
    written = format_of(Path(f"a{suffix if suffix in IMAGE_SUFFIXES else '.png'}")).name
    choices: list[Choice] = []
    for card in model_cards():
        wanted = target if target is not None and card.scale > 1 else Target()
        height, width = wanted.size(kept.height, kept.width, card.scale)
        if width * height > limits.max_result_pixels(written):
            continue
        task = get_task(card.task)
        work = work_of(card, wanted, 1.0, kept.width, kept.height, written)
        seconds = speeds.seconds(work)
        is_recommended = card.name == recommended
        choices.append(
            Choice(
                task=card.task,
                title=task.title,
                model=card.name,
                scale=card.scale,
                out_width=width,
                out_height=height,
                seconds=None if seconds is None else round(seconds, 1),
                exceeds_limit=seconds is not None and seconds > limits.max_seconds,
                recommended=is_recommended,
                explanation=explain(
                    task,
                    width / kept.width,
                    estimate,
                    is_jpeg=kept.format == "JPEG",
                    why="seen" if is_recommended else "offered",
                ),
            )
        )
    return UploadView(
        id=kept.id,
        name=kept.name,
        width=kept.width,
        height=kept.height,
        format=kept.format,
        created=round(kept.created, 3),
        estimate=EstimateView(sigma=round(estimate.sigma, 2), jpeg_quality=estimate.quality),
        choices=sorted(choices, key=lambda choice: not choice.recommended),
    )


def card_of_request(request: RestoreRequest, kept: KeptUpload) -> Card:
    """Return the card of the model that a request means for an upload.

    Raises:
        ScalewiseError: the image cannot be read.
    """
    model = request.model or select_model(kept.estimate, enlarge=True)
    assert model is not None
    return resolve(model).card


def work_of_request(request: RestoreRequest, kept: KeptUpload) -> Work:
    """Return what an upload costs; errors are those of :func:`card_of_request`."""
    card = card_of_request(request, kept)
    form = format_of(Path(request.result_name)).name
    return work_of(card, request.target, request.strength, kept.width, kept.height, form)


def explain_request(request: RestoreRequest, kept: KeptUpload) -> str:
    """Say what a request does with an upload, and why; errors as for :func:`card_of_request`."""
    card = card_of_request(request, kept)
    _, width = request.target.size(kept.height, kept.width, card.scale)
    return explain(
        get_task(card.task),
        width / kept.width,
        kept.estimate,
        is_jpeg=kept.format == "JPEG",
        strength=request.strength,
        why="seen" if request.model is None else "chosen",
    )
