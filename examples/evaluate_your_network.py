"""Score a network of your own under the field protocol, compared with bicubic and scn_x2.

    python examples/evaluate_your_network.py [DATASET]

Any function that makes a large uint8 image from a small one can be scored, as ``yours`` here.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

import scalewise
from scalewise.data import find_dataset
from scalewise.evaluating.evaluate import Evaluation, bicubic, evaluate, restoration
from scalewise.imaging import FIELD

SCALE = 2
PICTURES = Path(__file__).parent / "pictures" / "valid"


def yours(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Enlarge (H, W, 3) to (2 H, 2 W, 3): put your network in place of PyTorch's bicubic here."""
    batch = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    larger = torch.nn.functional.interpolate(batch, scale_factor=SCALE, mode="bicubic")
    return larger[0].permute(1, 2, 0).round().clamp(0, 255).byte().numpy()


def main() -> str | None:
    """Print the means over a dataset; return what is wrong, or None."""
    parser = argparse.ArgumentParser(description="Score a network of your own.")
    parser.add_argument("dataset", nargs="?", default=PICTURES, help="folder of ground truths")
    given = parser.parse_args()
    try:
        score(given.dataset)
    except scalewise.ScalewiseError as error:
        return f"error: {error}"
    return None


def score(folder: str) -> None:
    """Print the means over a dataset; LR images that it lacks are made as in MATLAB."""
    dataset = find_dataset(folder, "valid")
    print(FIELD.description)
    scn = restoration(scalewise.load("scn_x2", precision="f32"))
    for name, restore in {"bicubic": bicubic(SCALE), "yours": yours, "scn_x2": scn}.items():
        images = list(evaluate(restore, dataset, SCALE, FIELD))
        means = Evaluation(name, dataset.root.name, FIELD, "f32", images)
        print(f"{name:8} PSNR-Y {means.psnr_y:.2f} dB, SSIM {means.ssim:.4f}")


if __name__ == "__main__":
    sys.exit(main())
