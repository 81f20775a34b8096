"""Registry of network architectures, of this package and of others.

Another package adds one by the decorator :func:`register_architecture`, or names its class under
the entry point group ``scalewise.architectures``; then no import is needed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from scalewise.arguments import nearest_name, shown
from scalewise.errors import ScalewiseError
from scalewise.models.adaptive import Adaptive
from scalewise.models.base import RestorationNetwork
from scalewise.models.cleaning import CLEANING_SETTINGS, CleanedNetwork
from scalewise.models.dbpn import Dbpn
from scalewise.models.dsrn import Dsrn
from scalewise.models.fpn import Fpn
from scalewise.models.original import Original
from scalewise.models.plain import Plain
from scalewise.models.scn import Scn
from scalewise.models.scn_exact import ScnExact
from scalewise.models.steered import Steered
from scalewise.models.unet import Unet
from scalewise.plugins import load_plugins

ARCHITECTURES: dict[str, type[RestorationNetwork]] = {
    "adaptive": Adaptive,
    "dbpn": Dbpn,
    "dsrn": Dsrn,
    "fpn": Fpn,
    "original": Original,
    "plain": Plain,
    "scn": Scn,
    "scn_exact": ScnExact,
    "steered": Steered,
    "unet": Unet,
}
"""Architectures of this package, by name."""

N = TypeVar("N", bound=RestorationNetwork)

ENTRY_POINTS = "scalewise.architectures"


def list_architectures() -> list[str]:
    """Return the sorted names of all architectures."""
    _load_entry_points()
    return sorted(ARCHITECTURES)


def register_architecture(name: str) -> Callable[[type[N]], type[N]]:
    """Add a network class to the registry, as a decorator of the class.

    Args:
        name: its name in recipes and in :func:`create_model`.

    Raises:
        ScalewiseError: another class has the name, or the class is not a
            :class:`RestorationNetwork`.
    """
    given: Any = name
    _require(
        isinstance(given, str) and given != "", 'it takes a name: @register_architecture("mine")'
    )

    def register(architecture: type[N]) -> type[N]:
        made: Any = architecture
        fits = inspect.isclass(made) and issubclass(made, RestorationNetwork)
        _require(fits, f"'{name}' has to be a subclass of scalewise.models.RestorationNetwork")
        known = ARCHITECTURES.setdefault(name, architecture)
        if known is not architecture:
            raise ScalewiseError(f"architecture '{name}' is {known.__qualname__} already")
        return architecture

    return register


def _require(is_met: bool, problem: str) -> None:
    if not is_met:
        raise ScalewiseError(f"register_architecture: {problem}", arguments=["name"])


@cache
def _load_entry_points() -> None:
    load_plugins(ENTRY_POINTS, "architecture", lambda name, made: register_architecture(name)(made))


def create_model(name: str, **settings: Any) -> RestorationNetwork:
    """Build an architecture with random weights.

    The network's ``architecture`` and ``settings`` (with all defaults) build the same
    one again: ``create_model(network.architecture, **network.settings)``.

    Args:
        name: one of :func:`list_architectures`.
        settings: the architecture's constructor arguments.  If it is ``cleanable``, also
            ``denoise`` and ``artifacts``: convolutions of a denoising block and of an artifact
            module before it, 0 for none; see :mod:`scalewise.models.cleaning`.

    Raises:
        ScalewiseError: a name or setting is unknown (the error suggests the nearest one), or a
            value is not allowed.
    """
    if "pretrained" in settings:
        raise ScalewiseError(
            "scalewise.models.create_model has fresh weights only; for released weights call "
            f"scalewise.create_model('{name}', pretrained=True)",
            arguments=["pretrained"],
        )
    chosen = with_defaults(name, settings)
    architecture = ARCHITECTURES[name]
    types = {**get_type_hints(architecture.__init__), **dict.fromkeys(CLEANING_SETTINGS, int)}
    known = list(_defaults(architecture))
    for setting, value in settings.items():
        if setting not in known:
            raise ScalewiseError(
                f"{name} has no setting '{setting}'; {nearest_name(setting, known)}",
                arguments=[setting],
            )
        if not _fits(value, types[setting]):
            raise ScalewiseError(
                f"{name}: {setting}: {_allowed(types[setting])}, not {shown(value)}",
                arguments=[setting],
            )
    cleaning = {key: chosen[key] for key in CLEANING_SETTINGS if key in chosen}
    try:
        network = architecture(**{key: settings[key] for key in settings if key not in cleaning})
        if any(cleaning.values()):
            network = CleanedNetwork(network, **cleaning, width=chosen.get("width", 32))
    except ScalewiseError as error:
        raise ScalewiseError(f"{name}: {error}", arguments=error.arguments) from None
    network.architecture = name
    network.settings = chosen
    return network


def with_defaults(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return an architecture's settings, with defaults for those that are not given.

    Raises:
        ScalewiseError: the name is unknown; the error suggests the nearest one.
    """
    given: Any = name
    if not isinstance(given, str):
        raise ScalewiseError(
            f"name must be that of an architecture, not {shown(given)}", arguments=["name"]
        )
    if name not in ARCHITECTURES and name not in list_architectures():
        raise ScalewiseError(
            f"unknown model '{name}'; {nearest_name(name, list_architectures())}",
            arguments=["name"],
        )
    return {**_defaults(ARCHITECTURES[name]), **settings}


def _defaults(architecture: type[RestorationNetwork]) -> dict[str, Any]:
    """Return every setting of an architecture with its default."""
    parameters = inspect.signature(architecture).parameters
    defaults = {key: parameter.default for key, parameter in parameters.items()}
    return {**defaults, **CLEANING_SETTINGS} if architecture.cleanable else defaults


def _fits(value: Any, hint: Any) -> bool:
    """Return whether a value has a setting's type: int, float, bool, str or one of some texts."""
    if get_origin(hint) is Literal:
        return isinstance(value, str) and value in get_args(hint)
    return type(value) in ((int, float) if hint is float else (hint,))


def _allowed(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return f"must be one of {', '.join(get_args(hint))}"
    return f"must be of type {hint.__name__}"
