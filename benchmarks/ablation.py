"""Ablation of training speed: all optimizations, then one changed at a time."""

from __future__ import annotations

import inspect
import os
import tempfile
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

import resampling
import torch
import torch.nn.functional as F
from our_loop import Settings, time_our_loop
from stopwatch import Timing
from torch import Tensor

from scalewise.training.batches import Batch, Inputs
from scalewise.training.build import build_network
from scalewise.training.loop import Trainer


class NotUsedError(Exception):
    """The network does not do what a variant replaces."""


@dataclass(frozen=True)
class Variant:
    """One change to how training is set up.

    Attributes:
        text: what is different, for the table.
        change: other settings in place of some.
        adjust: changes the trainer before its first step.
        surroundings: in force from before the trainer is made until the last step; raises
            :class:`NotUsedError` where that would change nothing.
    """

    text: str
    change: Callable[[Settings], Settings] = lambda settings: settings
    adjust: Callable[[Trainer], None] | None = None
    surroundings: Callable[[Settings], AbstractContextManager[object]] = nullcontext


def with_settings(**others: Any) -> Callable[[Settings], Settings]:
    """Return a change of some settings."""
    return lambda settings: replace(settings, **others)


def with_patches_of(side: int) -> Callable[[Settings], Settings]:
    """Return a change of the patch size, at about the same number of pixels."""

    def change(settings: Settings) -> Settings:
        batch = max(1, round(settings.batch * settings.patch**2 / side**2))
        return replace(settings, patch=side, batch=batch)

    return change


def in_default_layout(trainer: Trainer) -> None:
    """Undo channels-last, in the weights and in every batch."""
    for network in (trainer.network, trainer.ema.network):
        network.to(memory_format=torch.contiguous_format)  # pyright: ignore[reportCallIssue]
    assemble = trainer.batches.assemble

    def contiguous(inputs: Inputs) -> Batch:
        return tuple(patches.contiguous() for patches in assemble(inputs))

    trainer.batches.assemble = contiguous


def with_adam(**implementation: bool) -> Callable[[Trainer], None]:
    """Return a change to another implementation of Adam."""

    def adjust(trainer: Trainer) -> None:
        config = trainer.recipe.optimizer
        trainer.optimizer = torch.optim.Adam(
            trainer.network.parameters(), config.rate, config.betas, **implementation
        )

    return adjust


def without_kept_memory(_: Settings) -> AbstractContextManager[object]:
    """Use the allocator with the system's settings."""
    return patch("scalewise.training.machine.keep_freed_memory", lambda: None)


@contextmanager
def with_empty_cache(_: Settings) -> Generator[None, None, None]:
    """Compile without the cache of earlier compilations."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        patch.dict(os.environ, {"TORCHINDUCTOR_CACHE_DIR": folder}),
    ):
        yield


def with_pooling_by_interpolation(settings: Settings) -> AbstractContextManager[object]:
    """Halve by bilinear interpolation where the network halves by average pooling."""

    def pool(features: Tensor, kernel: int) -> Tensor:
        return resampling.by_interpolation(features, 1 / kernel)

    resampling.require_equal(resampling.by_pooling, 0.5)
    return _in_place_of("avg_pool2d", pool, settings)


def with_interpolation(
    form: resampling.Resample, factor: float
) -> Callable[[Settings], AbstractContextManager[object]]:
    """Shrink (``factor`` below 1) or enlarge in another form of bilinear interpolation."""

    def resample(*arguments: Any, **named: Any) -> Tensor | None:
        call = inspect.signature(resampling.interpolate).bind(*arguments, **named).arguments
        wanted = call.get("scale_factor") or 1
        if call.get("mode") != "bilinear" or call.get("align_corners"):
            return None
        is_meant = wanted < 1 if factor < 1 else wanted > 1
        return form(call["input"], wanted) if is_meant else None

    def surroundings(settings: Settings) -> AbstractContextManager[object]:
        resampling.require_equal(form, factor)
        resampling.require_equal(form, factor**2)
        return _in_place_of("interpolate", resample, settings)

    return surroundings


@contextmanager
def _in_place_of(
    name: str, replacement: Callable[..., Tensor | None], settings: Settings
) -> Generator[None, None, None]:
    """Replace a function of ``torch.nn.functional``, except where the replacement returns None."""
    original, replaced = getattr(F, name), 0

    def choose(*arguments: Any, **named: Any) -> Tensor:
        nonlocal replaced
        result = replacement(*arguments, **named)
        if result is None:
            return original(*arguments, **named)
        replaced += 1
        return result

    with patch.object(F, name, choose):
        build_network(settings.model, seed=0)(torch.zeros(1, 3, 16, 16))
        if not replaced:
            raise NotUsedError
        yield


VARIANTS: dict[str, Variant] = {
    "everything": Variant("everything, as recipes have it"),
    "contiguous": Variant("PyTorch's default layout, not channels last", adjust=in_default_layout),
    "f32": Variant("float32", with_settings(precision="f32")),
    "system-memory": Variant("freed memory not kept", surroundings=without_kept_memory),
    "muon": Variant("Muon", with_settings(optimizer="muon")),
    "adam": Variant("Adam, fused", with_settings(optimizer="adam")),
    "adam-foreach": Variant("Adam, `foreach`", adjust=with_adam(foreach=True)),
    "adam-default": Variant("Adam, as PyTorch picks it", adjust=with_adam()),
    "patch-64": Variant("patches of 64, as many pixels", with_patches_of(64)),
    "halve-interpolate": Variant(
        "halved by `interpolate`, not pooling", surroundings=with_pooling_by_interpolation
    ),
    "halve-pool": Variant(
        "shrunk by pooling, not `interpolate`",
        surroundings=with_interpolation(resampling.by_pooling, 0.5),
    ),
    "up-blur": Variant(
        "enlarged by repetition and blur, not `interpolate`",
        surroundings=with_interpolation(resampling.by_blur, 2),
    ),
    "up-transposed": Variant(
        "enlarged by transposed convolution, not `interpolate`",
        surroundings=with_interpolation(resampling.by_transposed_convolution, 2),
    ),
    "up-shifts": Variant(
        "enlarged by mixing neighbours, not `interpolate`",
        surroundings=with_interpolation(resampling.by_shifts, 2),
    ),
    "compile": Variant("compiled", with_settings(compile=True), surroundings=with_empty_cache),
}
"""The variants; the others are compared with the first."""


def is_changed(name: str, settings: Settings) -> bool:
    """Return whether a variant changes anything."""
    variant = VARIANTS[name]
    others = variant.adjust is not None or variant.surroundings is not nullcontext
    return others or variant.change(settings) != settings


def time_variant(name: str, settings: Settings) -> Timing | None:
    """Time our loop with one change, in a process that may keep it; None if it changes nothing.

    Raises:
        RuntimeError: PyTorch cannot do this here.
    """
    variant = VARIANTS[name]
    try:
        with variant.surroundings(settings):
            return time_our_loop(variant.change(settings), variant.adjust)
    except NotUsedError:
        return None
    except RuntimeError as error:  # a compiler's own exceptions cannot be sent to another process
        raise RuntimeError(str(error)) from None
