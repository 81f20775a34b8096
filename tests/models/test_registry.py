"""Names, settings and their errors; parameter counts."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

import pytest
from torch import nn

from scalewise import plugins
from scalewise.errors import ScalewiseError, ScalewiseWarning
from scalewise.models import create_model, list_architectures, register_architecture, registry
from scalewise.models.plain import Plain


def test_list_models() -> None:
    networks = "adaptive, dbpn, dsrn, fpn, original, plain, scn, scn_exact, steered, unet"
    assert list_architectures() == networks.split(", ")


class Doubling(Plain):
    """A network of another package."""


def test_another_package_adds_an_architecture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "ARCHITECTURES", dict(registry.ARCHITECTURES))
    register_architecture("doubling")(Doubling)
    register_architecture("doubling")(Doubling)
    assert isinstance(create_model("doubling", width=8), Doubling)
    assert "doubling" in list_architectures()
    with pytest.raises(ScalewiseError, match="architecture 'plain' is Plain already"):
        register_architecture("plain")(Doubling)


def test_entry_points_add_architectures(monkeypatch: pytest.MonkeyPatch) -> None:
    named = [
        EntryPoint("doubling", f"{__name__}:Doubling", registry.ENTRY_POINTS),
        EntryPoint("broken", "no_such_module:Network", registry.ENTRY_POINTS),
    ]
    monkeypatch.setattr(registry, "ARCHITECTURES", dict(registry.ARCHITECTURES))
    monkeypatch.setattr(plugins, "entry_points", lambda group: named)
    registry._load_entry_points.cache_clear()
    with pytest.warns(ScalewiseWarning, match="architecture 'broken' of no_such_module:Network"):
        assert create_model("doubling", width=8).architecture == "doubling"
    registry._load_entry_points.cache_clear()


DBPN_S = {"features": 128, "width": 32}
D_DBPN = {"features": 256, "width": 64, "stages": 7, "dense": True}


@pytest.mark.parametrize(
    ("name", "settings", "count"),
    [
        ("original", {}, 1_781_260),
        ("original", {"shared": True}, 894_988),
        ("original", {"shared": True, "global_residual": True}, 894_988),
        # One 3x3 convolution of 64 features for all three levels: 8 x 2 of them, head and tail.
        ("original", {"shared_levels": True}, 16 * 36_928 + 1_792 + 6_924),
        ("original", {"shared_levels": True, "shared": True}, 8 * 36_928 + 1_792 + 6_924),
        # Original's, and per attention a 1x1 convolution: 3 x 64 or 3 channels to 3.
        ("adaptive", {}, 1_781_260 + 16 * (3 * 64 * 3 + 3)),
        ("adaptive", {"attention": "means"}, 1_781_260 + 16 * (3 * 3 + 3)),
        # A block's first and last convolution, and those between, from the width to the width.
        ("scn_exact", {"denoise": 4}, 612_220 + 896 + 2 * 9_248 + 867),
        # The last one gives three numbers of correction and one of the map.
        ("scn_exact", {"artifacts": 4}, 612_220 + 896 + 2 * 9_248 + 867 + 289),
        ("original", {"denoise": 4, "artifacts": 4}, 1_936_595),
        ("scn", {"scale": 1}, 1_221_382),
        ("scn", {"scale": 2}, 1_224_916),
        ("scn", {"scale": 3}, 1_230_421),
        ("scn", {"scale": 4}, 1_238_128),
        ("scn", {"scale": 2, "levels": 2}, 1_224_916),
        ("dbpn", {}, 109_086),
        ("dbpn", {"global_residual": True}, 109_086),
        ("dbpn", {"scale": 4}, 190_734),
        ("dbpn", {**DBPN_S}, 341_518),
        ("dbpn", {**DBPN_S, "stages": 4}, 786_010),
        ("dbpn", {**DBPN_S, "stages": 5}, 1_008_256),
        ("dbpn", {**DBPN_S, "stages": 6}, 1_230_502),
        ("dbpn", {**D_DBPN}, 5_953_526),
        ("dbpn", {**D_DBPN, "scale": 4}, 10_426_358),
        # The authors' code's layers, and a 2x2 convolution where that has average pooling.
        ("dsrn", {}, 732_035 + 2 * 2 * 128 * 128 + 128),
        ("dsrn", {"stages": 3, "global_residual": False}, 797_699),
        ("dsrn", {"width": 144}, 1_009_155),
        # Head, 18 convolutions of 48 features, tail, and the skip from the image.
        ("plain", {}, 1_344 + 18 * 20_784 + 5_196 + 912),
        ("plain", {"luminance": True}, 1_344 + 18 * 20_784 + 1_732 + 912),
        # Head and tail, skip, and per stage both chains and the two ways between the streams.
        ("steered", {}, 1_344 + 5_196 + 912 + 4 * (4 * 20_784 + 2 * 83_040 + 4_704 + 4_656)),
        # Per level two convolutions down; per step the doubling and two convolutions up; the ends.
        (
            "unet",
            {},
            (1_344 + 20_784)
            + (41_568 + 83_040)
            + (166_080 + 331_968)
            + (73_824 + 165_984 + 83_040)
            + (18_480 + 41_520 + 20_784)
            + (5_196 + 912),
        ),
        # With one input channel and a 1x1 convolution to two classes: 31,030,658.
        ("unet", {"width": 64, "levels": 5}, 31_030_658 + 2 * 9 * 64 - 130 + 6_924 + 912),
        # Per stage the first convolution and a block; laterals, 3x3 convolutions, the ends.
        (
            "fpn",
            {},
            (1_120 + 2 * 14_440)
            + (28_880 + 2 * 57_680)
            + (115_360 + 2 * 230_560)
            + (3_936 + 7_776 + 15_456)
            + 3 * 83_040
            + (10_380 + 912),
        ),
    ],
)
def test_parameter_counts(name: str, settings: dict[str, Any], count: int) -> None:
    network = create_model(name, **settings)
    assert sum(parameter.numel() for parameter in network.parameters()) == count


def test_the_count_of_the_documents_code_is_adaptive_and_its_layer_norm() -> None:
    """LayerNorm over 64x256x256 has a weight and a bias for every value; see docs/networks.md."""
    network = create_model("adaptive", attention="means")
    assert network.parameter_count == 1_781_452
    assert network.parameter_count + 2 * 64 * 256 * 256 == 10_170_060


@pytest.mark.parametrize(
    ("settings", "thousands"),
    [({}, 188), (DBPN_S, 595), ({**DBPN_S, "stages": 4}, 1381)],
)
def test_quoted_counts_of_dbpn(settings: dict[str, int], thousands: int) -> None:
    """Ours, if counted for luminance at x4, weights only, and a last kernel of 1x1."""
    network = create_model("dbpn", scale=4, channels=1, **settings)
    weights = {name: p for name, p in network.named_parameters() if p.ndim == 4}
    last = weights.pop("reconstruct.weight")
    count = sum(weight.numel() for weight in weights.values()) + last.numel() // 9
    assert count // 1000 == thousands


def test_a_network_keeps_its_settings() -> None:
    network = create_model("scn_exact", width=8, blocks=2)
    assert network.architecture == "scn_exact"
    assert network.settings == {
        "scale": 2,
        "channels": 3,
        "width": 8,
        "expansion": 4,
        "blocks": 2,
        "levels": 3,
        "shrink": 1,
        "denoise": 0,
        "artifacts": 0,
    }


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("orignal", {}, "unknown model 'orignal'; did you mean 'original'?"),
        (
            "vgg",
            {},
            "unknown model 'vgg'; known: adaptive, dbpn, dsrn, fpn, original, plain, scn, "
            "scn_exact, steered, unet",
        ),
        ("scn", {"widht": 8}, "scn has no setting 'widht'; did you mean 'width'?"),
        ("scn", {"scale": 5}, "scn: scale must be 1, 2, 3 or 4, not 5"),
        ("scn", {"channels": 4}, "scn: channels must be 1 (grey) or 3 (RGB), not 4"),
        ("original", {"width": 0}, "original: width must be above 0, not 0"),
        ("adaptive", {"blocks": -1}, "adaptive: blocks must be above 0, not -1"),
        ("scn", {"levels": 0}, "scn: levels must be at least 1, not 0"),
        ("scn", {"levels": 20}, "scn: levels must be at most 8, not 20"),
        ("original", {"levels": 20}, "original: levels must be at most 8, not 20"),
        ("scn_exact", {"levels": 1}, "scn_exact: levels must be at least 2, not 1"),
        (
            "scn_exact",
            {"denoise": 1},
            "scn_exact: denoise must be 0 or at least 2 convolutions, not 1",
        ),
        (
            "original",
            {"artifacts": -2},
            "original: artifacts must be 0 or at least 2 convolutions, not -2",
        ),
        (
            "adaptive",
            {"denoise": 4, "artifacts": 5},
            "adaptive: denoise and artifacts may have 8 convolutions together, not 9",
        ),
        ("dbpn", {"stages": 0}, "dbpn: stages must be above 0, not 0"),
        ("dsrn", {"width": 7}, "dsrn: width must be even, not 7"),
        ("plain", {"ends": 4}, "plain: ends must be 3 or 5, not 4"),
        (
            "plain",
            {"convolutions": 7},
            "plain: convolutions must be even in residual blocks, not 7",
        ),
        ("steered", {"coarse_depth": 0}, "steered: coarse_depth must be above 0, not 0"),
        ("unet", {"levels": 1}, "unet: levels must be at least 2, not 1"),
        ("unet", {"levels": 20}, "unet: levels must be at most 8, not 20"),
        ("fpn", {"levels": 1}, "fpn: levels must be at least 2, not 1"),
        ("fpn", {"features": 0}, "fpn: features must be above 0, not 0"),
    ],
)
def test_errors_are_one_helpful_line(name: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ScalewiseError) as caught:
        create_model(name, **settings)
    assert str(caught.value) == message


def test_a_whole_number_is_a_number() -> None:
    assert create_model("scn", blocks=1, width=8, expansion=3).settings["expansion"] == 3


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("scn", {"blocks": "8"}),
        ("scn", {"scale": 2.0}),
        ("scn", {"width": True}),
        ("scn_exact", {"denoise": True}),
        ("original", {"shared": "no"}),
        ("adaptive", {"attention": "mean"}),
    ],
)
def test_ill_typed_settings_are_named(name: str, settings: dict[str, Any]) -> None:
    ((setting, value),) = settings.items()
    with pytest.raises(ScalewiseError, match=f"^{name}: {setting}: .*, not {value!r}$"):
        create_model(name, **settings)


def test_what_is_not_a_network_class_is_refused() -> None:
    with pytest.raises(ScalewiseError, match="has to be a subclass of"):
        register_architecture("mine")(nn.Linear)  # type: ignore[type-var]
    with pytest.raises(ScalewiseError, match="it takes a name"):
        register_architecture(nn.Linear)  # type: ignore[arg-type]
    assert "mine" not in list_architectures()
