"""Loading of models: device, precision, and what options are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from scalewise.errors import ScalewiseError
from scalewise.restoring import loading, precision
from scalewise.restoring.loading import LoadOptions, choose_device, load
from scalewise.restoring.precision import choose_precision, takes_int8_for_photographs
from scalewise.weights import find_release, resolve
from scalewise.weights.card import INT8_FILE, Card, read_card


def card_with(loss: float, dataset: str = "Kodak24", precision: str = "bf16") -> Card:
    card = read_card(find_release("scn_x2"))
    exact = card.score("Kodak24")
    assert exact is not None
    rounded = replace(
        exact,
        dataset=dataset,
        precision=precision,
        psnr=exact.psnr - loss / 2,
        psnr_y=exact.psnr_y - loss,
    )
    exact = replace(exact, precision="f32")
    return replace(card, scores=[exact, rounded], sha256={**card.sha256, INT8_FILE: "0"})


@pytest.fixture
def computes_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "computes_bf16", lambda device: True)


@pytest.fixture
def computes_no_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "computes_bf16", lambda device: False)


@pytest.mark.usefixtures("computes_bf16")
def test_bf16_is_taken_where_the_card_tells_that_it_costs_little() -> None:
    assert choose_precision("auto", card_with(0.009), "cpu") == "bf16"
    assert choose_precision("auto", card_with(0.011), "cpu") == "f32"
    assert choose_precision("auto", card_with(-0.02), "cpu") == "bf16"
    assert choose_precision("auto", card_with(0.001, precision="int8"), "cpu") == "f32"
    assert choose_precision("auto", None, "cpu") == "f32"
    assert choose_precision("bf16", None, "cpu") == "bf16"
    assert choose_precision("f32", card_with(0.0), "cpu") == "f32"


@pytest.mark.usefixtures("computes_no_bf16")
def test_bf16_is_not_taken_where_it_is_no_faster() -> None:
    assert choose_precision("auto", card_with(0.0), "cpu") == "f32"
    with pytest.raises(ScalewiseError, match="this CPU has no bfloat16; choose auto, f32 or int8"):
        choose_precision("bf16", None, "cpu")


def gains(monkeypatch: pytest.MonkeyPatch, processor: str = "x86_64", *formats: str) -> None:
    monkeypatch.setattr(precision.platform, "machine", lambda: processor)
    monkeypatch.setattr(precision, "_processor", lambda: "cpu family\t: 6\nmodel\t\t: 23\n")
    monkeypatch.setattr(precision, "_capabilities", lambda: ["FP32", *formats])


def test_int8_is_for_photographs_where_card_and_processor_gain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cheap, dear = (card_with(loss, precision="int8") for loss in (0.019, 0.021))
    gains(monkeypatch, "AMD64", "INT8")
    assert takes_int8_for_photographs("auto", cheap, "cpu")
    assert choose_precision("auto", cheap, "cpu") == "f32"  # of all other images
    assert choose_precision("int8", cheap, "cpu") == "int8"
    assert not takes_int8_for_photographs("auto", dear, "cpu")
    assert not takes_int8_for_photographs("bf16", cheap, "cpu")
    assert not takes_int8_for_photographs("auto", cheap, "cuda")
    assert not takes_int8_for_photographs("auto", replace(cheap, sha256={}), "cpu")
    assert not takes_int8_for_photographs("auto", card_with(0.0), "cpu")  # not measured
    gains(monkeypatch, "aarch64", "INT8")
    assert not takes_int8_for_photographs("auto", cheap, "cpu")
    gains(monkeypatch, "x86_64")
    assert not takes_int8_for_photographs("auto", cheap, "cpu")
    gains(monkeypatch, "x86_64", "INT8")
    monkeypatch.setattr(precision, "_processor", lambda: "cpu family\t: 23\nmodel\t\t: 1\n")
    assert not takes_int8_for_photographs("auto", cheap, "cpu")  # it takes as long as float32


@pytest.mark.parametrize(
    ("processor", "expected"),
    [
        ("vendor_id\t: AuthenticAMD\ncpu family\t: 23\nmodel\t\t: 1\nmodel name\t: AMD", True),
        ("cpu family\t: 23\nmodel\t\t: 49\n", False),  # Zen 2
        ("cpu family\t: 6\nmodel\t\t: 23\n", False),
        ("cpu family\t: 25\nmodel\t\t: 1\n", False),
        ("AMD64 Family 23 Model 17 Stepping 0, AuthenticAMD", True),
        ("AMD64 Family 23 Model 113 Stepping 0, AuthenticAMD", False),
        ("Intel64 Family 6 Model 158 Stepping 10, GenuineIntel", False),
        ("", False),
    ],
)
def test_the_first_zen_is_told_by_family_and_model(processor: str, expected: bool) -> None:
    assert precision.is_first_zen(processor) == expected


def test_int8_needs_a_graph_and_a_cpu() -> None:
    card = card_with(0.0)
    with pytest.raises(ScalewiseError, match="int8 is for the CPU, not cuda; choose auto, f32 or"):
        choose_precision("int8", card, "cuda")
    with pytest.raises(ScalewiseError, match="scn_x2 has no graph in 8-bit integers; 'scalewise q"):
        choose_precision("int8", replace(card, sha256={}), "cpu")
    with pytest.raises(ScalewiseError, match="int8 is for released models; choose f32 or bf16"):
        choose_precision("int8", None, "cpu")


def test_an_apple_gpu_runs_in_float32() -> None:
    assert choose_precision("auto", card_with(0.0), "mps") == "f32"


def test_a_processor_without_bf16_runs_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    capabilities: list[str] = ["FP32", "INT8"]

    class Core:
        def get_property(self, device: str, name: str) -> list[str]:
            assert (device, name) == ("CPU", "OPTIMIZATION_CAPABILITIES")
            return capabilities

    monkeypatch.setattr(precision, "openvino_core", Core)
    assert choose_precision("auto", card_with(0.0), "cpu") == "f32"
    capabilities.append("BF16")
    assert choose_precision("auto", card_with(0.0), "cpu") == "bf16"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "f16"}, "precision must be one of auto, f32, bf16, int8, not 'f16'"),
        ({"device": "gpu"}, "device must be one of auto, cpu, cuda, mps, not 'gpu'"),
        ({"strength": 1.5}, "strength must be from 0 to 1, not 1.5"),
        ({"tile": 0}, "tile must be 32 pixels or more, 'auto' or None, not 0"),
        ({"tile": "large"}, "tile must be 32 pixels or more, 'auto' or None, not 'large'"),
    ],
)
def test_options_that_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ScalewiseError, match=message):
        LoadOptions(**options)


def test_options_and_restorers_are_printed(small_release: Path) -> None:
    options = LoadOptions(device="cpu", precision="f32", tile=64)
    assert repr(options) == "LoadOptions(device='cpu', precision='f32', tile=64)"
    assert repr(LoadOptions()) == "LoadOptions()"
    restorer = load(small_release, options)
    assert repr(restorer) == f"<Restorer {restorer.name}: x2, f32 on cpu, tile 64>"


def test_a_resolved_model_is_loaded_as_its_folder_is(small_release: Path) -> None:
    assert load(resolve(small_release)).name == load(small_release).name


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, bool] = {"cuda": False, "mps": False}

    def has_signs(device: str) -> bool:
        return found[device]

    def cuda_is_available() -> bool:
        return found["cuda"]

    def mps_is_available() -> bool:
        return found["mps"]

    monkeypatch.setattr(loading, "_has_signs", has_signs)
    monkeypatch.setattr(torch.cuda, "is_available", cuda_is_available)
    monkeypatch.setattr(torch.backends.mps, "is_available", mps_is_available)
    assert choose_device("auto") == "cpu"
    assert choose_device("cpu") == "cpu"
    with pytest.raises(ScalewiseError, match="no cuda device to run on"):
        choose_device("cuda")
    found["mps"] = True
    assert choose_device("auto") == "mps"
    found["cuda"] = True
    assert choose_device("auto") == "cuda"
    assert choose_device("cuda") == "cuda"


def test_without_pytorch_it_is_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: str) -> Any:
        return None

    monkeypatch.setattr(loading, "find_spec", none)
    assert choose_device("auto") == "cpu"
    with pytest.raises(ScalewiseError, match="PyTorch is not installed"):
        choose_device("cuda")
