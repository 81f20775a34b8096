"""Recipes: a training run's settings, read from YAML and checked key by key."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast, get_args, get_type_hints

import yaml
from pydantic import TypeAdapter, ValidationError
from yaml.constructor import ConstructorError

from scalewise.arguments import AnyPath, path_of
from scalewise.atomic import write_atomic
from scalewise.errors import ScalewiseError
from scalewise.training.budget import Budget, Interval
from scalewise.training.config import Recipe

Plain = dict[str, Any]
Kind = TypeVar("Kind")

# Those of libyaml, which are nine times as fast, if PyYAML has them.
_SafeLoader = cast(type[yaml.SafeLoader], getattr(yaml, "CSafeLoader", yaml.SafeLoader))
SafeDumper = cast(type[yaml.SafeDumper], getattr(yaml, "CSafeDumper", yaml.SafeDumper))


class _Loader(_SafeLoader):
    """YAML loader that reads ``1e-3`` as a number, and refuses keys that are not text.

    YAML 1.1 reads ``1e-3`` as text, and ``2024-01-01`` as a date.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        mapping = super().construct_mapping(node, deep)
        for key in mapping:
            if not isinstance(key, str):
                raise ConstructorError(problem=f"the key {key} must be text, in quotes")
        return mapping


_Loader.add_implicit_resolver(  # pyright: ignore[reportUnknownMemberType]
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


SYNONYMS = {"lr": "rate", "learning_rate": "rate", "max_steps": "steps", "iterations": "steps"}
"""Keys of other trainers, with our names for them."""

FINE_TUNING = 0.2
"""Factor on a recipe's rate if overrides give trained weights but no rate.  At the full rate a
released network loses more in the first minutes than it gains in an hour."""

HIGHEST_RATE = 0.5
"""Rate from which on a mistake is likely."""

FINE_TUNING_WARMUP = 0.02
"""The smallest warm-up of such a run, as a part of the budget."""


def load_recipe(
    path: AnyPath,
    overrides: Sequence[str] = (),
    notify: Callable[[str], None] | None = None,
) -> Recipe:
    """Read a recipe file.

    Args:
        path: a YAML file with the keys of :class:`~scalewise.training.config.Recipe`.
        overrides: ``key=value`` texts, keys dotted, values in YAML: ``data.batch=8``.  If they
            set ``model.init`` but not ``optimizer.rate``, the recipe's rate is multiplied by
            ``FINE_TUNING``.
        notify: called with one line about such a rate, and one for each suspicious setting.

    Raises:
        ScalewiseError: missing, not YAML, an unknown key (with the nearest valid one), or a
            value of the wrong type or out of range.
    """
    path = path_of(path, "path")
    settings = read_settings(path)
    from_scratch = not _init_of(settings)
    for override in overrides:
        apply_override(settings, override)
    _require_one_budget(overrides)
    recipe = parse_recipe(settings, str(path))
    _check_durations(recipe, str(path))
    given = {_full_key(override.partition("=")[0]) for override in overrides}
    if notify:
        for remark in _remarks(recipe, {key: settings[key] for key in given & settings.keys()}):
            notify(remark)
    fine_tunes = from_scratch and recipe.model.init and not recipe.model.init_partial
    if not fine_tunes or given & {"optimizer.rate", "optimizer"}:
        return recipe
    rate = recipe.optimizer.rate * FINE_TUNING
    warmup = max(recipe.schedule.warmup, FINE_TUNING_WARMUP)
    if notify:
        notify(f"fine-tuning {recipe.model.init}: optimizer.rate={rate:g}, unless you set another")
    return dataclasses.replace(
        recipe,
        optimizer=dataclasses.replace(recipe.optimizer, rate=rate),
        schedule=dataclasses.replace(recipe.schedule, warmup=warmup),
    )


def _require_one_budget(overrides: Sequence[str]) -> None:
    """Refuse two parts of the budget, the last of which would replace the others."""
    parts: dict[str, str] = {}
    for override in overrides:
        key, _, text = override.partition("=")
        full = _full_key(key)
        if full.partition(".")[0] == "budget" and yaml.load(text, _Loader) is not None:
            parts[full] = override
    if len(parts) > 1:
        raise ScalewiseError(f"{' and '.join(parts.values())}: a run has one budget; leave one out")


def _remarks(recipe: Recipe, given: Plain) -> Iterator[str]:
    """Yield remarks on suspicious settings of a recipe and of its overrides."""
    for key in ("validate_every", "checkpoint_every"):
        value = given.get(key)
        if isinstance(value, int | float) and value > 0:
            yield f"{key}={value:g} is in seconds; '{value:g} steps' would be steps"
    if recipe.optimizer.rate > HIGHEST_RATE:
        yield (
            f"optimizer.rate={recipe.optimizer.rate:g} is far above what networks learn at "
            "(1e-4 to 1e-2)"
        )


def _init_of(settings: Plain) -> object:
    model = settings.get("model")
    return cast(Plain, model).get("init") if isinstance(model, dict) else None


def read_settings(path: Path) -> Plain:
    """Read a YAML file of ``key: value`` lines, unchecked.

    Raises:
        ScalewiseError: the file is missing or not YAML.
    """
    try:
        settings = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except OSError as error:
        raise ScalewiseError(f"{path}: cannot read the recipe ({error.strerror})") from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: binary data or an invalid date
        raise ScalewiseError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(settings, dict):
        raise ScalewiseError(f"{path}: a recipe is a list of 'key: value' lines; see recipes/")
    return cast(Plain, settings)


def parse_recipe(settings: Plain, source: str) -> Recipe:
    """Convert plain settings into a recipe and check them; ``source`` names them in errors.

    Raises:
        ScalewiseError: an unknown key, or a value of the wrong type.
    """
    return check_settings(Recipe, settings, source)


def _check_durations(recipe: Recipe, source: str) -> None:
    """Refuse a budget or an interval that cannot be, before anything is read or written."""
    try:
        Budget.from_config(recipe.budget, epoch=1)
        for key in ("validate_every", "checkpoint_every"):
            Interval.from_config(getattr(recipe, key), epoch=1, key=key)
    except ScalewiseError as error:
        raise ScalewiseError(f"{source}: {error}") from None


def check_settings(kind: type[Kind], settings: Plain, source: str) -> Kind:
    """Convert plain settings into a typed dataclass; see :func:`parse_recipe`."""
    try:
        # Through JSON, whose strict mode accepts a list as a tuple and 1 as 1.0.
        return _checks(kind).validate_json(json.dumps(settings, default=str))
    except ValidationError as error:
        raise ScalewiseError(f"{source}: {_explain(error, kind, settings)}") from error


@cache  # building an adapter takes far longer than using it
def _checks(kind: type[Kind]) -> TypeAdapter[Kind]:
    return TypeAdapter(kind)


def apply_override(settings: Plain, override: str) -> None:
    """Set one dotted ``key=value`` in plain settings.

    A key may be shortened to its last part if only one setting has that name.  One part of the
    budget replaces another.  ``null`` takes a setting out, so that its default holds, and leaves
    other parts of the budget.

    >>> settings = {"data": {"batch": 16}, "budget": {"time": "2h"}}
    >>> apply_override(settings, "data.batch=8")
    >>> apply_override(settings, "steps=500")
    >>> apply_override(settings, "batch=null")
    >>> settings
    {'data': {}, 'budget': {'steps': 500}}
    """
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ScalewiseError(f"'{override}': write key=value, such as data.batch=8")
    try:
        value = yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError) as error:
        raise ScalewiseError(f"'{override}': the value is not YAML") from error
    change_setting(settings, key, value)


def change_setting(settings: Plain, key: str, value: Any) -> None:
    """Set one key, dotted or shortened, in plain settings; see :func:`apply_override`."""
    *parents, last = _full_key(key).split(".")
    if parents == ["budget"] and value is not None:
        settings["budget"] = {}
    for parent in parents:
        inner = settings.setdefault(parent, {})
        if not isinstance(inner, dict):
            raise ScalewiseError(f"'{key}': '{parent}' has no keys of its own")
        settings = cast(Plain, inner)
    if value is None:  # the default: of every setting that may be null, it is null
        settings.pop(last, None)
    else:
        settings[last] = value


def _full_key(key: str) -> str:
    """Return a key with its section: ``data.batch`` for ``batch``.  Keep unknown keys."""
    if "." in key or key in get_type_hints(Recipe):
        return key
    sections = {
        name: hint
        for name, hint in get_type_hints(Recipe).items()
        if dataclasses.is_dataclass(hint)
    }
    full = [f"{name}.{key}" for name, hint in sections.items() if key in get_type_hints(hint)]
    if len(full) > 1:
        raise ScalewiseError(f"'{key}' may be {' or '.join(full)}; write it out")
    return full[0] if full else key


def to_plain(recipe: Recipe) -> Plain:
    """Return a recipe as dictionaries, lists, numbers and texts; reverses :func:`parse_recipe`."""
    return json.loads(json.dumps(dataclasses.asdict(recipe)))


def save_recipe(recipe: Recipe, path: AnyPath) -> None:
    """Write a recipe with every setting spelled out."""
    path = path_of(path, "path")
    text = yaml.dump(to_plain(recipe), Dumper=SafeDumper, sort_keys=False)
    write_atomic(path, text.encode())


def changed_keys(old: Recipe, new: Recipe, ignored: str) -> list[str]:
    """Return the differences of two recipes as ``key: old, now new``, without one section."""
    before, after = flat_settings(to_plain(old)), flat_settings(to_plain(new))
    return [
        f"{key}: {before.get(key)}, now {after.get(key)}"
        for key in {**before, **after}
        if before.get(key) != after.get(key) and key.partition(".")[0] != ignored
    ]


def flat_settings(value: Any, key: str = "") -> Plain:
    """Return nested settings with dotted keys."""
    if not isinstance(value, dict):
        return {key: value}
    settings = cast(Plain, value)
    flat: Plain = {}
    for name, inner in settings.items():
        flat |= flat_settings(inner, f"{key}.{name}" if key else name)
    return flat


def _explain(error: ValidationError, kind: type, settings: Plain) -> str:
    first = error.errors()[0]
    parts = (str(part) for part in first["loc"])
    members = ("float", "str", "bool")  # members of a union
    key = ".".join(part for part in parts if part not in members)
    if first["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        known = _keys_beside(kind, [str(part) for part in first["loc"]])
        name = str(first["loc"][-1])
        set_elsewhere = [each for each in flat_settings(settings) if each.endswith(f".{name}")]
        match = next((each for each in set_elsewhere if each != key), _nearest(name, known))
        hint = f"did you mean '{match}'?" if match else f"known: {', '.join(known)}"
        return f"unknown key '{key}'; {hint}"
    if first["type"] in ("missing", "missing_argument"):
        return f"'{key}' is missing"
    if first["type"] == "value_error":
        return str(first.get("ctx", {})["error"])
    if first["loc"][-1] == "bool":  # or one of a few texts
        first["msg"] += "".join(
            f", or {each.get('ctx', {}).get('expected')}"
            for each in error.errors()
            if each["type"] == "literal_error" and each["loc"][:-1] == first["loc"][:-1]
        )
    message = first["msg"][0].lower() + first["msg"][1:]
    return f"'{key}': {message}, not {first['input']!r}"


def _nearest(key: str, beside: list[str]) -> str | None:
    """Return the most similar key, of the same section or any other; None if none is similar."""
    if key in SYNONYMS:
        return SYNONYMS[key]
    elsewhere = [
        name
        for section in get_type_hints(Recipe).values()
        if dataclasses.is_dataclass(section)
        for name in get_type_hints(section)
    ]
    return next(iter(get_close_matches(key, [*beside, *elsewhere], n=1)), None)


def _keys_beside(kind: type, location: list[str]) -> list[str]:
    part: Any = kind
    for key in location[:-1]:
        part = get_type_hints(part)[key]
        part = next((each for each in get_args(part) if dataclasses.is_dataclass(each)), part)
    return [field.name for field in dataclasses.fields(part)]
