"""Networks of other projects, as the package spandrel (MIT licence) recognises them.

Spandrel tells some forty architectures from their checkpoints: ESRGAN and Real-ESRGAN, SPAN,
SwinIR, HAT, DRUNet and others (https://github.com/chaiNNer-org/spandrel).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from torch import Tensor, nn

from scalewise.arguments import counted
from scalewise.errors import ScalewiseError
from scalewise.models.base import RestorationNetwork

_TILINGS: dict[str, Any] = {"SUPPORTED": "blended", "DISCOURAGED": "whole", "INTERNAL": "whole"}


class SpandrelNetwork(RestorationNetwork):
    """A network behind spandrel's descriptor, which pads as it needs and clips to [0, 1].

    Args:
        descriptor: spandrel's ``ImageModelDescriptor``.

    Raises:
        ScalewiseError: it is not for grey or RGB images alone, such as one that takes a mask.
    """

    def __init__(self, descriptor: Any) -> None:
        nn.Module.__init__(self)  # other networks enlarge by more than 4
        kind = descriptor.architecture.name
        channels = descriptor.input_channels, descriptor.output_channels
        if descriptor.purpose == "Inpainting" or channels not in ((1, 1), (3, 3)):
            raise ScalewiseError(
                f"{kind} takes {counted(channels[0], 'channel')} and returns {channels[1]}; only "
                "networks for grey or RGB images, without a mask, can be used"
            )
        self.scale = descriptor.scale
        self.channels = channels[0]
        self.multiple = descriptor.size_requirements.multiple_of
        self.tiling = _TILINGS[descriptor.tiling.name]
        self.architecture = f"spandrel:{kind}"
        self.settings = {}
        self.network: nn.Module = descriptor.model.eval()
        self._descriptor = descriptor

    @property
    def weights(self) -> dict[str, Tensor]:
        """The weights by the names that spandrel reads."""
        return {name: each.contiguous() for name, each in self.network.state_dict().items()}

    def restore(self, image: Tensor) -> Tensor:
        """See :class:`RestorationNetwork`; the result is clipped to [0, 1]."""
        return self._descriptor(image)


def load_with_spandrel(state: Mapping[str, Tensor]) -> SpandrelNetwork | None:
    """Return the network of a state dictionary; None if spandrel is missing or does not know it.

    Raises:
        ScalewiseError: its weights do not fit, or :class:`SpandrelNetwork` refuses it.
    """
    try:
        spandrel: Any = import_module("spandrel")
    except ModuleNotFoundError:
        return None
    try:
        descriptor = spandrel.ModelLoader().load_from_state_dict(dict(state))
    except spandrel.UnsupportedModelError:
        return None
    except Exception as error:  # of any of its architectures
        reason = " ".join(str(error).split())[:120]
        raise ScalewiseError(f"spandrel cannot load its weights ({reason})") from error
    return SpandrelNetwork(descriptor)
