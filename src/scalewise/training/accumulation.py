"""Gradient accumulation: a batch in parts, one after the other, with the gradient of the whole."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from scalewise.arguments import counted
from scalewise.errors import ScalewiseError
from scalewise.training.batches import Batch


def check_parts(number: int, patches: int) -> None:
    """Check that a process's patches can be divided into equal parts.

    Raises:
        ScalewiseError: they cannot.
    """
    if patches % number:
        raise ScalewiseError(
            f"optimizer.accumulate must divide the {counted(patches, 'patch', 'patches')} of each "
            f"process, not be {number}"
        )


def backward_in_parts(loss_of: Callable[[Batch], Tensor], batch: Batch, number: int) -> Tensor:
    """Add a batch's gradient to the parameters, and return its loss.

    Losses are means over patches, so the mean over equal parts is that of the whole batch.  Among
    several processes every part is averaged; their sum is the same as the average of the sums.

    Args:
        loss_of: from a batch to its loss.
        batch: tensors of N patches each.
        number: of parts; must divide N.

    Returns:
        A scalar.
    """
    if number == 1:
        loss = loss_of(batch)
        loss.backward()  # pyright: ignore[reportUnknownMemberType]
        return loss
    losses: list[Tensor] = []
    for part in zip(*(each.chunk(number) for each in batch), strict=True):
        loss = loss_of(part) / number
        loss.backward()  # pyright: ignore[reportUnknownMemberType]
        losses.append(loss.detach())
    return torch.stack(losses).sum()
