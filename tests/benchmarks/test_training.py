"""The training benchmark: it times the real steps, and the loop it compares with is sound."""

from __future__ import annotations

import json
import random
import time
from dataclasses import replace
from pathlib import Path

import pytest
import resampling
import torch
import training
from ablation import VARIANTS, in_default_layout, is_changed, time_variant
from our_loop import NETWORKS, Settings
from report import markdown_table
from stopwatch import SECTIONS, Stopwatch, Timing, measure, watched
from training import EXAMPLES, main
from usual_loop import PairedPictures, UsualLoop, write_pictures

from scalewise.data.layouts import find_dataset
from scalewise.data.packing import pack
from scalewise.data.store import Store
from scalewise.models import create_model
from scalewise.training.build import prepare
from scalewise.training.loop import Trainer
from tests import forked

CPU = torch.device("cpu")
QUICK = ["--seconds", "0.05", "--batch", "2", "--patch", "16", "--threads", "1"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The two photographs to train on that come with the repository."""
    path = tmp_path_factory.mktemp("packed") / "examples.pack"
    pack([find_dataset(EXAMPLES)], path, [2])
    return Store(path)


@pytest.fixture(scope="module")
def files(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as PNG files."""
    folder = tmp_path_factory.mktemp("files")
    write_pictures(store, folder, patch=16, limit=100)
    return folder


@pytest.fixture
def small_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let scn_exact take a step in milliseconds."""
    monkeypatch.setitem(NETWORKS, "scn_exact", {"width": 8, "blocks": 2, "levels": 2})


@pytest.fixture
def settings(store: Store, small_network: None) -> Settings:
    """What a step is measured with."""
    return Settings(
        store=store.path, network="scn_exact", seconds=0.05, patch=16, batch=2, device="cpu"
    )


@pytest.fixture
def trainer(settings: Settings, tmp_path: Path) -> Trainer:
    return prepare(settings.recipe, tmp_path)


def test_compares_both_loops(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "get_context", lambda _: forked.context())
    markdown, numbers = tmp_path / "table.md", tmp_path / "numbers.json"
    arguments = ["--networks", "scn_exact", "--workers", "1", "--device", "cpu", *QUICK]
    arguments += ["--markdown", str(markdown), "--json", str(numbers)]
    assert main(arguments) == 0
    table = markdown.read_text(encoding="utf-8")
    assert capsys.readouterr().out == table
    assert "PyTorch " + torch.__version__ in table
    assert "threads 1" in table
    found = json.loads(numbers.read_text(encoding="utf-8"))
    loops = [row["loop"] for row in found["measured"]]
    ours = ["scalewise, bf16", "scalewise, f32"] if found["machine"]["bf16"] else ["scalewise, f32"]
    assert loops == ["usual loop, f32", *ours]
    for row in found["measured"]:
        assert f"| scn_exact | {row['loop']}" in table
        assert f" {1 / row['step']:.2f} " in table
        assert set(row["sections"]) == set(SECTIONS)


@pytest.mark.usefixtures("small_network")
def test_changes_one_thing_at_a_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In this process: the test above shows that each measurement has one of its own."""
    monkeypatch.setattr(training, "_in_a_process", lambda run, *arguments: run(*arguments))
    variants = ["everything", "up-blur", "halve-pool"]
    assert main(["--ablate", "scn_exact", "--device", "cpu", *QUICK, "--variants", *variants]) == 0
    out = capsys.readouterr().out
    rows = [line.split(" | ") for line in out.splitlines() if line.startswith("| ")]
    assert [row[0].strip("| ") for row in rows[2:]] == [
        VARIANTS[name].text for name in variants[:2]
    ]
    assert rows[2][-1].strip(" |") == "1.00"
    assert f"{VARIANTS['halve-pool'].text}: scn_exact does not" in out


def test_says_what_is_wrong_with_the_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(tmp_path / "none.pack")]) == 1
    assert "error: " in capsys.readouterr().err


def test_sections_add_up_to_the_step(trainer: Trainer) -> None:
    watch = Stopwatch(CPU)
    taken: list[float] = []

    def step() -> None:
        began = time.perf_counter()
        trainer.training_step()
        taken.append(time.perf_counter() - began)

    with watched(trainer, watch):
        timing = measure(step, watch, seconds=0.2)
    mean = sum(taken[-timing.steps :]) / timing.steps
    assert sum(timing.sections.values()) == pytest.approx(mean, rel=0.1)
    assert min(timing.sections.values()) > 0
    assert sum(timing.share(section) for section in SECTIONS) == pytest.approx(1)


def test_a_watched_trainer_learns_the_same(settings: Settings, tmp_path: Path) -> None:
    plain, timed = prepare(settings.recipe, tmp_path), prepare(settings.recipe, tmp_path)
    plain.training_step()
    with watched(timed, Stopwatch(CPU)):
        timed.training_step()
    plain.training_step()
    timed.training_step()
    for one, other in zip(plain.network.parameters(), timed.network.parameters(), strict=True):
        assert torch.equal(one, other)


def test_time_goes_to_the_section_it_was_spent_in() -> None:
    watch = Stopwatch(CPU)

    def step() -> None:
        watch.enter("backward")
        time.sleep(0.02)

    timing = measure(step, watch, seconds=0.0)
    assert timing.steps == 3
    assert timing.step == pytest.approx(timing.sections["backward"], rel=0.5)
    assert timing.share("backward") > 0.9


def test_the_usual_loop_learns(files: Path) -> None:
    torch.manual_seed(0)
    random.seed(0)
    network = create_model("original", width=8, blocks=1, levels=2)
    loop = UsualLoop(network, PairedPictures(files, 2, 16), batch=4, workers=0, device=CPU)
    losses = [loop.step() for _ in range(60)]
    assert sum(losses[-10:]) < 0.5 * sum(losses[:10])


def test_the_usual_loop_draws_patches_that_fit(files: Path) -> None:
    random.seed(0)
    pictures = PairedPictures(files, 2, 16)
    for index in range(20):
        lr, hr = pictures[index]
        assert lr.shape == (3, 16, 16)
        assert hr.shape == (3, 32, 32)
        shrunk = torch.nn.functional.avg_pool2d(hr, 2)
        assert (lr - shrunk).abs().mean() < 0.02


def test_pictures_are_spread_over_the_store(store: Store, tmp_path: Path) -> None:
    count, megapixels = write_pictures(store, tmp_path, patch=16, limit=1)
    assert count == 1
    assert megapixels == pytest.approx(store.hr(0).size / 3e6)


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize(
    "form",
    [resampling.by_blur, resampling.by_transposed_convolution, resampling.by_shifts],
)
def test_other_forms_enlarge_alike(form: resampling.Resample, factor: int) -> None:
    resampling.require_equal(form, factor)


@pytest.mark.parametrize("factor", [0.5, 0.25])
def test_pooling_shrinks_alike(factor: float) -> None:
    resampling.require_equal(resampling.by_pooling, factor)


def test_a_form_that_differs_is_refused() -> None:
    def by_repetition(features: torch.Tensor, factor: float) -> torch.Tensor:
        return features.repeat_interleave(int(factor), 2).repeat_interleave(int(factor), 3)

    with pytest.raises(ValueError, match="by_repetition: differs"):
        resampling.require_equal(by_repetition, 2)


@pytest.mark.parametrize("name", [name for name in VARIANTS if name != "compile"])
def test_every_variant_runs(name: str, settings: Settings) -> None:
    timing = time_variant(name, settings)
    assert isinstance(timing, Timing) or name == "halve-pool"


@pytest.mark.parametrize("name", ["halve-interpolate", "halve-pool", "up-shifts"])
def test_aligned_corners_have_no_other_form(name: str, settings: Settings) -> None:
    assert time_variant(name, replace(settings, network="scn")) is None


def test_variants_that_are_none_are_left_out(settings: Settings) -> None:
    assert not is_changed("everything", settings)
    assert not is_changed("muon", settings)
    assert is_changed("muon", replace(settings, optimizer="adam"))
    assert is_changed("system-memory", settings)


def test_default_layout_is_that_of_weights_and_batches(trainer: Trainer) -> None:
    in_default_layout(trainer)
    lr, hr = trainer.batches(0)
    assert lr.is_contiguous()
    assert hr.is_contiguous()
    assert all(parameter.is_contiguous() for parameter in trainer.network.parameters())
    assert trainer.training_step().isfinite()


def test_tables_are_aligned() -> None:
    lines = markdown_table(["loop", "ms"], [["ours", "9"], ["a longer one", "1234"]], texts=1)
    assert lines == [
        "| loop         |   ms |",
        "| ------------ | ---: |",
        "| ours         |    9 |",
        "| a longer one | 1234 |",
    ]
