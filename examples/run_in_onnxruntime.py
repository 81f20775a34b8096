"""Export a network and run it without scalewise: in onnxruntime, as from other languages.

    python examples/run_in_onnxruntime.py [MODEL [PICTURE]]

MODEL is a released model, a run's folder or a checkpoint.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from scalewise.errors import ScalewiseError, requiring
from scalewise.models import export_onnx
from scalewise.weights import load_network

PICTURE = Path(__file__).parent / "pictures" / "train" / "chelsea.png"
GRAPH, RESULT = Path("network.onnx"), Path("larger.png")


def main() -> str | None:
    """Run a network on an image; return what is wrong, or None."""
    parser = argparse.ArgumentParser(description="Run a network in onnxruntime.")
    parser.add_argument("model", nargs="?", default="scn_x2")
    parser.add_argument("picture", nargs="?", default=PICTURE, help="image to enlarge")
    given = parser.parse_args()
    try:
        export_and_run(given.model, given.picture)
    except (ScalewiseError, OSError) as error:  # the latter of Pillow
        return f"error: {error}"
    return None


def export_and_run(model: str, picture: str) -> None:
    """Write the graph, then use nothing but NumPy, Pillow and onnxruntime."""
    with requiring("onnxruntime", "this example"):
        import onnxruntime
    export_onnx(load_network(model), GRAPH)

    session = onnxruntime.InferenceSession(GRAPH)
    known = session.get_modelmeta().custom_metadata_map
    scale, multiple = int(known["scale"]), int(known["multiple"])

    image = np.asarray(Image.open(picture).convert("RGB"))
    height, width, _ = image.shape
    # The network takes multiples; the result of the padding is cropped again.
    padding = [(0, -height % multiple), (0, -width % multiple), (0, 0)]
    padded = np.pad(image, padding, mode="edge")
    batch = padded.astype(np.float32).transpose(2, 0, 1)[None] / 255

    (restored,) = session.run(None, {"image": batch})
    larger = restored[0].transpose(1, 2, 0)[: scale * height, : scale * width]
    Image.fromarray((255 * larger.clip(0, 1)).round().astype(np.uint8)).save(RESULT)
    print(f"{RESULT}: {scale * width}x{scale * height}")


if __name__ == "__main__":
    sys.exit(main())
