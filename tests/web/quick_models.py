"""Stand-ins for the models of the tasks: as the cards say, but small, with random weights."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from time import sleep

import numpy as np
import pytest
from numpy.typing import NDArray

MODELS = (
    "photo_x2",
    "graphics_jpeg_x2",
    "graphics_x2",
    "scn_x2",
    "scn_x3",
    "scn_x4",
    "denoise",
    "noisy_jpeg",
    "dejpeg",
)
PIXELS_A_SECOND = 250_000
"""Speed of each on any machine, in input pixels."""


def make_models(folder: Path) -> None:
    """Write them, each in a folder of its name."""
    import torch

    from scalewise.models import create_model
    from scalewise.weights import resolve
    from scalewise.weights.card_page import write_card
    from scalewise.weights.release import write_release

    for seed, name in enumerate(MODELS):
        card = resolve(name).card
        torch.manual_seed(seed)
        network = create_model("scn_exact", scale=card.scale, width=4, blocks=1, levels=2)
        for parameter in network.parameters():  # the exchange starts at zero; let it matter
            parameter.data.add_(0.02 * torch.randn_like(parameter))
        made = write_release(
            network.eval(),
            folder / name,
            name=name,
            summary=card.summary,
            licence=card.licence,
            training=card.training,
            task=card.task,
        )
        made = replace(
            made,
            default=card.default,
            clean_sibling=card.clean_sibling,
            cascade=card.cascade,
        )
        write_card(made, folder / name)


def run(folder: Path) -> None:
    """Run the command line with the models of a folder in place of those of the package.

    They take the time of large ones on a small machine, but not its processor.
    """
    from scalewise.__main__ import main
    from scalewise.restoring.runtime import OpenVinoRuntime

    compute = OpenVinoRuntime.__call__

    def compute_slowly(runtime: OpenVinoRuntime, image: NDArray[np.float32]) -> object:
        sleep(image[0, 0].size / PIXELS_A_SECOND)
        return compute(runtime, image)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(OpenVinoRuntime, "__call__", compute_slowly)
        patch.setattr(import_module("scalewise.weights.resolve"), "RELEASES", folder)
        main()
