"""Denoising without a network against a released one: measured, resumed and reported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.data.layouts import Dataset, find_dataset
from scalewise.errors import ScalewiseError
from scalewise.evaluating.evaluate import evaluate, unchanged
from scalewise.evaluating.task_protocols import evaluation_protocol
from scalewise.experiments import alternatives
from scalewise.experiments.alternatives import (
    measure_alternatives,
    missing_alternatives,
    obstacle,
    spread,
)
from scalewise.experiments.data import noisy_enlarging
from scalewise.experiments.denoising_results import Enlarged, NoiseLevel, has_same_weights
from scalewise.experiments.plan import DENOISING_TEST
from scalewise.experiments.report import make_report, to_html, to_markdown
from scalewise.experiments.results import ALTERNATIVES, Sample, load_json, load_results
from scalewise.files import Picture, read, write
from tests.experiments.test_report import Page

TEST = replace(DENOISING_TEST, images=2, sigmas=(15, 50))


@pytest.fixture
def sets(tmp_path: Path, photo: NDArray[np.uint8]) -> dict[str, Dataset]:
    (tmp_path / "set").mkdir()
    for index in range(3):
        left = 100 * index
        write(tmp_path / "set" / f"{index}.png", Picture(photo[50:114, left : left + 64]))
    return {TEST.dataset: find_dataset(tmp_path / "set")}


@pytest.fixture
def image(tmp_path: Path, photo: NDArray[np.uint8]) -> Path:
    write(tmp_path / "sample.png", Picture(photo[:96, :128]))
    return tmp_path / "sample.png"


def test_every_method_is_measured_at_every_level(
    sets: dict[str, Dataset], image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    measure_alternatives(TEST, sets, image, tmp_path, said.append)
    folder = tmp_path / ALTERNATIVES
    used = spread(sets[TEST.dataset], 2)
    for sigma in TEST.sigmas:
        level = load_json(NoiseLevel, folder / f"sigma{sigma}.json")
        protocol = evaluation_protocol("denoise", sigma=sigma)
        assert [each.score.model for each in level.methods] == [
            "noisy",
            "nlm",
            "wavelet",
            "denoise",
        ]
        assert {each.score.protocol for each in level.methods} == {protocol.name}
        assert {(each.score.dataset, each.score.images) for each in level.methods} == {
            (TEST.dataset, 2)
        }
        noisy = [each.psnr for each in evaluate(unchanged, used, 1, protocol)]
        assert level.methods[0].score.psnr == pytest.approx(np.mean(noisy), abs=1e-4)
        assert all(each.score.psnr > np.mean(noisy) + 3 for each in level.methods[1:])
        assert all(each.seconds > 0 for each in level.methods[1:])
    strip = load_json(Sample, folder / "strip.json")
    assert strip.name == "sample"
    assert read(folder / strip.sheet).pixels.shape[1] > 1300

    found = load_json(Enlarged, folder / "enlarged.json")
    assert (found.sigma, found.network, found.joint) == (25, "scn_x2", "photo_x2")
    psnr = {each.score.model: each.score.psnr_y for each in found.methods}
    ahead = ["nlm, scn_x2", "wavelet, scn_x2", "denoise, scn_x2"]
    assert list(psnr) == ["bicubic", "scn_x2", *ahead, "photo_x2"]
    assert all(psnr[way] > psnr["scn_x2"] + 2 for way in ahead)
    assert all(len(each.psnr_y) == 2 for each in found.methods)
    assert {each.score.protocol for each in found.methods} == {noisy_enlarging(25).name}

    assert len(said) == 3
    (folder / "sigma50.json").unlink()
    measure_alternatives(TEST, sets, image, tmp_path, said.append)
    assert said[3:] == ["measuring denoising with and without a network at sigma 50"]
    assert missing_alternatives(TEST, tmp_path) == []


def test_without_the_set_a_line_says_where_to_get_it(sets: dict[str, Dataset]) -> None:
    assert obstacle(TEST, sets) is None
    line = "put Kodak24 (https://r0k.us/graphics/kodak) into eval/Kodak24 of the data"
    assert obstacle(TEST, {}) == line


def test_without_the_extra_a_line_says_how_to_install_it(
    sets: dict[str, Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    def check_method(method: str) -> None:
        raise ScalewiseError(f"method {method} needs scikit-image")

    monkeypatch.setattr(alternatives, "check_method", check_method)
    assert obstacle(TEST, sets) == "method nlm needs scikit-image"


def test_images_are_spread_over_a_set(sets: dict[str, Dataset]) -> None:
    dataset = sets[TEST.dataset]
    assert [item.name for item in spread(dataset, 2).items] == ["0", "1"]
    assert spread(dataset, 99).items == dataset.items
    many = replace(dataset, items=dataset.items[:1] * 5 + dataset.items[1:2] * 5)
    assert [item.name for item in spread(many, 2).items] == ["0", "1"]


@pytest.mark.usefixtures("plain_plots")
def test_the_report_compares_them(reproduction: Path) -> None:
    report = make_report(load_results(reproduction))
    text = Page(to_html(report)).text
    gains = "+2.50 dB at sigma 15, +2.50 dB at sigma 25 and +2.50 dB at sigma 50"
    assert f"The network against non-local means: {gains} (PSNR over RGB)." in text
    assert "8 images, spread evenly over Kodak24" in text
    assert "One Processor" in text
    assert "photo_x2 does both at once; it was trained on noise of at most sigma 10" in text
    assert "non-local means, then scn_x2 25.00 26.00 0.5000 +1.51 ± 0.01" in text
    assert noisy_enlarging(25).description in text
    assert evaluation_protocol("denoise", sigma=50).description in text
    rows = [line for line in to_markdown(report).splitlines() if "| 30.50 |" in line]
    assert any(line.startswith("| non-local means |") for line in rows)
    assert any(line.endswith("| 12.0 |") for line in to_markdown(report).splitlines())


@pytest.mark.usefixtures("plain_plots")
def test_earlier_scores_hold_while_the_weights_are_the_same(reproduction: Path) -> None:
    score = load_results(reproduction).alternatives[0].methods[-1].score
    assert has_same_weights(replace(score, model="denoise", version="0.1.0"))
    assert not has_same_weights(replace(score, model="denoise", version="0.0.9"))
    assert not has_same_weights(replace(score, model="scn_x2", version="0.1.0"))


@pytest.mark.usefixtures("plain_plots")
def test_the_report_says_what_is_missing(reproduction: Path) -> None:
    results = load_results(reproduction)
    text = Page(to_html(make_report(replace(results, alternatives=(), strip=None)))).text
    assert "Not measured yet: it takes Kodak24 (https://r0k.us/graphics/kodak)" in text
    assert results.strip is not None
    lost = replace(results, strip=replace(results.strip, sheet="lost.png"))
    assert "The image is missing: lost.png" in Page(to_html(make_report(lost))).text
