"""``scalewise.create_model``: released networks as modules, and names that it refuses."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import scalewise
from scalewise.models import create_model
from scalewise.weights import load_network


def test_a_released_network_as_a_module() -> None:
    network = scalewise.create_model("scn_x2", pretrained=True)
    card = next(card for card in scalewise.list_models() if card.name == "scn_x2")
    assert isinstance(network, torch.nn.Module)
    assert not network.training
    assert network.parameter_count == card.parameters
    image = torch.rand(1, 3, 9, 12)
    with torch.no_grad():
        assert torch.equal(network(image), load_network("scn_x2")(image))
    fresh = scalewise.create_model(card.architecture, **card.settings)
    assert fresh.training
    assert not torch.equal(fresh(image), network(image))


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("scn_exact", {"pretrained": True}, "no weights of its own; choose one of .*scn_x2"),
        ("dsrn", {"pretrained": True}, "no weights of its own; no released model has it$"),
        ("scn_x2", {"pretrained": True, "width": 8}, "has settings of its own; leave out width$"),
        ("scn_x2", {}, "^scn_x2: a released model; load its weights with pretrained=True$"),
        ("scn_x22", {"pretrained": True}, "unknown model 'scn_x22'; did you mean 'scn_x2'"),
        ("scn_exakt", {}, "unknown model 'scn_exakt'; did you mean 'scn_exact'"),
    ],
)
def test_a_network_that_there_is_not(name: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(scalewise.ScalewiseError, match=message):
        scalewise.create_model(name, **settings)


def test_models_alone_have_no_weights() -> None:
    with pytest.raises(scalewise.ScalewiseError, match=r"call scalewise.create_model\('scn_x2', "):
        create_model("scn_x2", pretrained=True)
