"""evaluate on the tasks, as a user calls it."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.evaluating.evaluate import restoration
from scalewise.evaluating.task_protocols import evaluation_protocol
from scalewise.files import Picture, read, write
from scalewise.imaging.protocols import denoising
from scalewise.restoring.classical import denoise
from scalewise.restoring.loading import LoadOptions, load
from scalewise.weights.card import read_card
from scalewise.weights.card_page import write_card


@pytest.fixture
def dataset(tmp_path: Path, photo: NDArray[np.uint8]) -> Path:
    folder = tmp_path / "sample"
    folder.mkdir()
    for name, top in (("a", 0), ("b", 100)):
        write(folder / f"{name}.png", Picture(photo[top : top + 60, 100:170]))
    return folder


@pytest.fixture
def denoiser(tmp_path: Path) -> Path:
    """The folder of a released model of scale 1, with random weights."""
    import torch

    from scalewise.models import create_model
    from scalewise.weights.card import Training
    from scalewise.weights.release import write_release

    torch.manual_seed(0)
    network = create_model("scn_exact", width=8, blocks=1, scale=1)
    training = Training(recipe={}, steps=1, seconds=1, progress=1, pictures=1, licences={})
    folder = tmp_path / "models" / "cleaner"
    card = write_release(
        network.eval(), folder, name="cleaner", summary="A test.", licence="CC0", training=training
    )
    write_card(replace(card, task="denoise"), folder)
    return folder


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_model_is_measured_by_what_it_is_for(
    call, denoiser: Path, dataset: Path, photo: NDArray[np.uint8]
) -> None:
    scores = dataset.parent / "scores.csv"
    code, out, err = call("evaluate", denoiser, dataset, "--card", "--csv", scores)
    assert (code, err) == (0, "")
    assert "protocol denoise25: Gaussian noise of sigma 25" in out
    assert "PSNR-B" not in out
    assert "sha256 over the encoded files" not in out
    card = read_card(denoiser)
    assert [(score.model, score.protocol) for score in card.scores] == [
        ("noisy", "denoise25"),
        ("cleaner", "denoise25"),
    ]
    rows = rows_of(scores)
    assert [(row["method"], row["name"]) for row in rows[1:3]] == [("noisy", "b"), ("cleaner", "a")]
    noisy, truth = denoising(25).prepare(photo[:60, 100:170], None, 1, "a")
    restored = restoration(load(denoiser, LoadOptions(precision="f32")))(noisy)
    expected = denoising(25).score(restored, truth, 1)
    assert float(rows[2]["psnr"]) == pytest.approx(expected.psnr, abs=1e-3)
    assert rows[2]["psnr_b"] == rows[2]["encoded"] == ""

    code, out, _ = call("evaluate", denoiser, dataset, "--sigma", "50", "--grey", "--card")
    assert code == 0
    assert "protocol denoise50-grey:" in out
    assert read_card(denoiser).score("sample", "denoise50-grey") is not None
    assert len(read_card(denoiser).scores) == 4


@pytest.mark.parametrize(
    ("options", "protocol"),
    [
        ([], "protocol jpeg10: JPEG quality 10, chroma 4:2:0, by libvips"),
        (["--quality", "40", "--subsampling", "4:4:4"], "protocol jpeg40-444: JPEG quality 40, "),
        (["--grey", "--task", "dejpeg"], "protocol jpeg10-grey: images made grey"),
    ],
)
def test_jpegs_as_they_are(call, dataset: Path, options: list[str], protocol: str) -> None:
    scores = dataset.parent / "scores.csv"
    code, out, err = call("evaluate", "jpeg", dataset, *options, "--csv", scores)
    assert (code, err) == (0, "")
    assert protocol in out
    assert "PSNR-B" in out
    assert "sha256 over the encoded files of sample:" in out
    assert max(map(len, out.partition("scores of each image")[0].splitlines())) <= 80
    assert all(len(row["encoded"]) == 64 for row in rows_of(scores))


def test_dejpeg_with_any_model_of_scale_1(call, denoiser: Path, dataset: Path) -> None:
    code, out, _ = call("evaluate", denoiser, dataset, "--task", "dejpeg", "--card")
    assert code == 0
    jpeg, own = read_card(denoiser).scores
    assert (jpeg.model, own.model) == ("jpeg", "cleaner")
    assert jpeg.encoded == own.encoded
    assert f"{jpeg.encoded}" in out
    assert jpeg.psnr_b is not None
    assert f"{jpeg.psnr_b:.2f}" in out


def test_photos_beside_bicubic(
    call, small_release: Path, dataset: Path, photo: NDArray[np.uint8]
) -> None:
    scores = dataset.parent / "scores.csv"
    code, out, _ = call("evaluate", small_release, dataset, "--task", "photo", "--csv", scores)
    assert code == 0
    assert "protocol photo: " in out
    protocol = evaluation_protocol("photo")
    lr, truth = protocol.prepare(photo[:60, 100:170], None, 2, "a")
    expected = protocol.score(
        load(small_release, LoadOptions(precision="f32")).restore(lr), truth, 2
    )
    assert float(rows_of(scores)[0]["psnr_y"]) == pytest.approx(expected.psnr_y, abs=1e-3)
    assert "protocol photo: " in call("evaluate", "bicubic", dataset, "--task", "photo")[1]


@pytest.mark.parametrize(("options", "sigma"), [([], 25), (["--sigma", "50"], 50)])
def test_denoising_without_a_network_is_scored(
    call, dataset: Path, photo: NDArray[np.uint8], options: list[str], sigma: int
) -> None:
    scores = dataset.parent / "scores.csv"
    code, out, err = call("evaluate", "nlm", dataset, *options, "--csv", scores)
    assert (code, err) == (0, "")
    assert f"protocol denoise{sigma}: " in out
    noisy, truth = denoising(sigma).prepare(photo[:60, 100:170], None, 1, "a")
    expected = denoising(sigma).score(denoise(noisy / 255, "nlm", sigma) * 255, truth, 1)
    row = rows_of(scores)[0]
    assert (row["method"], row["name"], row["precision"]) == ("nlm", "a", "f32")
    assert float(row["psnr"]) == pytest.approx(expected.psnr, abs=1e-3)


def test_options_of_networks_are_ignored_with_a_warning(call, dataset: Path) -> None:
    options = ["--ensemble", "--tile", "64", "--precision", "bf16"]
    code, out, err = call("evaluate", "noisy", dataset, *options)
    ignored = "--tile, --ensemble and --precision are ignored"
    assert (code, err) == (0, f"warning: noisy runs no network: {ignored}\n")
    assert "protocol denoise25" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bicubic", "--task", "denoise"], "bicubic is not the baseline of denoise; that is noisy"),
        (["noisy", "--task", "photo"], "noisy is not the baseline of photo; that is bicubic"),
        (
            ["scn_x2", "--task", "denoise"],
            "scn_x2 is for x2, and protocol denoise25 for x1 only",
        ),
        (["{cleaner}", "--task", "photo"], "cleaner is for x1, and protocol photo for x2 only"),
        (
            ["bicubic", "--scale", "3", "--protocol", "squash256"],
            "bicubic is for x3, and protocol squash256 for x2 only",
        ),
        (["{cleaner}", "--task", "super-resolution"], "cleaner does not enlarge"),
    ],
)
def test_mistakes_get_one_line(
    call, denoiser: Path, dataset: Path, arguments: list[str], message: str
) -> None:
    model, *options = (text.format(cleaner=denoiser) for text in arguments)
    code, _, err = call("evaluate", model, dataset, *options)
    assert code == 1
    (line,) = err.strip().splitlines()
    assert message in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["jpeg", "--grey", "--subsampling", "4:4:4"], "with --grey there is no chroma"),
        (["jpeg", "--sigma", "25"], "--sigma is for denoise and noisy-jpeg, not for dejpeg"),
        (
            ["noisy", "--quality", "10"],
            "is for graphics-jpeg, noisy-jpeg and dejpeg, not for denoise",
        ),
        (["bicubic", "--grey"], "--grey is for denoise and dejpeg, not for super-resolution"),
        (["noisy", "--protocol", "field"], "--protocol is for graphics and super-resolution"),
        (["wavelet", "--task", "dejpeg"], "wavelet only removes noise; leave out --task dejpeg"),
        (["jpeg", "--scale", "2"], "--scale 2 is for bicubic; jpeg is for x1 only"),
        (["nlm", "--scale", "2"], "--scale 2 is for bicubic; nlm is for x1 only"),
        (["scn_x2", "--scale", "3"], "--scale 3 is for bicubic; scn_x2 is for x2 only"),
        (["nlm", "--set", "levels=3"], "nlm has no settings; leave out --set"),
        (["noisy", "--card"], "noisy has no card"),
        (["denoise", "--card"], "--card: denoise comes with the package; name its folder (/"),
        (["nlm", "--card"], "nlm has no card"),
        (["scn_x2", "--set", "levels=3"], "its card states its settings; leave out --set"),
        (["noisy", "--sigma", "-1"], "--sigma must be"),
    ],
)
def test_options_that_contradict_each_other_are_wrong_usage(
    call, dataset: Path, arguments: list[str], message: str
) -> None:
    model, *options = arguments
    code, _, err = call("evaluate", model, dataset, *options)
    assert code == 2
    (line,) = err.strip().splitlines()
    assert message in line


def test_a_card_for_what_has_none_is_refused_before_any_work(
    call, dataset: Path, small_release: Path
) -> None:
    graph = small_release / "model.onnx"
    code, out, err = call("evaluate", graph, dataset, "--card")
    assert (code, out) == (2, "")
    assert f"error: {graph} has no card; give a released model with --card\n" in err


def test_compare_shows_what_a_network_takes_out(
    call, denoiser: Path, dataset: Path, small_release: Path, photo: NDArray[np.uint8]
) -> None:
    output = dataset.parent / "comparison"
    code, out, err = call("compare", dataset / "a.png", "-m", denoiser, "-o", output)
    assert (code, err) == (0, "")
    assert "protocol denoise25: Gaussian noise of sigma 25" in out
    names = ["a_cleaner.png", "a_noisy.png", "a_sheet.png"]
    assert sorted(path.name for path in output.iterdir()) == names
    noisy, truth = denoising(25).prepare(photo[:60, 100:170], None, 1, "a")
    shown = read(output / "a_noisy.png").pixels
    np.testing.assert_array_equal(shown, np.rint(noisy).clip(0, 255))
    assert f"PSNR {denoising(25).score(shown, truth, 1).psnr:.2f} dB" in out

    code, out, _ = call(
        "compare",
        dataset / "a.png",
        "-m",
        denoiser,
        "--task",
        "dejpeg",
        "-o",
        dataset.parent / "jpeg",
    )
    assert code == 0
    assert "jpeg " in out
    assert "protocol jpeg10: " in out
    code, out, _ = call(
        "compare",
        dataset / "a.png",
        "-m",
        small_release,
        "--task",
        "photo",
        "-o",
        dataset.parent / "photo",
    )
    assert code == 0
    assert "bicubic " in out
    assert "protocol photo: " in out
    code, _, err = call("compare", dataset / "a.png", "-m", small_release, "--task", "denoise")
    assert code == 1
    assert "small is for x2, and protocol denoise25 for x1 only" in err


def test_folders_called_hr_go_by_the_name_above(call, tmp_path: Path, dataset: Path) -> None:
    scores = tmp_path / "scores.csv"
    folders = [tmp_path / name for name in ("Set5", "Set14")]
    for folder in folders:
        (folder / "HR").mkdir(parents=True)
        write(folder / "HR/a.png", read(dataset / "a.png"))
    code, _, err = call("evaluate", "bicubic", *(f"{each}/HR" for each in folders), "--csv", scores)
    assert (code, err) == (0, "")
    assert [row["dataset"] for row in rows_of(scores)] == ["Set5", "Set14"]
