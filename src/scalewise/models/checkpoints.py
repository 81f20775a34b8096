"""Checkpoint files, of our own and foreign kinds: networks from them, and back.

Checkpoints of this package's training name their network.  Of others, such as those that another
trainer wrote, four networks are known.  Each has the parameter names of this package, so nothing
is renamed.  The settings that the network is built with are inferred from the names and shapes:

- the SCN paper's official code: :mod:`scalewise.models.scn`;
- the reproduced document's code: :mod:`scalewise.models.original` and
  :mod:`scalewise.models.adaptive`, with the options that its code implies;
- this package's :mod:`scalewise.models.scn_exact`.

Networks of other projects are loaded by :mod:`scalewise.models.spandrel_network`.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from importlib.util import find_spec
from math import isqrt
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from scalewise.arguments import AnyPath, path_of
from scalewise.errors import ScalewiseError, requiring, warn
from scalewise.models.base import RestorationNetwork
from scalewise.models.cleaning import CleanedNetwork
from scalewise.models.registry import create_model
from scalewise.models.spandrel_network import SpandrelNetwork, load_with_spandrel

StateDict = dict[str, Tensor]

_WRAPPERS = (
    *("params_ema", "ema_state_dict", "model_ema", "g_ema", "ema"),
    *("params", "model_state_dict", "state_dict", "model"),
)
"""Known names of entries that hold a network's weights, averaged weights first."""
_PREFIXES = ("module.", "_orig_mod.", "model.", "network.", "net.", "net_g.", "generator.")
"""Prefixes that trainers add to every name: DataParallel, torch.compile, Lightning and others."""
_ASSUMED_LEVELS = {"scn": 4, "scn_exact": 3}
"""Levels that are assumed of networks whose weights do not tell them: the usual ones."""
_NETWORK = ("architecture", "settings")
"""Entries that name the network in a checkpoint that this package converted."""
_HEADER = "scalewise"  # the same, in the header of a safetensors file


def load_checkpoint(path: AnyPath, **settings: Any) -> RestorationNetwork:
    """Load a checkpoint of this package, of official SCN or the document's code, or of others.

    Networks that this package does not know are left to spandrel, where it is installed.  From a
    training run the averaged weights (EMA) are taken.  A foreign file is a ``.pth`` or
    ``.safetensors`` that holds a state dictionary, alone or as ``params_ema``, ``params``,
    ``state_dict``, ``model`` or a similar entry next to an optimizer, with or without ``module.``
    before every name.  Files are read as data: code inside them is never run.

    Args:
        path: the file.
        settings: constructor arguments that cannot be inferred from the weights: for ``scn`` and
            ``scn_exact`` the ``levels`` (4 and 3), since the weights are the same for any number.
            An assumed value gives a :class:`~scalewise.errors.ScalewiseWarning`.

    Returns:
        The network in evaluation mode, on the CPU.

    Raises:
        ScalewiseError: there is no such file, or it is not a checkpoint of a known network, or
            its weights do not fit.
    """
    path = path_of(path, "path")
    content = _read(path)
    try:
        network = _build(path, content, settings)
    except ScalewiseError as error:
        raise ScalewiseError(f"{path}: {error}") from None
    return network.eval()


def _build(path: Path, content: Mapping[Any, Any], settings: dict[str, Any]) -> RestorationNetwork:
    """Return the network that a checkpoint's content describes; ``path`` is for warnings."""
    if (own := _own(content)) is not None:
        name, found, state = own
        check_settings(settings, found)
    else:
        tensors = _tensors_in(content)
        state = _without_prefixes(tensors)
        known = identify(state)
        if known is None:
            return _load_foreign(tensors, settings)
        name, found = known
        if name in _ASSUMED_LEVELS and "levels" not in settings:
            found["levels"] = _ASSUMED_LEVELS[name]
            warn(
                f"{path}: the weights of {name} do not tell the levels of its pyramid; the usual "
                f"{found['levels']} are assumed; another number needs levels=2 or the like",
                arguments=["levels"],
            )
    network = create_model(name, **{**found, **settings})
    load_weights(network, state)
    return network


def _own(content: Mapping[Any, Any]) -> tuple[str, dict[str, Any], StateDict] | None:
    """Return name, settings and weights of a network that a file of this package names."""
    if {"recipe", "ema"} <= content.keys():  # a training run
        model = content["recipe"]["model"]
        return model["name"], model["settings"], content["ema"]
    if {*_NETWORK, "params"} <= content.keys():  # converted
        return content["architecture"], content["settings"], content["params"]
    return None


def _load_foreign(tensors: StateDict, settings: dict[str, Any]) -> RestorationNetwork:
    """Return the network of another project; its settings follow from its weights.

    Raises:
        ScalewiseError: it is not known there either, or spandrel is not installed.
    """
    network = load_with_spandrel(tensors)
    if network is not None:
        check_settings(settings, {})
        return network
    others = "spandrel does not know it either"
    if find_spec("spandrel") is None:
        others = "many others load with spandrel: pip install 'scalewise-restoration[spandrel]'"
    raise ScalewiseError(
        f"a checkpoint of another network (with a weight '{min(tensors)}'), or one that does not "
        "name its network; known without a name are scn_exact, and those of the official SCN code "
        f"and of the document's Original and Adaptive; {others}"
    )


def check_settings(settings: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Refuse settings that differ from those that a network was trained with.

    Raises:
        ScalewiseError: a setting differs; the error names the first one.
    """
    for name, value in settings.items():
        if value != known.get(name, value):
            raise ScalewiseError(f"it was trained with {name}={known[name]}, not {value}")
        if name not in known:
            raise ScalewiseError(f"it tells its settings itself; leave out {name}={value}")


def read_weights(path: AnyPath) -> StateDict:
    """Return the weights of a checkpoint of any network; averaged ones where there are any.

    Raises:
        ScalewiseError: there is no such file, or no weights are in it.
    """
    path = path_of(path, "path")
    content = _read(path)
    if (own := _own(content)) is not None:
        return own[2]
    try:
        return _without_prefixes(_tensors_in(content))
    except ScalewiseError as error:
        raise ScalewiseError(f"{path}: {error}") from None


def load_weights(network: RestorationNetwork, state: Mapping[str, Tensor]) -> None:
    """Load a state dictionary that has exactly the network's names and shapes.

    Raises:
        ScalewiseError: a name is missing or unknown, a shape differs, or weights are not
            finite.  The error names the first problem, and the network is unchanged.
    """
    wanted: StateDict = network.state_dict()
    misfits = [f"'{name}' is missing" for name in wanted if name not in state]
    misfits += [f"'{name}' is unknown" for name in state if name not in wanted]
    misfits += [
        f"'{name}' is {_shape(state[name])} where {_shape(wanted[name])} is needed"
        for name in wanted
        if name in state and state[name].shape != wanted[name].shape
    ]
    if misfits:
        more = f" (and {len(misfits) - 1} more)" if len(misfits) > 1 else ""
        inner = network.network if isinstance(network, CleanedNetwork) else network
        raise ScalewiseError(f"weights do not fit {type(inner).__name__}: {misfits[0]}{more}")
    for name in wanted:
        if not state[name].isfinite().all():
            raise ScalewiseError(f"weights are not finite: '{name}' holds NaN or infinity")
    network.load_state_dict(state)


def _read(path: Path) -> dict[Any, Any]:
    """Read a ``.pth``, ``.pt`` or ``.safetensors`` file as data only."""
    if not path.is_file():
        raise ScalewiseError(f"{path}: there is no such file")
    if path.suffix.lower() == ".safetensors":
        tensors = read_safetensors(path)
        known = _header(path.read_bytes()).get(_HEADER)
        return tensors if known is None else {**json.loads(known), "params": tensors}
    try:
        content: object = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged or hostile file can fail anywhere in the decoder
        if "GLOBAL" in str(error):
            reason = "refused, because it holds Python objects and not only weights"
        else:
            reason = "not a PyTorch checkpoint of plain weights, or a corrupt one"
        raise ScalewiseError(f"{path}: {reason}") from error
    if not isinstance(content, dict) or not content:
        raise ScalewiseError(f"{path}: no state dictionary in it")
    return cast(dict[Any, Any], content)


def read_safetensors(path: Path) -> dict[Any, Any]:
    """Return the tensors of a ``.safetensors`` file.

    Raises:
        ScalewiseError: it is damaged, or safetensors is not installed.
    """
    with requiring("safetensors", f"reading {path.name}"):
        from safetensors import SafetensorError
        from safetensors.torch import load
    try:
        return {**load(path.read_bytes())}
    except SafetensorError as error:
        raise ScalewiseError(f"{path}: damaged ({error})") from error


def _header(content: bytes) -> dict[str, str]:
    """Return the texts in the header of a safetensors file."""
    (size,) = struct.unpack_from("<Q", content)
    return json.loads(content[8 : 8 + size]).get("__metadata__") or {}


def to_safetensors(network: RestorationNetwork) -> bytes:
    """Return a network as a safetensors file that :func:`load_checkpoint` reads."""
    with requiring("safetensors", "writing safetensors"):
        from safetensors.torch import save
    if isinstance(network, SpandrelNetwork):
        return save(network.weights)
    known = {"architecture": network.architecture, "settings": network.settings}
    return save(_contiguous(network), {_HEADER: json.dumps(known)})


def to_pth(network: RestorationNetwork) -> dict[str, Any]:
    """Return a network as the content of a ``.pth`` file, as BasicSR writes it (``params``).

    Two more entries name networks of this package, which BasicSR does not have.
    """
    if isinstance(network, SpandrelNetwork):
        return {"params": network.weights}
    known = {"architecture": network.architecture, "settings": network.settings}
    return {"params": _contiguous(network), **known}


def _contiguous(network: RestorationNetwork) -> StateDict:
    return {name: tensor.contiguous() for name, tensor in network.state_dict().items()}


def _tensors_in(content: Mapping[Any, Any]) -> StateDict:
    """Return the state dictionary of a checkpoint: the checkpoint itself or one of its entries."""
    state = content
    while not all(isinstance(value, Tensor) for value in state.values()):
        inner = _weights_within(state)
        if inner is None:
            break
        state = inner
    weights: StateDict = {}
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise ScalewiseError(f"no state dictionary in it: {name!r} is not a tensor")
        weights[name.removeprefix("module.")] = value
    if not weights:
        raise ScalewiseError("no state dictionary in it")
    return weights


def _without_prefixes(weights: StateDict) -> StateDict:
    """Return weights without what trainers put before every name."""
    while prefix := next((p for p in _PREFIXES if all(n.startswith(p) for n in weights)), None):
        weights = {name.removeprefix(prefix): value for name, value in weights.items()}
    return weights


def _weights_within(content: Mapping[Any, Any]) -> Mapping[Any, Any] | None:
    """Return the entry of a checkpoint that holds the weights; None if there is none.

    Raises:
        ScalewiseError: several entries could hold the weights.
    """
    entries: dict[str, Mapping[Any, Any]] = {
        str(name): cast(Mapping[Any, Any], value)
        for name, value in content.items()
        if isinstance(value, Mapping) and value
    }
    for name in _WRAPPERS:
        if name in entries:
            return entries[name]
    named = {
        name: inner
        for name, inner in entries.items()
        if all(isinstance(value, Tensor) for value in inner.values())
    }
    if len(named) > 1:
        raise ScalewiseError(
            f"several state dictionaries in it ({', '.join(sorted(named))}); save one alone"
        )
    return next(iter(named.values()), None)


def identify(state: Mapping[str, Tensor]) -> tuple[str, dict[str, Any]] | None:
    """Return the architecture of a state dictionary, and its settings; None if it is unknown.

    Raises:
        ScalewiseError: the shapes contradict each other.
    """
    if "body.0.weight_v" in state:
        return "scn", _scn_settings(state)
    if "blocks.0.scale_conv1.attention.attention.0.weight" in state:
        return "adaptive", _adaptive_settings(state)
    if "blocks.0.scale_conv.convs.0.weight" in state:
        return "original", {**_original_settings(state, "scale_conv"), "shared": True}
    if {"blocks.0.body.0.weight", "blocks.0.up.weight", "skip.weight"} <= state.keys():
        return "scn_exact", _scn_exact_settings(state)
    return None


def _scn_settings(state: Mapping[str, Tensor]) -> dict[str, Any]:
    width, channels = _sizes(state, "body.0.weight_v")
    # body.1 makes the pyramid and body.{blocks + 2} takes its finest level: neither has weights.
    blocks = len(_members(state, "body.")) - 2
    wide, _ = _sizes(state, "body.2.body.0.weight_v")
    outputs, _ = _sizes(state, f"body.{blocks + 3}.weight_v")
    return {
        "scale": _scale(outputs, channels),
        "channels": channels,
        "width": width,
        "expansion": wide / width,
        "blocks": blocks,
    }


def _scn_exact_settings(state: Mapping[str, Tensor]) -> dict[str, Any]:
    width, folded = _sizes(state, "head.weight")
    wide, _ = _sizes(state, "blocks.0.body.0.weight")
    outputs, channels = _sizes(state, "skip.weight")
    return {
        "scale": _scale(outputs, channels),
        "channels": channels,
        "width": width,
        "expansion": wide // width,
        "blocks": len(_members(state, "blocks.")),
        "shrink": _scale(folded, channels),
    }


def _original_settings(state: Mapping[str, Tensor], first: str) -> dict[str, Any]:
    width, channels = _sizes(state, "initial_conv.weight")
    outputs, _ = _sizes(state, "final_conv.weight")
    return {
        "scale": _scale(outputs, channels),
        "channels": channels,
        "width": width,
        "blocks": len(_members(state, "blocks.")),
        "levels": len(_members(state, f"blocks.0.{first}.convs.")),
        "align_corners": True,
    }


def _adaptive_settings(state: Mapping[str, Tensor]) -> dict[str, Any]:
    if "initial_norm.weight" in state:
        size = _shape(state["initial_norm.weight"])
        raise ScalewiseError(
            f"its 'initial_norm' normalises over features of fixed size {size}, so that it takes "
            "this one image size only; adaptive takes any size and has no such layer"
        )
    settings = _original_settings(state, "scale_conv1")
    _, seen = _sizes(state, "blocks.0.scale_conv1.attention.attention.0.weight")
    return {**settings, "attention": "means" if seen == settings["levels"] else "features"}


def _sizes(state: Mapping[str, Tensor], name: str) -> tuple[int, int]:
    """Return the output and input channels of a convolution's weight."""
    if name not in state:
        raise ScalewiseError(f"weights do not fit: '{name}' is missing")
    weight = state[name]
    if weight.dim() != 4 or 0 in weight.shape:
        raise ScalewiseError(f"weights do not fit: '{name}' is not a convolution: {_shape(weight)}")
    return weight.shape[0], weight.shape[1]


def _members(state: Mapping[str, Tensor], prefix: str) -> set[str]:
    """Return the parts of the names between ``prefix`` and the next dot."""
    return {name[len(prefix) :].split(".")[0] for name in state if name.startswith(prefix)}


def _scale(outputs: int, channels: int) -> int:
    """Return the scale whose ``PixelShuffle`` takes ``outputs`` channels, rounded down."""
    return isqrt(outputs // channels)


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a single number"
