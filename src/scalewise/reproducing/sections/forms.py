"""The document's networks as another reproduction has them, trained in the other form."""

from __future__ import annotations

from scalewise.imaging.protocols import PROTOCOLS
from scalewise.reproducing.document import Block, Fold, Paragraph, Points, Section
from scalewise.reproducing.reading import FORMS, score_protocols
from scalewise.reproducing.results import Results
from scalewise.reproducing.sections.learning import how_long
from scalewise.reproducing.sections.opening import MEANING, spent
from scalewise.reproducing.tables import both_forms, provenance


def forms(results: Results, also: Results) -> Section:
    """What the other form came to, beside what this report is of."""
    plan = also.plan
    blocks: list[Block] = [
        Paragraph(
            f"The same experiments in {FORMS[plan.form]}: {MEANING[plan.form]}. "
            f"They were run for themselves, with a budget of {plan.budget}, of which "
            f"{spent(also)} went into training; trained on {plan.train}, checkpoints chosen on "
            f"{plan.valid}. All else in this report is of {FORMS[results.plan.form]}."
        )
    ]
    if there := also.group("training"):
        blocks.append(Points([how_long(run) for run in there]))
    else:
        blocks.append(Paragraph("None of the four trainings is done yet."))
    blocks += [
        both_forms(results, also, name) for name in score_protocols(also) if name in PROTOCOLS
    ]
    blocks.append(Fold(f"The runs in {FORMS[plan.form]}", [provenance(also)]))
    return Section(f"The same in {FORMS[plan.form]}", blocks)
