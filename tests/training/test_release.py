"""Releases of runs: the card names the origin of the weights."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from scalewise.cli.app import app
from scalewise.errors import ScalewiseError, ScalewiseWarning
from scalewise.training.release import _batches, release_run
from scalewise.weights.card import INT8_FILE, WEIGHTS_FILE, Card, read_card, sha256
from scalewise.weights.card_page import card_page
from scalewise.weights.release import load_network

PROJECT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)


def trained(run: Path, *settings: str) -> Path:
    """A run of two steps."""
    short = ["budget.steps=2", "data.batch=2", "data.patch=8"]
    command = ["train", "recipes/tiny.yaml", *short, *settings, "--run", str(run)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    return run


def released(run: Path, folder: Path) -> Card:
    release_run(run, folder, summary="A test.", licence="CC0")
    return read_card(folder)


SMALL = ("model.settings.width=8", "model.settings.blocks=2", "model.settings.expansion=4")


def test_from_scratch(tmp_path: Path) -> None:
    card = released(trained(tmp_path / "run", *SMALL), tmp_path / "model")
    assert (card.training.steps, card.training.progress, card.training.start) == (2, 1.0, None)
    assert "started from scratch" in card_page(card)


def test_from_a_released_model(tmp_path: Path, small_release: Path) -> None:
    run = trained(tmp_path / "run", *SMALL, f"model.init={small_release}")
    start = released(run, tmp_path / "first").training.start
    assert start is not None
    assert (start.model, start.steps, start.seconds) == ("small", 7, 1.5)
    assert start.sha256 == sha256(small_release / WEIGHTS_FILE)

    run = trained(tmp_path / "again", *SMALL, f"model.init={tmp_path / 'first'}")
    card = released(run, tmp_path / "second")
    assert card.training.start is not None
    assert card.training.start.steps == 9  # with those that came before it
    assert f"started from `first` (weights sha256 `{card.training.start.sha256[:12]}" in card_page(
        card
    )


def test_from_the_file_of_a_released_model(tmp_path: Path, small_release: Path) -> None:
    run = trained(tmp_path / "run", *SMALL, f"model.init={small_release / WEIGHTS_FILE}")
    start = released(run, tmp_path / "model").training.start
    assert start is not None
    assert (start.model, start.steps) == ("small", 7)


def test_from_a_run(tmp_path: Path) -> None:
    first = trained(tmp_path / "first", *SMALL)
    weights = released(first, tmp_path / "released").sha256[WEIGHTS_FILE]
    second = trained(tmp_path / "second", *SMALL, f"model.init={first}")
    start = released(second, tmp_path / "model").training.start
    assert start is not None
    assert (start.model, start.sha256, start.steps) == ("first", weights, 2)

    third = trained(tmp_path / "third", *SMALL, f"model.init={second / 'best.pt'}")
    start = released(third, tmp_path / "of_three").training.start
    assert start is not None
    assert (start.model, start.steps) == ("second", 4)  # with those that came before it

    (second / "best.pt").unlink()
    assert released(third, tmp_path / "still").training.start == start  # kept at its start
    (third / "origin.json").unlink()  # as in a run of version 0.1
    with pytest.raises(ScalewiseError, match=r"best\.pt: the run started from these weights"):
        released(third, tmp_path / "gone")
    assert not (tmp_path / "gone").exists()


def test_weights_are_those_of_the_start_of_a_run(tmp_path: Path, small_release: Path) -> None:
    base, first = tmp_path / "base", tmp_path / "first"
    shutil.copytree(small_release, base)
    digest = sha256(base / WEIGHTS_FILE)
    trained(first, *SMALL, f"model.init={base}")
    shutil.rmtree(base)
    released(trained(tmp_path / "new", *SMALL), base)  # another model takes the place

    second = trained(tmp_path / "second", *SMALL, f"model.init={first}")
    trained(first, *SMALL, f"model.init={base}", "budget.steps=4")  # trained further meanwhile
    card = released(second, tmp_path / "model")
    assert card.training.start is not None
    assert card.training.start.steps == 9  # 7 of small, 2 of first at the time
    start = released(first, tmp_path / "longer").training.start
    assert start is not None
    assert (start.sha256, start.steps) == (digest, 7)


def test_from_a_checkpoint_from_elsewhere(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.pt"
    (trained(tmp_path / "run", *SMALL) / "best.pt").rename(elsewhere)
    run = trained(tmp_path / "more", *SMALL, f"model.init={elsewhere}")
    start = released(run, tmp_path / "model").training.start
    assert start is not None
    assert (start.model, start.sha256, start.steps) == ("elsewhere.pt", sha256(elsewhere), None)


def test_a_card_tells_where_files_lie_of_data_alone_that_are_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, elsewhere = tmp_path / "here", PROJECT / "examples" / "pictures" / "valid"
    trained(here / "first", *SMALL)
    shutil.copytree(PROJECT / "examples", here / "examples")
    given = (f"model.init={here / 'first'}", f"data.train=[{here}/examples/pictures/train]")
    inside = trained(tmp_path / "a", *SMALL, *given)
    outside = trained(tmp_path / "b", *SMALL, *given, f"data.valid={elsewhere}")
    monkeypatch.chdir(here)
    recipe = released(inside, tmp_path / "model").training.recipe
    assert recipe["model"]["init"] == "first"
    assert recipe["data"]["train"] == ["examples/pictures/train"]
    with pytest.warns(ScalewiseWarning, match=f"where on this machine its data lie: {elsewhere}; "):
        card = released(outside, tmp_path / "other")
    assert card.training.recipe["data"]["valid"] == str(elsewhere)


def test_data_with_a_relative_path_are_missed_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained(tmp_path / "run", *SMALL, "data.train=[examples/pictures/train]")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ScalewiseError) as caught:
        released(run, tmp_path / "model")
    assert str(caught.value) == (
        f"{run}: data.train: there is no examples/pictures/train in {tmp_path}; start this in the "
        "folder where the run was trained"
    )
    assert not (tmp_path / "model").exists()


def test_several_validation_sets(tmp_path: Path, call: Callable[..., tuple[int, str, str]]) -> None:
    second = tmp_path / "second" / "HR"
    second.mkdir(parents=True)
    shutil.copy("examples/pictures/valid/astronaut.png", second)
    sets = f"data.valid=[examples/pictures/valid,{second}]"
    run, folder = trained(tmp_path / "run", *SMALL, sets), tmp_path / "model"
    options = ["release", run, "-o", folder, "--summary", "A test."]
    code, _, stderr = call(*options)
    assert code == 0, stderr
    page = (folder / "README.md").read_text()
    assert re.search(r"\*\*Validated on valid\*\*: .* dB PSNR-Y; watched, too: second\n", page)
    code, _, stderr = call(*options)
    line = f"error: {folder / 'card.json'}: exists already; choose another name, or replace it by"
    assert (code, stderr) == (1, f"{line} --overwrite\n")
    assert call(*options, "--overwrite")[0] == 0


def test_aims(tmp_path: Path, call: Callable[..., tuple[int, str, str]]) -> None:
    run, folder = trained(tmp_path / "run", *SMALL), tmp_path / "model"
    options = ["release", run, "-o", folder, "--summary", "A test."]
    code, _, stderr = call(*options[:-1], " ")
    message = "error: --summary is empty; say in one sentence what the model is good for\n"
    assert (code, stderr) == (1, message)
    code, _, stderr = call(*options, "--aim", "Set5")
    assert code == 2
    assert "--aim 'Set5': write SET=DB, such as Set5=38.05" in stderr
    for wrong in ("=38", ":field=38", "Set5:field:ssim=0.9", "Set5:=38"):
        assert call(*options, "--aim", wrong)[0] == 2
    code, _, stderr = call(*options, "--aim", "Set5=38.05", "--aim", "Set14:photo:psnr=33.7")
    assert code == 0, stderr
    assert read_card(folder).aims == {"Set5": 38.05, "Set14:photo:psnr": 33.7}


def test_a_run_named_as_a_packaged_model(
    tmp_path: Path, call: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained(
        tmp_path / "run", *SMALL, f"data.train=[{Path('examples/pictures/train').absolute()}]"
    )
    monkeypatch.chdir(tmp_path)
    code, stdout, stderr = call("release", run, "-o", "scn_x2", "--summary", "A test.")
    assert code == 0, stderr
    assert stdout.splitlines()[1:] == [
        "scn_x2 alone is the model that comes with the package; this one is ./scn_x2",
        "next: scalewise evaluate ./scn_x2 DIR... --card",
    ]


def test_in_8_bit_integers(tmp_path: Path, call: Callable[..., tuple[int, str, str]]) -> None:
    pack = tmp_path / "train.pack"
    code, _, stderr = call("data", "pack", "examples/pictures/train", "-o", pack, "--scale", 2)
    assert code == 0, stderr
    folder = tmp_path / "model"
    run = trained(tmp_path / "run", *SMALL, f"data.train=[{pack}]", "data.patch=10")
    with pytest.warns(ScalewiseWarning, match=f"its data lie: {pack}; "):
        released(run, folder)
    code, _, stderr = call("quantize", folder, "--data", tmp_path / "none.pack")
    missing = f"{tmp_path / 'none.pack'}: cannot open the packed store (No such file or directory)"
    assert (code, stderr) == (1, f"error: {missing}\n")
    code, stdout, stderr = call("quantize", folder, "--batches", 2)
    assert code == 0, stderr
    assert f"{folder}: model has model.int8.onnx" in stdout
    assert INT8_FILE in read_card(folder).sha256
    first = (folder / INT8_FILE).read_bytes()
    again = ["quantize", folder, "--batches", 2, "--data", pack]
    code, _, stderr = call(*again)
    assert (code, "exists already; replace it, and drop its scores, by --overw" in stderr) == (
        1,
        True,
    )
    assert call(*again, "--overwrite")[0] == 0
    assert (folder / INT8_FILE).read_bytes() == first  # the same batches, so the same graph

    small = tmp_path / "pictures"
    small.mkdir()
    shutil.copy("examples/pictures/valid/astronaut.png", small)
    code, stdout, stderr = call("evaluate", folder, small, "--precision", "int8", "--card")
    assert code == 0, stderr
    score = read_card(folder).score("pictures", precision="int8")
    assert score is not None
    assert f"{score.psnr_y:.2f}" in stdout

    pack.unlink()
    code, _, stderr = call("quantize", folder, "--overwrite")
    assert code == 1
    assert "train.pack: " in stderr
    assert "which is not there; give another by --data" in stderr
    code, _, stderr = call("quantize", tmp_path / "nothing")
    assert code == 1
    assert f"{tmp_path / 'nothing'}: no such file or folder" in stderr


def test_a_folder_is_packed_before_a_model_is_quantized_on_it(
    tmp_path: Path, call: Callable[..., tuple[int, str, str]]
) -> None:
    released(trained(tmp_path / "run", *SMALL), tmp_path / "model")
    code, _, errors = call("quantize", str(tmp_path / "model"), "--data", "examples/pictures")
    assert code == 1
    assert "examples/pictures: a folder of images; make a packed store of it with" in errors


def test_noise_is_in_the_batches_that_int8_is_found_on(tmp_path: Path) -> None:
    run = trained(tmp_path / "run", "data.task=denoise", "model.settings.scale=1", *SMALL)
    card = released(run, tmp_path / "model")
    (batch,) = _batches(card, [str(run / "train-0.pack")], 1)
    assert batch.shape == (2, 3, 8, 8)
    assert batch.dtype == np.float32
    assert 0 <= batch.min() < batch.max() <= 1
    assert np.unique(batch * 255 % 1).size > 10  # clean pixels would be whole levels


def test_averaged_with_a_model_that_began_alike(
    tmp_path: Path, small_release: Path, call: Callable[..., tuple[int, str, str]]
) -> None:
    run = trained(tmp_path / "run", *SMALL, f"model.init={small_release}")
    own = load_network(run).state_dict()
    other = load_network(small_release).state_dict()
    release_run(
        run, tmp_path / "mean", summary="A test.", licence="CC0", average=(small_release, 0.25)
    )
    for name, weight in load_network(tmp_path / "mean").state_dict().items():
        torch.testing.assert_close(weight, 0.75 * own[name] + 0.25 * other[name])
    card = read_card(tmp_path / "mean")
    assert card.training.averaged is not None
    assert card.training.averaged.sha256 == sha256(small_release / WEIGHTS_FILE)
    assert "75% of these weights, 25% of `small` (sha256 `" in card_page(card)

    said = ["--summary", "A test.", "-o", tmp_path / "another", "--average"]
    code, _, err = call("release", run, *said, "scn_x2=0.5")
    assert (code, "scn_x2: scn_exact" in err, "cannot be averaged with" in err) == (1, True, True)
    code, _, err = call("release", run, *said, "scn_x2")
    assert (code, "--average 'scn_x2': write MODEL=PART" in err) == (2, True)
    assert not (tmp_path / "another").exists()
