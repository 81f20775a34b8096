"""Checkpoints of other code, built here name by name from their description."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from scalewise.errors import ScalewiseError, ScalewiseWarning
from scalewise.models import (
    RestorationNetwork,
    create_model,
    load_checkpoint,
    load_weights,
    read_weights,
)

StateDict = dict[str, Tensor]
pytestmark = pytest.mark.filterwarnings("ignore:.*4 are assumed")


def random_tensor(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return 0.1 * torch.randn(shape, generator=generator)


def conv(state: StateDict, name: str, outputs: int, inputs: int, kernel: int) -> None:
    state[f"{name}.weight"] = random_tensor(outputs, inputs, kernel, kernel)
    state[f"{name}.bias"] = random_tensor(outputs)


def normed(state: StateDict, name: str, outputs: int, inputs: int, kernel: int) -> None:
    state[f"{name}.bias"] = random_tensor(outputs)
    state[f"{name}.weight_g"] = random_tensor(outputs, 1, 1, 1)
    state[f"{name}.weight_v"] = random_tensor(outputs, inputs, kernel, kernel)


def official_scn(
    scale: int = 3, channels: int = 3, width: int = 6, wide: int = 9, blocks: int = 3
) -> StateDict:
    state: StateDict = {}
    normed(state, "body.0", width, channels, 3)
    for block in range(1, blocks + 1):
        normed(state, f"body.{1 + block}.body.0", wide, width, 3)
        normed(state, f"body.{1 + block}.body.2", width, wide, 3)
        normed(state, f"body.{1 + block}.down.0", width, width, 1)
        normed(state, f"body.{1 + block}.up.0", width, width, 1)
    normed(state, f"body.{blocks + 3}", channels * scale**2, width, 3)
    if scale > 1:
        normed(state, "skip.0", channels * scale**2, channels, 5)
    return state


def document_original() -> StateDict:
    state: StateDict = {}
    conv(state, "initial_conv", 5, 3, 3)
    for block in range(2):
        for level in range(3):
            conv(state, f"blocks.{block}.scale_conv.convs.{level}", 5, 5, 3)
    conv(state, "final_conv", 12, 5, 3)
    return state


def document_adaptive() -> StateDict:
    state: StateDict = {}
    conv(state, "initial_conv", 5, 3, 3)
    for block in range(2):
        for name in (f"blocks.{block}.scale_conv1", f"blocks.{block}.scale_conv2"):
            for level in range(3):
                conv(state, f"{name}.convs.{level}", 5, 5, 3)
            conv(state, f"{name}.attention.attention.0", 3, 3, 1)
    conv(state, "final_conv", 12, 5, 3)
    return state


def save(content: object, folder: Path) -> Path:
    path = folder / "checkpoint.pth"
    torch.save(content, path)
    return path


def assert_gives(network: RestorationNetwork, state: StateDict, **settings: Any) -> None:
    """The network computes what one built with these settings and weights computes."""
    expected = create_model(network.architecture, **settings)
    expected.load_state_dict(state)
    image = torch.rand(1, settings.get("channels", 3), 9, 11)
    with torch.no_grad():
        assert torch.equal(network(image), expected(image))
    assert not network.training


@pytest.mark.parametrize(
    "settings",
    [
        {"scale": 3, "channels": 3, "width": 6, "wide": 9, "blocks": 3},
        {"scale": 2, "channels": 1, "width": 7, "wide": 5, "blocks": 1},
        {"scale": 1, "channels": 3, "width": 4, "wide": 16, "blocks": 2},
    ],
)
def test_official_scn(settings: dict[str, int], tmp_path: Path) -> None:
    state = official_scn(**settings)
    network = load_checkpoint(save({"model_state_dict": state}, tmp_path))
    assert network.architecture == "scn"
    built = {name: value for name, value in settings.items() if name != "wide"}
    built["expansion"] = settings["wide"] / settings["width"]
    assert network.settings == {**built, "levels": 4}
    assert_gives(network, state, **built)


def test_official_scn_with_other_levels(tmp_path: Path) -> None:
    state = official_scn()
    network = load_checkpoint(save(state, tmp_path), levels=2)
    assert network.settings["levels"] == 2
    assert_gives(network, state, scale=3, width=6, expansion=1.5, blocks=3, levels=2)


def test_training_state_beside_the_weights_is_passed_over(tmp_path: Path) -> None:
    """As the official trainer writes it, from several GPUs."""
    state = official_scn()
    content = {
        "model_state_dict": {f"module.{name}": value for name, value in state.items()},
        "optimizer": {"state": {0: {"step": 3, "exp_avg": torch.zeros(2)}}, "param_groups": []},
        "scheduler": {"milestones": Counter({20: 1, 25: 1}), "gamma": 0.2},
        "epoch": 30,
    }
    network = load_checkpoint(save(content, tmp_path))
    assert_gives(network, state, scale=3, width=6, expansion=1.5, blocks=3)


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda state: {"params_ema": state, "params": official_scn(width=4)},
        lambda state: {"params": state},
        lambda state: {"state_dict": {f"model.{name}": value for name, value in state.items()}},
        lambda state: {"model": state, "iteration": 3, "optimizer": {"state": {}}},
        lambda state: {"model": official_scn(width=4), "model_ema": state},
        lambda state: {"state_dict": {"params": state, "step": 1}},
        lambda state: {"netG": state, "epoch": 7},
        lambda state: {f"module._orig_mod.{name}": value for name, value in state.items()},
    ],
)
def test_wrapped_weights(wrapped: Callable[[StateDict], object], tmp_path: Path) -> None:
    state = official_scn()
    network = load_checkpoint(save(wrapped(state), tmp_path), levels=4)
    assert_gives(network, state, scale=3, width=6, expansion=1.5, blocks=3)


def test_foreign_weights_in_safetensors(tmp_path: Path) -> None:
    state = official_scn()
    path = tmp_path / "scn.safetensors"
    save_file(state, path)
    network = load_checkpoint(path, levels=3)
    assert_gives(network, state, scale=3, width=6, expansion=1.5, blocks=3, levels=3)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ScalewiseError, match=r"scn\.safetensors: damaged"):
        load_checkpoint(path)


def test_levels_that_are_assumed_are_told(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    path = save(official_scn(), tmp_path)
    with pytest.warns(ScalewiseWarning, match=r"checkpoint\.pth: .* usual 4 are assumed"):
        load_checkpoint(path)
    load_checkpoint(path, levels=4)
    load_checkpoint(save(document_original(), tmp_path))
    assert not recwarn.list


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("settings", [{}, {"shrink": 2, "scale": 1}, {"expansion": 3, "blocks": 2}])
def test_our_network_from_another_trainer_is_known(
    tmp_path: Path, settings: dict[str, int], prefix: str
) -> None:
    """As BasicSR writes it: nothing but names and weights."""
    settings = {"width": 4, "blocks": 1, "levels": 2, "expansion": 2} | settings
    network = create_model("scn_exact", **settings)
    state = {prefix + name: value for name, value in network.state_dict().items()}
    path = save({"params": state, "params_ema": state}, tmp_path)
    loaded = load_checkpoint(path, levels=2)
    assert loaded.settings == network.settings
    image = torch.rand(1, 3, 16, 16)
    assert torch.equal(loaded(image), network.eval()(image))
    with pytest.warns(ScalewiseWarning, match="usual 3 are assumed"):
        assert load_checkpoint(path).settings["levels"] == 3
    weights = read_weights(path)
    assert weights.keys() == network.state_dict().keys()


def test_settings_that_a_checkpoint_tells_itself(tmp_path: Path) -> None:
    network = create_model("scn_exact", width=4, blocks=1, levels=2)
    model = {"name": "scn_exact", "settings": network.settings}
    path = save({"recipe": {"model": model}, "ema": network.state_dict()}, tmp_path)
    assert load_checkpoint(path, levels=2).settings["levels"] == 2
    with pytest.raises(ScalewiseError, match="it was trained with levels=2, not 3"):
        load_checkpoint(path, levels=3)


def test_document_original(tmp_path: Path) -> None:
    state = document_original()
    network = load_checkpoint(save(state, tmp_path))
    assert network.architecture == "original"
    assert_gives(network, state, width=5, blocks=2, levels=3, shared=True, align_corners=True)


def test_document_adaptive(tmp_path: Path) -> None:
    state = document_adaptive()
    network = load_checkpoint(save({"model_state_dict": state}, tmp_path))
    assert network.architecture == "adaptive"
    assert_gives(network, state, width=5, blocks=2, levels=3, attention="means", align_corners=True)


def without(state: StateDict, name: str) -> StateDict:
    return {key: value for key, value in state.items() if key != name}


LAYER_NORM = {
    "initial_norm.weight": torch.ones(5, 6, 7),
    "initial_norm.bias": torch.zeros(5, 6, 7),
}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({**document_adaptive(), **LAYER_NORM}, "its 'initial_norm' normalises .* size 5x6x7"),
        (without(official_scn(), "body.3.up.0.weight_g"), "'body.3.up.0.weight_g' is missing$"),
        (without(official_scn(), "body.6.weight_v"), "'body.6.weight_v' is missing$"),
        ({**document_original(), "extra": torch.zeros(2)}, "'extra' is unknown$"),
        (
            {**document_original(), "final_conv.bias": torch.zeros(11)},
            "'final_conv.bias' is 11 where 12 is needed$",
        ),
        (
            {**document_original(), "initial_conv.weight": torch.zeros(5)},
            "'initial_conv.weight' is not a convolution: 5$",
        ),
        ({"conv_first.weight": torch.zeros(4, 3, 3, 3)}, "another network .*'conv_first.weight'"),
        (official_scn(channels=2), "scn: channels must be 1 .grey. or 3 .RGB., not 2"),
        ({"a": official_scn(), "b": official_scn()}, r"several state dictionaries in it \(a, b\)"),
        ({"epoch": 3}, "no state dictionary in it: 'epoch' is not a tensor"),
        (torch.zeros(3), "no state dictionary in it$"),
        ({}, "no state dictionary in it$"),
    ],
)
def test_what_does_not_fit_is_named_in_one_line(
    content: object, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ScalewiseError, match=message) as caught:
        load_checkpoint(save(content, tmp_path))
    assert "checkpoint.pth: " in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        lambda data: b"plain text, and no checkpoint\n",
        lambda data: data[: len(data) // 2],
        lambda data: data[:-100],
    ],
)
def test_damaged_files(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = save(document_original(), tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(
        ScalewiseError, match=r"pth: not a PyTorch checkpoint of plain weights, or a corrupt"
    ):
        load_checkpoint(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ScalewiseError, match=r"none\.pth: there is no such file$"):
        load_checkpoint(tmp_path / "none.pth")


class Malicious:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


def test_code_in_a_file_is_refused_and_never_run(tmp_path: Path) -> None:
    target = tmp_path / "made by the checkpoint"
    path = save({"model_state_dict": {"body.0.weight_v": Malicious(target)}}, tmp_path)
    with pytest.raises(ScalewiseError, match="refused, because it holds Python objects"):
        load_checkpoint(path)
    assert not target.exists()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_must_be_finite(value: float) -> None:
    network = create_model("plain", width=16, convolutions=2)
    state = {name: weight.clone() for name, weight in network.state_dict().items()}
    state["head.bias"][0] = value
    with pytest.raises(ScalewiseError, match=r"not finite: 'head\.bias' holds NaN or infinity"):
        load_weights(network, state)
