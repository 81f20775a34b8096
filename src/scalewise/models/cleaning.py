"""Artifact removal and denoising ahead of a network: a wrapper around any network.

Two of the directions that M. Pratap's "Scale-wise Convolution for image restoration" leaves for
the future.  Both work on the image itself, in its own size, and return an image, so they go ahead
of any network's feature extraction:

- the denoising block learns the noise and subtracts it, as Zhang et al., "Beyond a Gaussian
  Denoiser", TIP 2017 (https://arxiv.org/abs/1608.03981) do;
- the artifact module first estimates where and how much the image is damaged, then corrects it.
  Its map is a part of the network with a target of its own, like the noise level map of Guo et
  al., "Toward Convolutional Blind Denoising of Real Photographs", CVPR 2019
  (https://arxiv.org/abs/1807.04686).

Each starts as the identity.  Artifacts are removed first, because an image is compressed after
the noise was added.  The losses: ``scalewise.training.losses.cleaning_loss``.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, overload

from torch import Tensor, nn

from scalewise.errors import ScalewiseError
from scalewise.models.base import RestorationNetwork

CLEANING_SETTINGS = {"denoise": 0, "artifacts": 0}
"""Settings of every network that takes a cleaning, and their defaults: convolutions of the
denoising block and of the artifact module."""

MOST_LAYERS = 8
"""The most convolutions in both together.  Each widens the receptive field by one pixel, so the
overlap of tiles has one pixel less to spare.  With this limit the largest difference between tiled
and whole is still below a level of 255 (``tests/restoring/test_seams.py``)."""


class CleanedNetwork(RestorationNetwork):
    """A network that restores a cleaned image: :class:`Cleaning`, then the network.

    Its ``state_dict`` has the network's own names, and those of ``cleaning``.

    Args:
        network: the network that restores the cleaned image.
        denoise, artifacts: see :class:`Cleaning`.
        width: features of the cleaning.
    """

    def __init__(
        self, network: RestorationNetwork, *, denoise: int = 0, artifacts: int = 0, width: int = 32
    ) -> None:
        super().__init__(network.scale, network.channels, network.multiple)
        self.tiling = network.tiling
        self.cleaning = Cleaning(network.channels, width, denoise, artifacts)
        self.network = network
        self.register_state_dict_post_hook(_leave_out_wrapper)  # pyright: ignore[reportUnknownMemberType]
        self.register_load_state_dict_pre_hook(_put_in_wrapper)  # pyright: ignore[reportUnknownMemberType]

    @overload
    def forward(self, image: Tensor) -> Tensor: ...

    @overload
    def forward(self, image: Tensor, with_cleaned: Literal[True]) -> tuple[Tensor, Cleaned]: ...

    def forward(self, image: Tensor, with_cleaned: bool = False) -> object:
        """Restore an image; see :class:`RestorationNetwork`.

        Args:
            image: the image to restore.
            with_cleaned: return the cleaned image too, for a loss that includes it.
        """
        height, width = image.shape[-2:]
        cleaned: Cleaned = self.cleaning(self.align(image))
        restored = self.network.restore(cleaned.image)
        restored = restored[..., : height * self.scale, : width * self.scale]
        return (restored, cleaned.cropped(height, width)) if with_cleaned else restored

    def restore(self, image: Tensor) -> Tensor:
        """See :class:`RestorationNetwork`."""
        return self.network.restore(self.cleaning(image).image)

    def align(self, image: Tensor) -> Tensor:
        """See :class:`RestorationNetwork`."""
        return self.network.align(image)


def _leave_out_wrapper(_: nn.Module, state: dict[str, Tensor], prefix: str, __: Any) -> None:
    """Remove the wrapper's prefix from the names of a network's weights."""
    for name in [name for name in state if name.startswith(prefix)]:
        own = name.removeprefix(prefix)
        state[prefix + own.removeprefix("network.")] = state.pop(name)


def _put_in_wrapper(_: nn.Module, state: dict[str, Tensor], prefix: str, *__: Any) -> None:
    """Add the wrapper's prefix to the names of a network's weights."""
    for name in [name for name in state if name.startswith(prefix)]:
        own = name.removeprefix(prefix)
        if not own.startswith("cleaning."):
            state[f"{prefix}network.{own}"] = state.pop(name)


class Cleaned(NamedTuple):
    """A cleaned image and its artifact map.

    Attributes:
        image: the network's input, (N, channels, H, W) in [0, 1] with over- and undershoot.  It
            comes from the denoising block if there is one.
        artifact_map: (N, 1, H, W) in [0, 1], the damage at each pixel; None without an artifact
            module.
    """

    image: Tensor
    artifact_map: Tensor | None

    def cropped(self, height: int, width: int) -> Cleaned:
        """Return the top left part of a given size."""
        images = (None if x is None else x[..., :height, :width] for x in self)
        return Cleaned(*images)  # pyright: ignore[reportArgumentType]


class Cleaning(nn.Module):
    """The artifact module, then the denoising block; either may be left out.

    Args:
        channels: image channels.
        width: features of either.
        denoise: convolutions of the denoising block, at least 2; 0 for none.
        artifacts: convolutions of the artifact module, at least 2; 0 for none.

    Raises:
        ScalewiseError: there are too few or too many convolutions.
    """

    def __init__(
        self, channels: int, width: int = 32, denoise: int = 0, artifacts: int = 0
    ) -> None:
        super().__init__()
        for name, layers in (("denoise", denoise), ("artifacts", artifacts)):
            if layers < 0 or layers == 1:
                raise ScalewiseError(
                    f"{name} must be 0 or at least 2 convolutions, not {layers}", arguments=[name]
                )
        if denoise + artifacts > MOST_LAYERS:
            raise ScalewiseError(
                f"denoise and artifacts may have {MOST_LAYERS} convolutions together, "
                f"not {denoise + artifacts}",
                arguments=["denoise", "artifacts"],
            )
        self.artifacts = ArtifactModule(channels, width, artifacts) if artifacts else None
        self.denoise = DenoisingBlock(channels, width, denoise) if denoise else None

    def forward(self, image: Tensor) -> Cleaned:
        """Clean (N, channels, H, W) in [0, 1]."""
        artifact_map = None
        if self.artifacts is not None:
            image, artifact_map = self.artifacts(image)
        if self.denoise is not None:
            image = self.denoise(image)
        return Cleaned(image, artifact_map)


class DenoisingBlock(nn.Module):
    """``x + Convs(x)``, with ReLU between the convolutions; the last one starts at zero.

    Maps (N, channels, H, W) to the same shape.

    Args:
        channels: image channels.
        width: features between the convolutions.
        layers: 3x3 convolutions, at least 2.
    """

    def __init__(self, channels: int, width: int, layers: int) -> None:
        super().__init__()
        self.features = features(channels, width, layers - 1)
        self.noise = zero_conv(width, channels)

    def forward(self, image: Tensor) -> Tensor:
        """See the class."""
        return image + self.noise(self.features(image - 0.5))


class ArtifactModule(nn.Module):
    """``x + map * correction``: a detector and a corrector with shared features.

    ``map = sigmoid(Conv(f))``, one number per pixel, and ``correction = Conv(f)``, which starts
    at zero, with ``f`` from convolutions with ReLU behind each.

    Args:
        channels: image channels.
        width: features.
        layers: 3x3 convolutions from the image to map or correction, at least 2.
    """

    def __init__(self, channels: int, width: int, layers: int) -> None:
        super().__init__()
        self.features = features(channels, width, layers - 1)
        self.detect = nn.Conv2d(width, 1, 3, padding=1)
        self.correct = zero_conv(width, channels)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Map (N, channels, H, W) to the corrected image and the map, (N, 1, H, W) in [0, 1]."""
        found = self.features(image - 0.5)
        artifact_map = self.detect(found).sigmoid()
        return image + artifact_map * self.correct(found), artifact_map


def features(channels: int, width: int, layers: int) -> nn.Sequential:
    """Return 3x3 convolutions, each followed by ReLU: (N, channels, H, W) to (N, width, H, W)."""
    stack = nn.Sequential()
    for layer in range(layers):
        stack.append(nn.Conv2d(width if layer else channels, width, 3, padding=1))
        stack.append(nn.ReLU(inplace=True))
    return stack


def zero_conv(width: int, channels: int) -> nn.Conv2d:
    """Return a 3x3 convolution that starts at zero."""
    conv = nn.Conv2d(width, channels, 3, padding=1)
    nn.init.zeros_(conv.weight)
    nn.init.zeros_(conv.bias)  # pyright: ignore[reportArgumentType]
    return conv
