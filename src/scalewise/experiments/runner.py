"""Reproduction runner: train all experiments, measure them, write the report.

Every step writes a file, and is skipped if that file exists.  So the same command continues after
an interruption, and a command with another budget trains only the missing experiments.  A report
is written after the first training, now and then, and at the end.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scalewise.arguments import counted
from scalewise.data.store import Store
from scalewise.errors import ScalewiseError
from scalewise.experiments import fitting
from scalewise.experiments.closing import (
    Clock,
    deferred,
    measure_trained,
    measure_what_fits,
)
from scalewise.experiments.data import Data, small_sets
from scalewise.experiments.measurement import measure_bicubic
from scalewise.experiments.packing import Packing, packed_stores, teacher_of
from scalewise.experiments.plan import (
    EPOCH_IMAGES,
    FEW_IMAGES,
    MANY_IMAGES,
    SHORT_BUDGET,
    Planned,
    make_plan,
)
from scalewise.experiments.queries import GROUPS, grouped, grouped_measurements
from scalewise.experiments.report import write_report
from scalewise.experiments.results import (
    BICUBIC,
    COMPLEXITY_FILE,
    PLAN_FILE,
    SCORES_FILE,
    TERMS_FILE,
    Form,
    Group,
    Plan,
    Results,
    load_json,
    load_results,
    save_json,
)
from scalewise.experiments.scoring_speed import ScoringSpeeds
from scalewise.experiments.train_run import (
    LeftOut,
    Train,
    incomplete,
    is_trained,
    measure_speed,
    probe_step,
    train_run,
)
from scalewise.training.budget import seconds
from scalewise.training.log import Notify
from scalewise.training.machine import pick_device
from scalewise.training.progress import duration
from scalewise.training.session import locked

NAMED = 3
"""Runs that are named in a line about more of them; the others are counted."""

REPORTING = 20
"""A report on the way is written when so many times its own duration has passed."""

TOLERANCE = 1.1
"""A comparison's time may exceed what is left by so much before it is left out."""


@dataclass(frozen=True)
class Request:
    """Settings of a reproduction.

    Attributes:
        data: training, validation and test data.
        folder: output folder.
        form: of the recipes.
        budget: a duration such as ``3h``, for everything.
        samples: sample images for the report.
        single: image of the document's single-image test; None leaves it out.
        also: folder of a reproduction in the other form, for comparison in the report.
        epoch_images: images of an epoch in the document's form; by default 200 on a CPU, and all
            of them elsewhere.
        trains: False to measure what is trained, and to train nothing more.
    """

    data: Data
    folder: Path
    form: Form
    budget: str
    samples: Sequence[Path]
    single: Path | None
    also: Path | None = None
    epoch_images: int | None = None
    trains: bool = True


def reproduce(
    request: Request, train: Train, notify: Notify, packing: Packing
) -> tuple[Path, Path]:
    """Train all experiments, measure them, and write the report.

    Args:
        request: settings of the reproduction.
        train: trains one experiment and shows its progress.
        notify: called with one line of text per step.
        packing: opens a progress bar while the training images are packed.

    Returns:
        The files of the report in HTML and in Markdown.

    Raises:
        Interrupted: a training was stopped; the same command continues it.
        ScalewiseError: the budget is too short for anything, or data, recipes or runs are
            missing or do not match; or another command works in the folder.
    """
    try:
        budget = seconds(request.budget, "budget")
    except ScalewiseError as error:
        raise ScalewiseError(error, arguments=["budget"]) from None
    clock = Clock.of(budget)
    if request.epoch_images is None and request.form == "document":
        on_cpu = pick_device("auto").type == "cpu"
        request = replace(request, epoch_images=EPOCH_IMAGES if on_cpu else None)
    also = _other_form(request)
    valid_images = FEW_IMAGES if budget < SHORT_BUDGET else MANY_IMAGES
    here = Path()
    if (request.folder / PLAN_FILE).is_file():
        plan = load_json(Plan, request.folder / PLAN_FILE)
        valid_images = plan.valid_images or valid_images
        if not request.trains:
            request = replace(request, budget=plan.budget)  # that of the trainings
        least = 0.0  # what is missing is added as far as the budget goes
    elif request.trains:
        least = _require_enough(make_plan(request.form, here, here, here), clock)
    else:
        raise ScalewiseError(f"{request.folder}: nothing was trained here", arguments=["folder"])
    with locked(request.folder):
        before = clock.spent
        store, valid = packed_stores(request.data, request.folder, request.form, notify, packing)
        if request.trains and clock.left < least:
            raise ScalewiseError(
                f"budget: packing took {duration(clock.spent - before)}, and too little is left; "
                "it is not repeated, so the same command now has all of its time for the rest",
                arguments=["budget"],
            )
        planned = make_plan(
            request.form,
            request.folder,
            store,
            valid,
            valid_images=valid_images,
            epoch_images=request.epoch_images,
            has_teacher=bool(teacher_of(store)),
        )
        return Reproduction(request, planned, store, valid_images, clock, also, notify).run(train)


def _other_form(request: Request) -> Results | None:
    """Return the results of the other form, for comparison."""
    if request.also is None:
        return None
    results = load_results(request.also)
    if results.plan.form == request.form:
        raise ScalewiseError(
            f"also={request.also} is in the {request.form} form, too; "
            "give the folder of a reproduction in the other form",
            arguments=["also"],
        )
    return results


def _require_enough(planned: list[Planned], clock: Clock) -> float:
    """Return the seconds that the first training needs; refuse a budget that has fewer left."""
    first = planned[0]
    steps = fitting.FEWEST_STEPS * probe_step(first.recipe) / (1 - fitting.VALIDATING)
    least = max(fitting.least_seconds(planned), steps + fitting.OVERHEAD)
    if clock.left < least:
        minutes = -(-(clock.spent + least) // 60)
        raise ScalewiseError(
            f"budget: too short; on this machine the least is {minutes:.0f}m, "
            f"for '{first.experiment.title}' alone",
            arguments=["budget"],
        )
    return least


class Reproduction:
    """A reproduction under way.

    Attributes:
        left_out: experiments that the budget is too short for, and why.
        failed: experiments that cannot be trained or measured here, and why.
        speeds: of scoring, of bicubic and of each run.
    """

    def __init__(
        self,
        request: Request,
        planned: list[Planned],
        store: Path,
        valid_images: int,
        clock: Clock,
        also: Results | None,
        notify: Notify,
    ) -> None:
        self.request = request
        self.folder = request.folder
        self.planned = planned
        self.images, self.teacher = len(Store(store)), teacher_of(store)
        self.valid_images = valid_images
        self.clock = clock
        self.also = also
        self.notify = notify
        self.left_out: dict[str, str] = {}
        self.failed: dict[str, str] = {}
        self.unmeasured: list[str] = []
        self.speeds = ScoringSpeeds(request.folder)
        self._short: set[Group] = set()
        self._budget = clock.left
        self._reported = float("-inf")
        self._report_seconds = 0.0

    def run(self, train: Train) -> tuple[Path, Path]:
        """Train, measure and report."""
        self._save_plan()
        self._measure_without_networks()
        for each in self.planned:
            if is_trained(self.folder / each.experiment.name):
                self._measure(each)
        if self.request.trains:
            self._train_all(train)
        names = [each.experiment.name for each in self.planned]
        runs = [name for name in names if (self.folder / name / COMPLEXITY_FILE).is_file()]
        waiting = deferred(
            runs,
            self.request.data.sets,
            ([*self.request.samples], self.request.single),
            self.folder,
            self.speeds,
            self.notify,
        )
        self.unmeasured = measure_what_fits(waiting, self.clock, self.notify)
        if self.unmeasured or self.left_out:
            left = [x.experiment for x in self.planned if x.experiment.name in self.left_out]
            titles = ", ".join([*grouped(left), *grouped_measurements(self.unmeasured)])
            self.notify(
                f"left out, for want of time: {titles}; "
                "the same command again, or a larger budget, adds what is missing"
            )
        for each in self.planned:
            name = each.experiment.name
            if reason := self.failed.get(name) or incomplete(self.folder / name):
                self.notify(f"incomplete: {each.experiment.title}: {reason}")
        return self._report()

    def _train_all(self, train: Train) -> None:
        waiting = [x for x in self.planned if not is_trained(self.folder / x.experiment.name)]
        for number, each in enumerate(waiting, start=1):
            if each.experiment.name in self.left_out:  # with those before it
                continue
            rest, left = waiting[number - 1 :], self.left_for_training
            chosen = fitting.choose(rest, left, self.overhead)
            if each not in chosen:
                rests = f"{duration(max(0.0, left))} are left for all of the rest"
                together = rest[: rest.index(chosen[0])] if chosen else rest
                self._leave_out(together, LeftOut(rests))
                continue
            limit, terms = fitting.limits(chosen, left, self.overhead)[0], None
            if each.is_timed:  # the same for all of these, whatever earlier trainings left over
                terms = self._terms_of(each, chosen, limit)
                limit = terms.seconds
                if limit + self.overhead > self.left_for_training * TOLERANCE:
                    rests = f"{duration(max(0.0, left))} are left, not {limit:.0f} s"
                    self._leave_out([each], LeftOut(rests))
                    continue
            self.notify(
                f"[{number}/{len(waiting)}] {each.experiment.title}: about {duration(limit)}; "
                f"all trainings end in about {duration(max(left, 0.0))}"
            )
            run, latest = self.folder / each.experiment.name, max(limit, self.clock.left)
            left_out = train_run(each, run, limit, latest, train, self.notify, terms)
            if left_out is not None:
                self._leave_out([each], left_out)
                continue
            self._measure(each)
            self._report_on_the_way()

    def _terms_of(self, planned: Planned, chosen: list[Planned], seconds: float) -> fitting.Terms:
        """Return the terms of a run's comparison, which are agreed once and then kept."""
        group, path = planned.experiment.group, self.folder / TERMS_FILE
        known = load_json(dict[Group, fitting.Terms], path) if path.is_file() else {}
        if group in known:
            terms = fitting.join(known[group], planned, self.planned, measure_speed)
            if seconds > 2 * terms.seconds and group not in self._short:
                self._short.add(group)
                self.notify(
                    f"{GROUPS[group]}: {duration(terms.seconds)} for each, as agreed for the first "
                    "of them; for more begin in another folder"
                )
        else:
            members = [each for each in chosen if each.experiment.group == group]
            self.notify(f"timing the steps of {counted(len(members), 'run')} of a comparison")
            terms = fitting.agree(members, seconds, measure_speed)
        if known.get(group) != terms:
            save_json({**known, group: terms}, path)
        return terms

    @property
    def left_for_training(self) -> float:
        """Seconds that are left for training, without those of the last measurements."""
        return self.clock.left - fitting.CLOSING * self._budget

    @property
    def overhead(self) -> float:
        """Seconds that a run takes besides its training, as far as they are known."""
        return max(fitting.OVERHEAD, self.speeds.seconds(small_sets(self.request.data.sets)))

    def _leave_out(self, planned: list[Planned], left_out: LeftOut) -> None:
        """Leave out runs for the same reason, in one line."""
        among = self.left_out if left_out.for_time else self.failed
        among |= dict.fromkeys([each.experiment.name for each in planned], left_out.reason)
        titles = "; ".join(each.experiment.title for each in planned[:NAMED])
        if len(planned) > NAMED:
            titles = f"{len(planned)} runs ({titles}; ...)"
        self.notify(f"left out: {titles}: {left_out.reason}")

    def _save_plan(self) -> None:
        request, images = self.request, self.images
        experiments = [
            replace(each.experiment, full_steps=fitting.full_steps(each.recipe, images))
            for each in self.planned
        ]
        valid = request.data.valid
        plan = Plan(
            form=request.form,
            budget=request.budget,
            train=f"{request.data.train.resolve().name} ({counted(images, 'image')})",
            valid=valid.resolve().name if valid else "training images that were held out",
            experiments=experiments,
            left_out=self.left_out,
            failed=self.failed,
            unmeasured=self.unmeasured,
            epoch_images=request.epoch_images,
            held_out=valid is None,
            valid_images=self.valid_images,
            teacher=self.teacher,
        )
        save_json(plan, self.folder / PLAN_FILE)

    def _measure_without_networks(self) -> None:
        path, sets = self.folder / BICUBIC / SCORES_FILE, small_sets(self.request.data.sets)
        if not path.is_file():
            self.notify("measuring bicubic")
            with self.speeds.timing(sets, BICUBIC):
                save_json(measure_bicubic(sets), path)

    def _measure(self, planned: Planned) -> None:
        sets, samples = self.request.data.sets, self.request.samples
        reason = measure_trained(planned, self.folder, sets, samples, self.speeds, self.notify)
        if reason is not None:
            name = planned.experiment.name
            ended = incomplete(self.folder / name)
            self.failed[name] = f"{ended}; {reason}" if ended else reason

    def _report_on_the_way(self) -> None:
        """Write a report after the first training, and then if it costs little of the time."""
        if time.monotonic() - self._reported > REPORTING * self._report_seconds:
            self._report()

    def _report(self) -> tuple[Path, Path]:
        started = time.monotonic()
        self.notify(f"writing the report; {duration(self.clock.spent)} so far")
        self._save_plan()
        written = write_report(load_results(self.folder), self.also)
        self._reported = time.monotonic()
        self._report_seconds = self._reported - started
        return written
