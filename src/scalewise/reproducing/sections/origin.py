"""How every number was made: runs, recipes, protocols."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from scalewise.reproducing.document import Block, Fold, Listing, Paragraph, Points, Section
from scalewise.reproducing.reading import all_protocols
from scalewise.reproducing.results import Results
from scalewise.reproducing.tables import provenance
from scalewise.training.config import Recipe
from scalewise.training.recipe import to_plain


def origin(results: Results) -> Section:
    """The last section."""
    blocks: list[Block] = [
        Paragraph(
            "Every number in this report is read from files in the reproduction's folder. "
            "Scores name their protocol; here are the protocols in full."
        ),
        Points([protocol.description for protocol in all_protocols(results)]),
        provenance(results),
    ]
    recipes: list[Block] = [
        Listing(f"# {run.name}: {run.experiment.title}\n{settings(run.recipe)}")
        for run in results.trained
    ]
    if recipes:
        blocks.append(Fold("Every setting of every recipe", recipes))
    return Section("How every number was made", blocks)


def settings(recipe: Recipe) -> str:
    """A recipe as YAML, with only the last part of each path."""
    plain = to_plain(recipe)
    plain["data"]["train"] = [_name(path) for path in plain["data"]["train"]]
    for part, key in (("data", "valid"), ("model", "init")):
        plain[part][key] = _name(plain[part][key])
    return "\n".join(_line(key, value) for key, value in plain.items())


def _line(key: str, value: Any) -> str:
    """A setting, or a section of them, in one line."""
    return yaml.safe_dump({key: value}, sort_keys=False, default_flow_style=True, width=10**6)[1:-2]


def _name(path: Any) -> Any:
    return Path(path).name if isinstance(path, str) else path
