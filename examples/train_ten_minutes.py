"""Train a network on folders of photographs for ten minutes, and keep it as a released model.

    python examples/train_ten_minutes.py [TIME [TRAIN VALID]]

The same command resumes a run that was stopped.  Two photographs, the default here, are enough to
see the network learn; a useful network needs a few hundred.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from scalewise import ScalewiseError
from scalewise.training import PlainLines, load_recipe, locked, open_run, release_run

HERE = Path(__file__).parent
PICTURES = HERE / "pictures"
RUN, MODEL = Path("runs/ten_minutes"), Path("my_model")


def main() -> str | None:
    """Train on the folders that are given; return what is wrong, or None."""
    parser = argparse.ArgumentParser(description="Train a network for ten minutes.")
    parser.add_argument("time", nargs="?", default="10m", help="such as 90s or 2h")
    parser.add_argument("train", nargs="?", default=PICTURES / "train", help="folder of images")
    parser.add_argument("valid", nargs="?", default=PICTURES / "valid", help="images kept apart")
    given = parser.parse_args()
    try:
        train(given.time, given.train, given.valid)
    except ScalewiseError as error:
        return f"error: {error}"
    return None


def train(time: str, folder: str, valid: str) -> None:
    """Train, print the progress every minute, and write weights, graph and card."""
    recipe = load_recipe(
        HERE.parent / "recipes" / "tiny.yaml",
        [
            f"budget.time={time}",
            f"data.train=[{folder}]",
            f"data.valid={valid}",
        ],
    )
    with locked(RUN):
        trainer = open_run(recipe, RUN, notify=print)
        trainer.listeners.append(PlainLines(trainer, print))
        trainer.train()
    card = release_run(
        RUN, MODEL, summary="Trained for ten minutes.", licence="CC0-1.0", overwrite=True
    )
    print(f"{MODEL}: {card.parameters:,} parameters, {trainer.best:.2f} dB PSNR-Y")


if __name__ == "__main__":
    sys.exit(main())
