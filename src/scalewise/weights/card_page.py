"""A model card as a Markdown page for people, beside the JSON file for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from scalewise.arguments import AnyPath, counted, path_of
from scalewise.atomic import write_atomic
from scalewise.weights.card import (
    CARD_FILE,
    GRAPH_FILE,
    Card,
    Score,
    Start,
    Teacher,
    Training,
)
from scalewise.weights.front_matter import front_matter

PAGE_FILE = "README.md"


def write_card(card: Card, folder: AnyPath) -> None:
    """Write a card as JSON for programs and as a Markdown page for people."""
    folder = path_of(folder, "folder")
    for name, text in (
        (CARD_FILE, json.dumps(asdict(card), indent=2) + "\n"),
        (PAGE_FILE, card_page(card)),
    ):
        write_atomic(folder / name, text.encode())


def card_page(card: Card) -> str:
    """Return a card as a Markdown page, which the Hugging Face Hub reads, too."""
    training = card.training
    lines = [
        f"# {card.name}",
        "",
        card.summary,
        "",
        *(f"- **{label}**: {text}" for label, text in describe_card(card)),
        "",
        "## Scores",
        "",
        *_table(card.scores),
        *(line for remark in remarks(card) for line in ("", remark)),
    ]
    if card.aims:
        lines += ["", *(f"- {verdict}" for verdict in aims(card))]
    lines += [
        "",
        "## Training data",
        "",
        f"{training.pictures} images:",
        "",
        *(
            f"- {count} under: {licence or 'no licence stated'}"
            for licence, count in sorted(training.licences.items(), key=lambda item: -item[1])
        ),
        "",
        "The release does not contain these images. The law has not settled whether their",
        "licences bind a network that learned from them: check before commercial use.",
        "",
        "## Recipe",
        "",
        "```json",
        json.dumps(training.recipe, indent=2),
        "```",
        "",
        "## Files",
        "",
        *(f"- `{name}`: sha256 `{digest}`" for name, digest in card.sha256.items()),
        "",
        f"`{GRAPH_FILE}` refers to the weights beside it. For one that has them within:",
        f"`scalewise convert {card.name} -o {card.name}.onnx`.",
        "",
    ]
    return front_matter(card) + "\n".join(lines)


def describe_card(card: Card) -> list[tuple[str, str]]:
    """Return what a card says of its network and training: labels, and texts in Markdown."""
    training = card.training
    settings = ", ".join(f"{key} {value}" for key, value in card.settings.items())
    return [
        ("Task", f"{card.task}, x{card.scale}"),
        ("Network", f"`{card.architecture}` ({settings}), {counted(card.parameters, 'parameter')}"),
        ("Tiling", f"{card.tiling}; sizes are padded to multiples of {card.multiple}"),
        ("Licence of the weights", card.licence),
        (
            "Training",
            f"{_effort(training)}, {training.progress:.0%} of the recipe's schedule; "
            f"started from {_origin(training.start)}",
        ),
        *_validated(training),
        *(("Teacher", _teacher(teacher)) for teacher in training.teachers),
        *_averaged(training),
    ]


def remarks(card: Card) -> list[str]:
    """Return what each measured precision below float32 costs, a sentence each."""
    names = {"bf16": "bfloat16", "int8": "int8"}
    costs = {name: card.describe_cost(precision) for precision, name in names.items()}
    return [f"{name} {cost}." for name, cost in costs.items() if cost]


def aims(card: Card) -> list[str]:
    """Return for each aim whether it was reached, and if not, what is missing."""
    return [_verdict(card, *aim) for aim in card.aims.items()]


def _table(scores: list[Score]) -> list[str]:
    """Return scores as rows of Markdown, and below them the hashes of the files measured on."""
    columns = ["model", "dataset", "images", "protocol", "precision", "PSNR", "PSNR-Y", "SSIM"]
    rows = [
        [
            *(s.model, s.dataset, str(s.images), s.protocol, s.precision),
            *(f"{s.psnr:.2f}", f"{s.psnr_y:.2f}", f"{s.ssim:.4f}"),
        ]
        for s in scores
    ]
    if any(s.psnr_b is not None for s in scores):
        columns.append("PSNR-B")
        for row, s in zip(rows, scores, strict=True):
            row.append("-" if s.psnr_b is None else f"{s.psnr_b:.2f}")
    lines = [f"| {' | '.join(row)} |" for row in (columns, *rows)]
    lines.insert(1, "|" + "---|" * len(columns))
    files = {f"{s.dataset} under {s.protocol}": s.encoded for s in scores if s.encoded}
    if files:
        lines += ["", "The encoded files that the networks were given, one hash a set:", ""]
        lines += [f"- {name}: sha256 `{digest}`" for name, digest in files.items()]
    return lines


def _verdict(card: Card, aimed: str, aim: float) -> str:
    """Return whether an aim was reached, as a text."""
    dataset, _, rest = aimed.partition(":")
    protocol, _, over = rest.partition(":")
    where, name = (f"{dataset}, {protocol}" if protocol else dataset), "PSNR" if over else "PSNR-Y"
    wanted = f"{where}: {aim:.2f} dB {name} was the aim"
    score = card.score(dataset, protocol) if protocol else card.score(dataset)
    if score is None:
        return f"{wanted}; not measured."
    # Compare the printed digits, so that the page does not contradict itself.
    missing = round(aim - round(score.psnr if over else score.psnr_y, 2), 2)
    return f"{wanted}; " + (f"missed by {missing:.2f} dB." if missing > 0 else "reached.")


def _averaged(training: Training) -> list[tuple[str, str]]:
    """Return label and text of the model that the weights were averaged with, if there is one."""
    other = training.averaged
    if other is None:
        return []
    whose = f"`{other.model}` (sha256 `{other.sha256[:12]}...`)"
    return [("Average", f"{1 - other.share:.0%} of these weights, {other.share:.0%} of {whose}")]


def _validated(training: Training) -> list[tuple[str, str]]:
    """Return label and text of the score on the training's validation set, if there is one."""
    if training.validated is None:
        return []
    start = training.validated_start
    change = "" if start is None else f"from {start:.2f} to "
    given: str | list[str] = training.recipe["data"]["valid"]
    where, *others = [_set_name(path) for path in ([given] if isinstance(given, str) else given)]
    watched = f"; watched, too: {', '.join(others)}" if others else ""
    return [(f"Validated on {where}", f"{change}{training.validated:.2f} dB PSNR-Y{watched}")]


def _set_name(path: str) -> str:
    """Return the name of the folder of a validation set, whose images may lie in ``HR``."""
    folder = Path(path)
    return folder.parent.name if folder.name == "HR" and folder.parent.name else folder.name


def _teacher(teacher: Teacher) -> str:
    end = "" if teacher.until >= 1 else f" until {teacher.until:.0%} of the schedule"
    return f"{teacher.name} ({teacher.licence}), {teacher.share:.0%} of the loss{end}"


def _origin(start: Start | None) -> str:
    if start is None:
        return "scratch"
    effort = "" if start.steps is None else f", {_effort(start)}"
    return f"`{start.model}` (weights sha256 `{start.sha256[:12]}...`{effort})"


def _effort(training: Training | Start) -> str:
    minutes = round((training.seconds or 0) / 60)
    return f"{counted(training.steps or 0, 'step')} in {counted(minutes, 'minute')}"
