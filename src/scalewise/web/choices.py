"""Choices of an upload: what can be done with it, at what size, in what time and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scalewise.errors import ScalewiseError
from scalewise.files import IMAGE_SUFFIXES, format_of
from scalewise.restoring.selection import AUTO_SCALE, select_model
from scalewise.restoring.sizes import Target
from scalewise.tasks import AUTO, get_task, list_tasks
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


@dataclass(frozen=True)
class _Offer:
    """Offer of a task: what to ask for, its title, the model, and times the size."""

    task: str
    title: str
    card: Card
    scale: int


def _offers(recommended: Card) -> list[_Offer]:
    """Return what is offered: every task, and what restores an image before it is enlarged."""
    offers = [
        _Offer(card.task, get_task(card.task).title, card, card.scale) for card in model_cards()
    ]
    if recommended.scale == 1:
        offers.append(_Offer(AUTO, "Restore, then enlarge", recommended, AUTO_SCALE))
    return offers


def _selected_card(kept: KeptUpload) -> Card:
    """Return the card of the first model that an upload goes through where none is chosen."""
    model = select_model(kept.estimate, enlarge=True)
    assert model is not None
    return resolve(model).card


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
    recommended = _selected_card(kept)
    suffix = f".{kept.format.lower()}"
    written = format_of(Path(f"a{suffix if suffix in IMAGE_SUFFIXES else '.png'}")).name
    choices: list[Choice] = []
    for offer in _offers(recommended):
        card, task = offer.card, get_task(offer.card.task)
        chosen = target if target is not None and offer.scale > 1 else Target()
        wanted = chosen.or_scale(offer.scale)
        height, width = wanted.size(kept.height, kept.width, offer.scale)
        if width * height > limits.max_result_pixels(written):
            continue
        work = work_of(card, wanted, 1.0, kept.width, kept.height, written)
        seconds = speeds.seconds(work)
        is_recommended = card.name == recommended.name and offer.scale > 1
        choices.append(
            Choice(
                task=offer.task,
                title=offer.title,
                model=card.name,
                scale=offer.scale,
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
    """Return the card of the model that a request means for an upload; others may follow it.

    Raises:
        ScalewiseError: the image cannot be read.
    """
    return _selected_card(kept) if request.model is None else resolve(request.model).card


def work_of_request(request: RestoreRequest, kept: KeptUpload) -> Work:
    """Return what an upload costs; errors are those of :func:`card_of_request`."""
    card = card_of_request(request, kept)
    form = format_of(Path(request.result_name)).name
    target = request.full_target
    return work_of(card, target, request.strength, kept.width, kept.height, form)


def explain_request(request: RestoreRequest, kept: KeptUpload) -> str:
    """Say what a request does with an upload, and why; errors as for :func:`card_of_request`."""
    card = card_of_request(request, kept)
    _, width = request.target.size(kept.height, kept.width, request.native_scale)
    return explain(
        get_task(card.task),
        width / kept.width,
        kept.estimate,
        is_jpeg=kept.format == "JPEG",
        strength=request.strength,
        why="seen" if request.model is None else "chosen",
    )
