"""Choices of an upload: what can be done with it, at what size, in what time and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scalewise.files import IMAGE_SUFFIXES, format_of
from scalewise.imaging.blind_estimation import Estimate
from scalewise.restoring.selection import AUTO_SCALE
from scalewise.restoring.sizes import Target
from scalewise.tasks import AUTO, get_task, select_task
from scalewise.web.catalogue import Catalogue, Chain
from scalewise.web.explanation import explain
from scalewise.web.limits import Limits
from scalewise.web.restore_request import RestoreRequest
from scalewise.web.schemas import Choice, EstimateView, UploadView
from scalewise.web.speed import Speeds, Work, work_of
from scalewise.web.upload_store import KeptUpload


@dataclass(frozen=True)
class _Offer:
    """Offer of a task: what to ask for, its title, the model, and times the size."""

    task: str
    title: str
    chain: Chain
    scale: int


def _offers(catalogue: Catalogue, recommended: Chain, estimate: Estimate) -> list[_Offer]:
    """Return what is offered: tasks, and what restores an image before it is enlarged.

    Tasks that only other images than this one call for are left out.
    """
    offers: list[_Offer] = []
    for chain in catalogue.offered:
        task = get_task(chain.card.task)
        if task.is_offered(estimate):
            offers.append(_Offer(task.name, task.title, chain, chain.card.scale))
    if recommended.card.scale == 1:
        offers.append(_Offer(AUTO, "Restore, then enlarge", recommended, AUTO_SCALE))
    return offers


def _selected(kept: KeptUpload, catalogue: Catalogue) -> Chain:
    """Return the first model that an upload goes through where none is chosen."""
    task = select_task(kept.estimate, enlarge=True)
    assert task is not None
    return catalogue.chain(catalogue.default(task.name))


def upload_view(
    kept: KeptUpload,
    catalogue: Catalogue,
    speeds: Speeds,
    limits: Limits,
    target: Target | None = None,
) -> UploadView:
    """Return the description of an upload for clients.

    Args:
        kept: the upload.
        catalogue: of the models.
        speeds: of the models, as far as they are known.
        limits: choices beyond them are left out.
        target: the size of what enlarges; that of the models by default.

    Raises:
        ScalewiseError: the image cannot be read.
    """
    estimate = kept.estimate
    recommended = _selected(kept, catalogue)
    suffix = f".{kept.format.lower()}"
    written = format_of(Path(f"a{suffix if suffix in IMAGE_SUFFIXES else '.png'}")).name
    choices: list[Choice] = []
    for offer in _offers(catalogue, recommended, estimate):
        card = offer.chain.card
        chosen = target if target is not None and offer.scale > 1 else Target()
        wanted = chosen.or_scale(offer.scale)
        height, width = wanted.size(kept.height, kept.width, offer.scale)
        if width * height > limits.max_result_pixels(written):
            continue
        work = work_of(offer.chain, wanted, 1.0, kept.width, kept.height, written)
        seconds = speeds.seconds(work)
        is_recommended = card.name == recommended.card.name and offer.scale > 1
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
                    get_task(card.task),
                    width / kept.width,
                    estimate,
                    kind=kept.format,
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
        estimate=EstimateView(
            sigma=round(estimate.sigma, 2),
            has_pattern=estimate.has_pattern,
            codec=None if estimate.quality is None else estimate.codec,
            quality=estimate.quality,
            jpeg_quality=estimate.quality if estimate.codec == "JPEG" else None,
        ),
        choices=sorted(choices, key=lambda choice: not choice.recommended),
    )


def chain_of_request(request: RestoreRequest, kept: KeptUpload, catalogue: Catalogue) -> Chain:
    """Return the model that a request means for an upload; others may follow it.

    Raises:
        ScalewiseError: the image cannot be read.
    """
    if request.model is None:
        return _selected(kept, catalogue)
    return catalogue.chain(request.model)


def work_of_request(request: RestoreRequest, kept: KeptUpload, catalogue: Catalogue) -> Work:
    """Return what an upload costs; errors are those of :func:`chain_of_request`."""
    chain = chain_of_request(request, kept, catalogue)
    form = format_of(Path(request.result_name)).name
    target = request.full_target
    return work_of(chain, target, request.strength, kept.width, kept.height, form)


def explain_request(request: RestoreRequest, kept: KeptUpload, catalogue: Catalogue) -> str:
    """Say what a request does with an upload, and why; errors as for :func:`chain_of_request`."""
    card = chain_of_request(request, kept, catalogue).card
    _, width = request.target.size(kept.height, kept.width, request.native_scale)
    return explain(
        get_task(card.task),
        width / kept.width,
        kept.estimate,
        kind=kept.format,
        strength=request.strength,
        why="seen" if request.model is None else "chosen",
    )
