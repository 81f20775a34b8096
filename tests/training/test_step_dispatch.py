"""The number of operations that the optimizer and the average dispatch in a training step."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from scalewise.models import create_model
from scalewise.training.config import OptimizerConfig
from scalewise.training.optimization import Ema, make_optimizer

NETWORKS: list[dict[str, Any]] = [
    {"width": 32, "blocks": 8, "levels": 3},
    {"width": 32, "blocks": 8, "levels": 3, "expansion": 2},
]

LIMIT = 150
"""Some more than are dispatched: 129 with numbers, 141 with tensors as rate and decay."""


class DispatchCounter(TorchDispatchMode):
    """Count the operations that are dispatched, views among them, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(
        self, function: Any, types: Any, arguments: Any = (), named: Any = None
    ) -> Any:
        self.counts[str(function)] += 1
        return function(*arguments, **(named or {}))


@pytest.mark.parametrize("by_tensor", [False, True])
@pytest.mark.parametrize("settings", NETWORKS)
def test_optimizer_and_average_dispatch_few_operations(
    settings: dict[str, Any], by_tensor: bool
) -> None:
    network = create_model("scn_exact", scale=2, **settings)
    network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    optimizer = make_optimizer(network, OptimizerConfig(kind="muon"))
    ema = Ema(network, 0.999)
    decay = torch.tensor(0.5) if by_tensor else 0.5
    if by_tensor:
        optimizer.param_groups[0]["lr"] = torch.tensor(1e-3)
    for parameter in network.parameters():
        parameter.grad = torch.randn_like(parameter)
    optimizer.step()  # allocates the state
    with DispatchCounter() as counter:
        optimizer.step()
        ema.update(network, decay=decay)
    assert counter.counts.total() < LIMIT, counter.counts.most_common()
    assert counter.counts["aten._local_scalar_dense.default"] == 0  # no value read on the host
