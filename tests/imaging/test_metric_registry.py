"""The registry of metrics: the values of its entries, and metrics of other packages."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from scalewise.errors import ScalewiseError
from scalewise.files import Picture, write
from scalewise.imaging.metric_registry import METRICS, Metric, Views, get_metric, list_metrics
from scalewise.imaging.metrics import ssim_rgb
from scalewise.imaging.protocols import FIELD

GOLDEN = {
    "ssim": 0.8617387112,
    "ssim_rgb": 0.7121470809,
    "ms_ssim": 0.9822383765,
    "gmsd": 0.0178300336,
    "vif_p": 0.6149471592,
}
"""By piq 0.8.0 in double precision; ssim without its downsampling, of RGB the mean of channels."""


@pytest.fixture(scope="module")
def views(photo: NDArray[np.uint8]) -> Views:
    truth = photo[:244, :260]
    noise = np.random.default_rng(0).normal(0, 8, truth.shape)
    return FIELD.views(truth + noise, truth, 2)


@pytest.mark.parametrize("name", GOLDEN)
def test_values_of_another_implementation(views: Views, name: str) -> None:
    assert METRICS[name].measure(views) == pytest.approx(GOLDEN[name], abs=2e-9)


def test_psnr_is_scikit_images(views: Views) -> None:
    for name, pair in (("psnr", views[:2]), ("psnr_y", views[2:])):
        expected = peak_signal_noise_ratio(pair[1], pair[0], data_range=255)
        assert METRICS[name].measure(views) == pytest.approx(expected)


def test_ssim_of_rgb_is_scikit_images_within_its_valid_interior(views: Views) -> None:
    _, field = structural_similarity(
        views.rgb,
        views.rgb_reference,
        gaussian_weights=True,
        use_sample_covariance=False,
        data_range=255,
        channel_axis=-1,
        full=True,
    )
    expected = field[5:-5, 5:-5].mean()
    assert ssim_rgb(views.rgb, views.rgb_reference, 255) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_an_entry_is_what_its_values_are(views: Views, metric: Metric) -> None:
    perfect = views._replace(rgb=views.rgb_reference, y=views.y_reference)
    best, noisy = metric.measure(perfect), metric.measure(views)
    assert metric.is_better(best, noisy)
    assert not metric.is_better(noisy, best)
    for value in (best, noisy):
        assert metric.low is None or value >= metric.low
        assert metric.high is None or value <= metric.high + 1e-9
    assert metric.source
    side = metric.least_side
    least = Views(*(each[:side, :side] for each in perfect[:4]))
    assert not np.isnan(metric.measure(least))
    if side > 1:
        small = Views(*(each[: side - 1] for each in views[:4]))
        message = f"{metric.name} needs at least {side}x{side} pixels inside the border, not 25"
        with pytest.raises(ScalewiseError, match=message):
            metric.measure(small)


def test_names_are_found_as_they_are_written() -> None:
    assert get_metric("MS-SSIM") is METRICS["ms_ssim"]
    assert get_metric("psnr_rgb") is METRICS["psnr"]
    with pytest.raises(ScalewiseError, match=r"unknown metric 'ms_sim'; did you mean 'ms_ssim'"):
        get_metric("ms_sim")


def test_the_documentation_and_the_help_have_all_metrics(call: Callable[..., Any]) -> None:
    text = (Path(__file__).parents[2] / "docs" / "compare.md").read_text(encoding="utf-8")
    _, said, _ = call("evaluate", "--help")
    for metric in METRICS.values():
        channels = {"y": "Y", "rgb": "RGB"}[metric.channels]
        assert f"| `{metric.name}` | {channels} | {metric.direction} |" in text
        assert metric.name in said


PACKAGE = """
from scalewise.imaging import Metric

def brightness():
    # Without a reference, as NIQE is.
    return Metric(name='brightness', title='Bright', direction='lower', channels='rgb', digits=1,
                  compute=lambda image, data_range: image.mean() / data_range * 100,
                  needs_reference=False)

WORST = Metric(name='worst', title='Worst', direction='lower',
               compute=lambda image, reference, data_range: abs(image - reference).max())
NAMED_OTHERWISE = WORST
BROKEN = Metric(name='broken', title='', direction='lower', compute=lambda *_: float('nan'))
"""
ENTRIES = """[scalewise.metrics]
brightness = metric_package:brightness
worst = metric_package:WORST
other = metric_package:NAMED_OTHERWISE
broken = metric_package:BROKEN
absent = metric_package.no_such_module:METRIC
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package with metrics, in a folder on sys.path."""
    info = tmp_path / "site" / "metric_package-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: metric_package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRIES)
    (info.parent / "metric_package.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(info.parent)
    monkeypatch.delitem(sys.modules, "metric_package", raising=False)


@pytest.mark.usefixtures("package")
def test_another_package_adds_metrics(views: Views) -> None:
    assert {"brightness", "worst", "absent"} <= {*list_metrics()}
    assert "metric_package" not in sys.modules  # a name costs no import
    bright = get_metric("Brightness").measure(views)
    assert bright == pytest.approx(views.rgb.mean() / 2.55)
    assert get_metric("worst").measure(views) == np.abs(views.y - views.y_reference).max()


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent", "metric 'absent' of metric_package.no_such_module:METRIC cannot be loaded"),
        ("other", "metric 'other' is Metric(name='worst', "),
    ],
)
def test_a_metric_that_cannot_be_used_is_one_line(name: str, message: str) -> None:
    with pytest.raises(ScalewiseError, match=re.escape(message)) as caught:
        get_metric(name)
    assert caught.value.arguments == ("metric",)


@pytest.mark.usefixtures("package")
def test_a_value_that_is_not_a_number_is_refused(views: Views) -> None:
    with pytest.raises(ScalewiseError, match="broken gave nan, which is not a number"):
        get_metric("broken").measure(views)


@pytest.mark.usefixtures("package")
def test_metrics_of_a_package_are_columns(
    call: Callable[..., tuple[int, str, str]], photo: NDArray[np.uint8], tmp_path: Path
) -> None:
    (tmp_path / "set").mkdir()
    write(tmp_path / "set" / "a.png", Picture(photo[:40, :48]))
    chosen = ["--metric", "psnr_y", "--metric", "brightness"]
    code, out, err = call("evaluate", "bicubic", tmp_path / "set", *chosen)
    assert (code, err) == (0, "")
    assert re.search(r"method +precision +PSNR-Y +Bright +s/MP", out)
    assert "Bright: lower is better; another package" in out
    code, _, err = call("evaluate", "bicubic", tmp_path / "set", "--metric", "absent")
    assert code == 2
    assert "cannot be loaded" in err
