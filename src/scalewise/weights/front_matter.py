"""YAML front matter of a model card, as the Hugging Face Hub reads it from a README."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from scalewise.weights.card import Card, Score

LICENCES = (
    *("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "gpl-3.0", "agpl-3.0", "lgpl-3.0"),
    *("cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "unlicense"),
)
"""Licences that the hub knows by these names; others are ``other``, with their name."""
_METRICS = {"psnr_y": "PSNR-Y", "psnr": "PSNR", "psnr_b": "PSNR-B", "ssim": "SSIM"}


def front_matter(card: Card) -> str:
    """Return what the hub shows and filters by: licence, tags, and scores (``model-index``).

    With it, ``hf upload`` of a model's folder needs nothing else.  Training data are left out: the
    hub takes them for names of its own datasets, and a recipe's are local paths.

    Args:
        card: of the model; only its own scores in float32 are listed, not those of baselines.
    """
    import yaml

    licence = card.licence.lower()
    known: dict[str, Any] = {"license": licence}
    if licence not in LICENCES:
        known = {"license": "other", "license_name": card.licence or "unknown"}
    own = (card.name, "f32")
    scores = [score for score in card.scores if (score.model, score.precision) == own]
    content = {
        **known,
        "library_name": "scalewise",
        "pipeline_tag": "image-to-image",
        "tags": list(dict.fromkeys([card.task, "image-restoration", card.architecture, "onnx"])),
        **({"metrics": ["psnr", "ssim"], "model-index": [_index(card, scores)]} if scores else {}),
    }
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    return f"---\n{text}---\n\n"


def _index(card: Card, scores: list[Score]) -> dict[str, Any]:
    """Return the scores as the hub's ``model-index``: a result for each set and protocol."""

    def case(score: Score) -> tuple[str, str]:
        return score.dataset, score.protocol

    results: list[dict[str, Any]] = []
    for (dataset, protocol), group in groupby(sorted(scores, key=case), key=case):
        metrics = [metric for score in group for metric in _metrics(score)]
        results.append(
            {
                "task": {"type": "image-to-image", "name": f"{card.task} x{card.scale}"},
                "dataset": {"type": dataset.lower(), "name": dataset, "config": protocol},
                "metrics": metrics,
            }
        )
    return {"name": card.name, "results": results}


def _metrics(score: Score) -> list[dict[str, Any]]:
    return [
        {
            "type": "ssim" if name == "ssim" else "psnr",
            "value": value,
            "name": f"{label}, protocol {score.protocol}",
        }
        for name, label in _METRICS.items()
        if (value := getattr(score, name)) is not None
    ]
