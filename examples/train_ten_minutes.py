"""Train a network on folders of photographs for ten minutes, and keep it as a released model.

    python examples/train_ten_minutes.py [TIME [TRAIN VALID]]

The same command resumes a run that was stopped.  Two photographs, the default here, are enough to
see the network learn; a useful network needs a few hundred.
"""

from __future__ import annotations

import sys
from pathlib import Path

from scalewise.training import PlainLines, load_recipe, locked, open_run, release_run

HERE = Path(__file__).parent
RUN, MODEL = Path("runs/ten_minutes"), Path("my_model")


def main(time: str = "10m", train: str = "", valid: str = "") -> None:
    """Train, print the progress every minute, and write weights, graph and card."""
    recipe = load_recipe(
        HERE.parent / "recipes" / "tiny.yaml",
        [
            f"budget.time={time}",
            f"data.train=[{train or HERE / 'pictures' / 'train'}]",
            f"data.valid={valid or HERE / 'pictures' / 'valid'}",
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
    main(*sys.argv[1:4])
