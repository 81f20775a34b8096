"""Cards: read back as written, checked, and legible."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from scalewise.errors import ScalewiseError
from scalewise.weights import find_release, is_release, list_cards
from scalewise.weights.card import INT8_FILE, Card, Score, checked_file, read_card, with_scores
from scalewise.weights.card_page import card_page, write_card


def score(model: str, psnr_y: float, dataset: str = "Set5") -> Score:
    return Score(
        model=model,
        dataset=dataset,
        images=5,
        protocol="field",
        precision="f32",
        psnr=psnr_y - 2,
        psnr_y=psnr_y,
        ssim=0.95,
        version="0",
    )


@pytest.fixture
def card(small_release: Path) -> Card:
    return read_card(small_release)


def test_says_what_the_network_is(card: Card) -> None:
    assert (card.name, card.architecture, card.scale, card.channels) == ("small", "scn_exact", 2, 3)
    assert (card.multiple, card.tiling) == (4, "exact")
    assert card.settings["width"] == 8
    assert card.parameters == 11_524


def test_round_trip(card: Card, tmp_path: Path) -> None:
    scored = with_scores(card, [score("small", 37.5), score("bicubic", 33.67)])
    write_card(scored, tmp_path)
    assert read_card(tmp_path) == scored
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "card.json"]


def test_a_new_measurement_replaces_the_old(card: Card) -> None:
    card = with_scores(card, [score("small", 37.0), score("small", 33.0, "Set14")])
    card = with_scores(card, [score("small", 37.5)])
    found = card.score("Set5")
    assert found is not None
    assert found.psnr_y == 37.5
    assert len(card.scores) == 2
    assert card.score("Set5", "squash256") is None


def test_what_bf16_costs_is_told_once_it_is_measured(card: Card) -> None:
    exact = replace(score("small", 37.5, "Kodak24"), precision="f32")
    rounded = replace(exact, precision="bf16", psnr_y=37.48, psnr=exact.psnr - 0.03)
    card = with_scores(card, [exact])
    assert card.cost_of("bf16") == float("inf")
    assert "bfloat16" not in card_page(card)
    card = with_scores(with_scores(card, [rounded]), [exact])
    assert card.cost_of("bf16") == pytest.approx(0.03)
    assert card.score("Kodak24") == exact
    assert "bfloat16 costs 0.0300 dB on average over 1 set." in card_page(card)
    assert card.cost_of("int8") == float("inf")
    integers = replace(exact, precision="int8", psnr_y=37.51, psnr=exact.psnr + 0.02)
    card = with_scores(card, [integers])
    assert "int8 gains 0.0100 dB on average over 1 set." in card_page(card)


def test_the_page_tells_scores_licences_and_how_far_training_got(card: Card) -> None:
    page = card_page(with_scores(card, [score("small", 37.512)]))
    assert "| small | Set5 | 5 | field | f32 | 35.51 | 37.51 | 0.9500 |" in page
    assert "50% of the recipe's schedule" in page
    assert "2 under: CC0" in page
    assert card.sha256["model.onnx"] in page


def test_the_page_tells_what_became_of_aims(card: Card, tmp_path: Path) -> None:
    assert "aim" not in card_page(card)
    aimed = replace(card, aims={"Set5": 38.0, "Set14": 33.5, "Urban100": 32.0})
    aimed = with_scores(aimed, [score("small", 37.785), score("small", 33.5, "Set14")])
    noisy = replace(score("small", 34.1, "Kodak24"), protocol="denoise25", psnr=32.2)
    more = {"Kodak24:denoise25": 34.0, "Kodak24:denoise25:psnr": 32.4, "Kodak24:jpeg10": 30.0}
    aimed = with_scores(replace(aimed, aims=aimed.aims | more), [noisy])
    write_card(aimed, tmp_path)
    assert read_card(tmp_path) == aimed
    page = card_page(aimed)
    assert "- Set5: 38.00 dB PSNR-Y was the aim; missed by 0.22 dB.\n" in page
    assert "- Set14: 33.50 dB PSNR-Y was the aim; reached.\n" in page
    assert "- Urban100: 32.00 dB PSNR-Y was the aim; not measured.\n" in page
    assert "- Kodak24, denoise25: 34.00 dB PSNR-Y was the aim; reached.\n" in page
    assert "- Kodak24, denoise25: 32.40 dB PSNR was the aim; missed by 0.20 dB.\n" in page
    assert "- Kodak24, jpeg10: 30.00 dB PSNR-Y was the aim; not measured.\n" in page


def test_tasks_with_psnr_b_and_encoded_files(card: Card, tmp_path: Path) -> None:
    jpeg = replace(score("jpeg", 27.8, "classic5"), protocol="jpeg10", psnr_b=25.211, encoded="ab")
    scored = with_scores(replace(card, task="dejpeg"), [jpeg, score("small", 30.0)])
    write_card(scored, tmp_path)
    assert read_card(tmp_path) == scored
    page = card_page(scored)
    assert "| PSNR-Y | SSIM | PSNR-B |\n|---|---|---|---|---|---|---|---|---|\n" in page
    assert "| 25.80 | 27.80 | 0.9500 | 25.21 |" in page
    assert "| 28.00 | 30.00 | 0.9500 | - |" in page
    assert "- classic5 under jpeg10: sha256 `ab`" in page
    assert "PSNR-B" not in card_page(card)
    assert "one hash a set" not in card_page(card)


def test_what_bf16_costs_is_the_mean_over_sets_and_protocols(card: Card) -> None:
    scores = []
    for protocol, cost in (("denoise25", 0.02), ("denoise50", 0.05)):
        exact = replace(score("small", 30.0, "Kodak24"), protocol=protocol)
        scores += [exact, replace(exact, precision="bf16", psnr_y=30.0 - cost)]
    other = replace(score("noisy", 20.0, "Kodak24"), protocol="denoise25")
    card = with_scores(card, [other, *scores])
    assert card.cost_of("bf16") == pytest.approx(0.035)
    assert card.describe_cost("bf16") == "costs 0.0350 dB on average over 2 sets"


def test_bad_cards(card: Card, tmp_path: Path) -> None:
    with pytest.raises(ScalewiseError, match="not a released model"):
        read_card(tmp_path)
    write_card(card, tmp_path)
    path = tmp_path / "card.json"
    plain = json.loads(path.read_text())
    path.write_text(json.dumps({**plain, "scale": "two"}))
    with pytest.raises(ScalewiseError, match=r"card\.json: not a valid card: scale"):
        read_card(tmp_path)
    path.write_text("{")
    with pytest.raises(ScalewiseError, match="not a valid card"):
        read_card(tmp_path)


def test_checksums(card: Card, small_release: Path) -> None:
    assert checked_file(small_release, card, "model.onnx").is_file()
    other = replace(card, sha256={**card.sha256, "model.onnx": "0" * 64})
    with pytest.raises(ScalewiseError, match="damaged"):
        checked_file(small_release, other, "model.onnx")


def test_releases_of_the_package_are_whole() -> None:
    cards = list_cards()
    assert "scn_x2" in [card.name for card in cards]
    for card in cards:
        folder = find_release(card.name)
        assert folder.name == card.name
        assert {"model.onnx", "weights.safetensors"} <= {*card.sha256}
        if INT8_FILE in card.sha256:  # what costs more is not released
            assert card.cost_of("int8") < 0.02
        for name in card.sha256:
            checked_file(folder, card, name)
        assert (folder / "README.md").read_text(encoding="utf-8") == card_page(card)
        if card.task == "super-resolution":
            assert card.score("Set5") is not None
            assert card.score("Set14") is not None
        assert any(score.model == card.name for score in card.scores)


def test_is_release(small_release: Path, tmp_path: Path) -> None:
    assert is_release("scn_x2")
    assert is_release(small_release)
    assert not is_release(tmp_path)
    assert not is_release("nothing")


def test_the_hub_reads_the_front_matter(card: Card) -> None:
    hub = pytest.importorskip("huggingface_hub")
    integers = replace(score("small", 36.0), precision="int8")
    measured = [score("small", 37.5), score("bicubic", 33.67), score("small", 33.1, "Set14")]
    card = replace(card, licence="Apache-2.0")
    page = card_page(with_scores(card, [*measured, integers]))
    data = hub.ModelCard(page).data
    assert (data.license, data.library_name) == ("apache-2.0", "scalewise")
    assert (data.pipeline_tag, data.model_name) == ("image-to-image", "small")
    assert data.datasets is None  # which would be names on the hub, not local paths
    assert data.tags[:2] == ["super-resolution", "image-restoration"]
    found = [
        (each.dataset_name, each.dataset_config, each.metric_type, each.metric_value)
        for each in data.eval_results
    ]
    assert all(isinstance(each, hub.EvalResult) for each in data.eval_results)
    assert found == [
        *(("Set14", "field", "psnr", 33.1), ("Set14", "field", "psnr", 31.1)),
        *(("Set14", "field", "ssim", 0.95), ("Set5", "field", "psnr", 37.5)),
        *(("Set5", "field", "psnr", 35.5), ("Set5", "field", "ssim", 0.95)),
    ]


def test_licences_that_the_hub_does_not_know(card: Card) -> None:
    hub = pytest.importorskip("huggingface_hub")
    data = hub.ModelCard(card_page(replace(card, licence="Only for tests"))).data.to_dict()
    assert (data["license"], data["license_name"]) == ("other", "Only for tests")


@pytest.mark.parametrize("name", [card.name for card in list_cards()])
def test_pages_are_those_of_their_cards(name: str) -> None:
    hub = pytest.importorskip("huggingface_hub")
    folder = find_release(name)
    page = (folder / "README.md").read_text(encoding="utf-8")
    card = read_card(folder)
    assert page == card_page(card)
    data = hub.ModelCard(page).data
    assert data.model_name == name
    best = next(score for score in card.scores if score.model == name)
    shown = [each for each in data.eval_results if each.dataset_name == best.dataset]
    assert best.ssim in [each.metric_value for each in shown]
