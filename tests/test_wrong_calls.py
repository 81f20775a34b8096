"""Wrong calls of the public functions: each is a ScalewiseError of one line, with its argument."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import scalewise
from scalewise import ScalewiseError, create_model, list_models, load, restore, upscale
from scalewise.converting import convert
from scalewise.data import (
    PatchDegradation,
    PatchSampler,
    check_dataset,
    pack,
    pair_folders,
)
from scalewise.evaluating.evaluate import Evaluation, ImageScore
from scalewise.evaluating.results import methods_of
from scalewise.evaluating.score_table import make_table
from scalewise.evaluating.statistics import paired_test, standard_error
from scalewise.files import Picture, write
from scalewise.imaging import (
    FIELD,
    Degradation,
    Metric,
    SecondOrder,
    align,
    bicubic_down,
    blocking_effect,
    deblocking,
    denoising,
    estimate_degradation,
    estimate_jpeg_quality,
    estimate_jpeg_quality_of_pixels,
    estimate_sigma,
    gaussian_noise,
    get_metric,
    imresize,
    is_grey,
    jpeg,
    photographs,
    psnr,
    psnr_b,
    resize_like_pillow,
    rgb_to_y,
    squashing,
    ssim,
    ssim_rgb,
    to_rgb,
)
from scalewise.models import export_onnx, register_architecture
from scalewise.restoring import (
    FileJob,
    LoadOptions,
    OutputOptions,
    Restorer,
    Selection,
    plan_jobs,
    restore_file,
    restore_files,
    upscale_array,
)
from scalewise.training import (
    draw_curves,
    find_runs,
    quantize_release,
    release_run,
)
from tests.restoring.fakes import ArraySource, FakeRuntime, Traits
from tests.wrong_calls import call, refused

IMAGE = np.zeros((8, 8, 3), np.uint8)
FRAME = np.array([[3, 4], [5, 6]])
NAN = np.full((20, 20), np.nan)
ONE_NAN = np.zeros((20, 20))
ONE_NAN[3, 4] = np.nan
ONE_INFINITE = np.zeros((20, 20, 3), np.float32)
ONE_INFINITE[3, 4, 0] = np.inf
RANDOM = np.random.default_rng(0)
NETWORK = Restorer("fake", Traits(), FakeRuntime())
TARGET = scalewise.Target(2)
SCORED = Evaluation("a", "set", FIELD, "f32", [ImageScore("b", 9, 9, 30, 30, 1, None, 1)])


BOTH: list[tuple[str, Any, str]] = [
    ("device", "gpu", "device"),
    ("device", None, "device"),
    ("device", FRAME, "device"),
    ("precision", 16, "precision"),
    ("precision", "f16", "precision"),
    ("tile", "large", "tile"),
    ("tile", FRAME, "tile"),
    ("tile", 0.5, "tile"),
    ("tile", 5, "tile"),
    ("strength", 2, "strength"),
    ("strength", FRAME, "strength"),
    ("ensemble", "no", "ensemble"),
    ("quality", 0, "quality"),
    ("quality", "high", "quality"),
    ("quality", 90.5, "quality"),
    ("lossless", "no", "lossless"),
    ("overwrite", "no", "overwrite"),
    ("width", "100", "width"),
    ("width", 100.5, "width"),
    ("height", -1, "height"),
    ("scale", FRAME, "scale"),
    ("scale", 0, "scale"),
    ("fit", FRAME, "fit"),
    ("fit", np.array([3]), "fit"),
    ("fit", 100, "fit"),
    ("fit", "100x50", "fit"),
    ("max_megapixels", float("nan"), "max_megapixels"),
    ("model", 3, "model"),
    ("model", b"scn_x2", "model"),
    ("model", "nothing", "model"),
    ("model", "n" * 300, "model"),
    ("model", "hf-hub:nothing", "model"),
    ("output", 3, "output"),
    ("output", "", "output"),
    ("output", f"{__file__}/a.png", "output"),
    ("output", "a.xyz", "output"),
]
"""Arguments of upscale and restore: name, wrong value, argument of the error."""

OTHERS: list[tuple[Callable[[], Any], tuple[str, ...]]] = [
    (call(upscale, None), ("image",)),
    (call(upscale, 3), ("image",)),
    (call(upscale, "no such picture.png"), ("image",)),
    (call(upscale, np.zeros((2, 3, 4, 5))), ("image",)),
    (call(restore, {"a": 1}), ("image",)),
    (call(restore, IMAGE.astype(float) + 300), ("image",)),
    *((call(upscale, each), ("image",)) for each in (NAN, ONE_NAN, ONE_INFINITE)),
    *((call(restore, each, "a.png"), ("image",)) for each in (NAN, ONE_NAN, ONE_INFINITE)),
    *((call(restore, ONE_NAN, "a.png", method=each), ("image",)) for each in ("nlm", "wavelet")),
    (call(restore, ONE_NAN, "a.png", task="denoise"), ("image",)),
    (call(estimate_sigma, NAN), ("image",)),
    *((call(bicubic_down, IMAGE, each), ("scale",)) for each in (0, 1.5, 9, "2")),
    *((call(imresize, IMAGE, each), ("scale",)) for each in (0, np.inf, np.nan, 1e9, "2")),
    *((call(imresize, IMAGE, size=each), ("size",)) for each in ((0, 3), 5, (10**9, 10**9))),
    (call(imresize, IMAGE), ("scale", "size")),
    (call(imresize, IMAGE, 2, kernel="foo"), ("kernel",)),
    (call(imresize, [], 2), ("image",)),
    (call(resize_like_pillow, IMAGE, (0, 3)), ("size",)),
    (call(resize_like_pillow, IMAGE, (9, 9), "foo"), ("kernel",)),
    *((call(jpeg, IMAGE, each), ("quality",)) for each in (0, 101, 50.5, "a")),
    (call(jpeg, IMAGE, 50, "4:2:2"), ("subsampling",)),
    (call(jpeg, IMAGE[..., :2], 50), ("image",)),
    *((call(jpeg, IMAGE.astype(each), 50), ("image",)) for each in ("f4", "u2", "i2", "?", "c8")),
    *((call(Degradation(5, 50), each, "a"), ("image",)) for each in (IMAGE / 1.0, IMAGE[0])),
    *((call(SecondOrder(), each, 1, RANDOM), ("image",)) for each in (IMAGE / 1.0, IMAGE[0])),
    *(
        (call(function, each), ("image",))
        for function in (
            estimate_sigma,
            estimate_degradation,
            estimate_jpeg_quality_of_pixels,
            is_grey,
            partial(gaussian_noise, sigma=1, rng=RANDOM),
            partial(imresize, scale=2),
        )
        for each in (None, [[1]], IMAGE[:0], IMAGE.astype(complex), IMAGE > 3)
    ),
    *(
        (call(function, each), ("image",))
        for function in (estimate_sigma, estimate_degradation, estimate_jpeg_quality_of_pixels)
        for each in (IMAGE[0, 0], IMAGE[None], ONE_NAN, ONE_INFINITE)
    ),
    *((call(estimate_degradation, np.zeros((8, 8, each))), ("image",)) for each in (5, 8)),
    (call(estimate_jpeg_quality_of_pixels, IMAGE[..., :2]), ("image",)),
    *((call(estimate_jpeg_quality, each), ("table",)) for each in (IMAGE, [16] * 64, FRAME)),
    *((call(align, IMAGE, each), ("image",)) for each in (None, IMAGE[0, 0], IMAGE > 3)),
    (call(align, np.ones((20, 20)), ONE_NAN), ("image",)),
    (call(align, IMAGE, IMAGE[:5]), ("reference", "image")),
    *((call(FIELD.prepare, each, None, 2), ("hr",)) for each in (None, IMAGE / 255, IMAGE[0, 0])),
    (call(FIELD.prepare, IMAGE, IMAGE[:4, :4] / 255, 2), ("lr",)),
    (call(FIELD.score, IMAGE.astype("u2"), IMAGE, 1), ("restored",)),
    (call(FIELD.score, None, IMAGE, 1), ("restored",)),
    (call(FIELD.score, IMAGE, IMAGE / 255, 1), ("truth",)),
    *((call(each, [], []), ("image",)) for each in (psnr, psnr_b, ssim, ssim_rgb)),
    (call(psnr, IMAGE, [1]), ("reference",)),
    (call(psnr, IMAGE, IMAGE[:5]), ("image", "reference")),
    *((call(each, IMAGE, IMAGE), ("image",)) for each in (psnr_b, ssim)),
    (call(blocking_effect, IMAGE[..., 0], 0), ("block",)),
    (call(blocking_effect, IMAGE[..., 0], offset=-1), ("offset",)),
    (call(psnr_b, IMAGE[..., 0], IMAGE[..., 0], offset=0.5), ("offset",)),
    (call(rgb_to_y, IMAGE[..., :2]), ("rgb",)),
    (call(to_rgb, IMAGE[..., :2]), ("image",)),
    *((call(gaussian_noise, IMAGE, each, RANDOM), ("sigma",)) for each in (-1, np.nan, "a")),
    (call(gaussian_noise, IMAGE, 1, None), ("rng",)),
    *((call(denoising, each), ("sigma",)) for each in (-1, 300, np.nan, "a")),
    *((call(deblocking, each), ("quality",)) for each in (0, 101, "a", None)),
    (call(deblocking, 10, "4:2:2"), ("subsampling",)),
    *((call(photographs, each), ("sigma",)) for each in (-1, "a")),
    *((call(SecondOrder, blur=each), ("blur",)) for each in (1, "ab", [[0, 1]], [[2, 1], [0, 1]])),
    *((call(SecondOrder, resized=each), ("resized",)) for each in (None, [0.6, 0.6], ["a", 0])),
    *((call(SecondOrder, sinc=each), ("sinc",)) for each in (-1, "a", None)),
    (call(SecondOrder, jpeg=(0, 95)), ("jpeg",)),
    *((call(squashing, each), ("side",)) for each in (0, "a")),
    *((call(PatchDegradation, sigma=each), ("sigma",)) for each in ((5, 1), 5, ("a", "b"))),
    (call(PatchDegradation, quality=(0, 101)), ("quality",)),
    (call(PatchDegradation, clean=2), ("clean",)),
    (call(PatchDegradation, margin=-1), ("margin",)),
    (call(PatchSampler, [], 2, 0, 1), ("patch",)),
    (call(PatchSampler, [], 2, 8, 0), ("batch",)),
    (call(PatchSampler, [], 2, 8, 1, candidates=0), ("candidates",)),
    (call(PatchSampler, [], 2, 8, 1, seed=-1), ("seed",)),
    (call(check_dataset, None, workers=0), ("workers",)),
    (call(check_dataset, None, min_side=-5), ("min_side",)),
    (call(upscale_array, IMAGE, []), ("restorers",)),
    (call(upscale_array, IMAGE, [None]), ("restorers",)),
    (call(upscale, IMAGE, target=3), ("target",)),
    (call(upscale, IMAGE, target=TARGET, width=100), ("target", "width")),
    (call(upscale, IMAGE, scale=2, width=100), ("scale", "width")),
    (call(restore, IMAGE, width=3, height=4), ("width", "height", "fit")),
    (call(upscale, IMAGE, width=8000), ("width",)),
    (call(upscale, IMAGE, "a.jpg", lossless=True), ("lossless",)),
    (call(upscale, IMAGE, "there.png"), ("overwrite",)),
    (call(restore, "there.png", "there.png"), ("overwrite",)),
    (call(upscale, IMAGE, model="scn_x2", strength=0.5), ("strength",)),
    (call(upscale, IMAGE, precision="int8", model="adaptive_x2"), ("precision",)),
    (call(restore, IMAGE, task="nonsense"), ("task",)),
    (call(restore, IMAGE, task=3), ("task",)),
    (call(restore, IMAGE, task=FRAME), ("task",)),
    (call(restore, IMAGE, task="super-resolution"), ("task",)),
    (call(restore, IMAGE, task="denoise", model="denoise"), ("task", "model")),
    (call(restore, IMAGE, task="denoise", width=100), ("width",)),
    (call(restore, IMAGE, method="median"), ("method",)),
    (call(restore, IMAGE, method=None), ("method",)),
    (call(restore, IMAGE, method="nlm", task="dejpeg"), ("method", "task")),
    (call(restore, IMAGE, method="nlm", model="denoise"), ("method", "model")),
    (call(restore, IMAGE, method="nlm", sigma="strong"), ("sigma",)),
    (call(restore, IMAGE, sigma=3), ("sigma",)),
    (call(load, None), ("model",)),
    (call(load, "scn_x22"), ("model",)),
    (call(load, "hf-hub:nothing"), ("model",)),
    (call(convert, "scn_x2", "a.gif"), ("output",)),
    (call(convert, "nothing", "a.onnx"), ("source",)),
    *((call(convert, "scn_x2", "a.onnx", size=each), ("size",)) for each in ("8x8", (8,), (0, 8))),
    (call(convert, "scn_x2", "a.pth", size=(8, 8)), ("size",)),
    (call(convert, "scn_x2", "a.onnx", pad="no"), ("pad",)),
    (call(export_onnx, NETWORK, "a.onnx", size=8), ("size",)),
    (call(load, device="mps0"), ("device",)),
    (call(load, device="mps"), ("device",)),
    *((call(load, tile=each), ("tile",)) for each in (-1, 1)),
    (call(create_model, None), ("name",)),
    (call(create_model, 3), ("name",)),
    (call(create_model, ["scn"]), ("name",)),
    (call(create_model, "scn_exakt"), ("name",)),
    (call(create_model, "nothing", pretrained=True), ("name",)),
    (call(create_model, "scn", pretrained="yes"), ("pretrained",)),
    (call(create_model, "scn", True), ("name", "pretrained")),
    (call(create_model, "scn_x2"), ("name", "pretrained")),
    (call(create_model, "scn_x2", pretrained=True, width=8), ("width",)),
    (call(create_model, "scn", widht=8), ("widht",)),
    (call(create_model, "scn", width=None), ("width",)),
    (call(create_model, "scn", scale=5), ("scale",)),
    (call(create_model, "adaptive", attention=FRAME), ("attention",)),
    (call(list_models, task="nonsense"), ("task",)),
    (call(list_models, task=["denoise"]), ("task",)),
    (call(list_models, scale="2"), ("scale",)),
    (call(list_models, scale=FRAME), ("scale",)),
    (call(plan_jobs, "photos", None, ""), ("inputs",)),
    (call(plan_jobs, [3], None, ""), ("inputs",)),
    (call(plan_jobs, ["a.png"], 3, ""), ("output",)),
    (call(pair_folders, 3, ["lr"]), ("hr",)),
    (call(pair_folders, "hr", "lr"), ("lr",)),
    (call(pack, [], None, [2]), ("out",)),
    *((call(pack, [], "a.pack", each), ("scales",)) for each in ([0], 2, ["2"])),
    (call(pack, [], "a.pack", [2], workers=0), ("workers",)),
    (call(draw_curves, []), ("curves",)),
    (call(register_architecture, ""), ("name",)),
    (call(find_runs, None), ("folder",)),
    *((call(methods_of, each), ("results",)) for each in ("a", ["no/such"], ["there.png"], [3])),
    *((call(paired_test, *each), ("first", "second")) for each in (([], []), ([1, 2], [1]))),
    *(
        (call(paired_test, [1, 2], each), ("second",))
        for each in (3, "ab", None, [[1, 2]], [[1], 2])
    ),
    *((call(standard_error, each), ("values",)) for each in (3, ["a", "b"], [None])),
    *(
        (call(Picture, each), ("pixels",))
        for each in (None, [[1]], IMAGE[..., 0], IMAGE[:0], IMAGE / 255, IMAGE.astype("i2"))
    ),
    *((call(write, "a.png", each), ("picture",)) for each in (None, IMAGE)),
    (call(make_table, [SCORED], 2, against="x"), ("against",)),
    *((call(get_metric, each), ("metric",)) for each in ("psnrr", None, 3)),
    (call(Metric, name="a", title="A", compute=psnr, direction="up"), ("direction",)),
    (
        call(Metric, name="a", title="A", compute=psnr, direction="lower", channels="g"),
        ("channels",),
    ),
    (call(ssim_rgb, IMAGE[..., :2], IMAGE[..., :2]), ("image",)),
    *((call(FileJob, *each), ("source",)) for each in ((None, "a.png"), ("", "a.png"))),
    (call(FileJob, "a.png", 5), ("target",)),
    (call(restore_files, None, None), ("jobs",)),
    (call(restore_files, ["a.png"], [NETWORK]), ("jobs",)),
    (call(restore_files, [FileJob("a.png", "b.png")], None), ("networks",)),
    (call(restore_files, [FileJob("a.png", "b.png")], [NETWORK], progress=5), ("progress",)),
    (call(restore_file, "a.png", [NETWORK]), ("job",)),
    (call(NETWORK.restore, IMAGE, progress=5), ("progress",)),
    (call(NETWORK.restore, ONE_NAN), ("image",)),
    (call(NETWORK.restore, "no.png"), ("image",)),
    (call(NETWORK.upscale, None), ("image",)),
    (call(NETWORK.restore_file, None, "a.png"), ("source",)),
    (call(NETWORK.restore_file, "no.png", "a.png"), ("source",)),
    (call(NETWORK.restore_file, "no.png", 5), ("target",)),
    (call(NETWORK.restore_file, "no.png", "a.png", progress=5), ("progress",)),
    (call(NETWORK.restore_file, "no.png", "a.png", overwrite="no"), ("overwrite",)),
    (call(convert, "scn_x2", "a.onnx", overwrite="no"), ("overwrite",)),
    (call(release_run, "a", "b", summary="", licence="", overwrite="no"), ("overwrite",)),
    (call(quantize_release, "a", overwrite="no"), ("overwrite",)),
    (call(NETWORK.stream, None, None), ("source",)),
    (call(NETWORK.stream, ArraySource(IMAGE), None), ("sink",)),
    *((call(LoadOptions, threads=each), ("threads",)) for each in (0, "a", 1.5)),
    *((call(OutputOptions, format=each), ("format",)) for each in ("x", 3)),
    *((call(OutputOptions, max_pixels=each), ("max_pixels",)) for each in (-1, "a")),
    *((call(Selection, include=each), ("include",)) for each in (5, "*.jpg", [5])),
    *((call(Selection, shard=each), ("shard",)) for each in (5, (1,), (2, 1), ("1", 2))),
    (call(OutputOptions, 3), ("target",)),
    (call(OutputOptions, strip="no"), ("strip",)),
    (call(LoadOptions, force_tiling=1), ("force_tiling",)),
]


@pytest.fixture(autouse=True)
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a file that is in the way."""
    monkeypatch.chdir(tmp_path)
    Path("there.png").write_bytes(b"mine")


@pytest.mark.parametrize("function", [upscale, restore])
@pytest.mark.parametrize(("name", "value", "argument"), BOTH)
def test_an_argument_of_both_functions(
    function: Callable[..., Any], name: str, value: Any, argument: str
) -> None:
    assert refused(call(function, IMAGE, **{name: value})).arguments == (argument,)


@pytest.mark.parametrize(("calling", "arguments"), OTHERS, ids=map(str, range(len(OTHERS))))
def test_any_other_call(calling: Callable[[], Any], arguments: tuple[str, ...]) -> None:
    assert refused(calling).arguments == arguments


def test_a_copy_that_fails_names_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: Any, **__: Any) -> bool:
        raise ScalewiseError("a.png: cannot be written")

    Image.fromarray(IMAGE).save("there.png")
    monkeypatch.setattr("scalewise.restoring.images.copy_picture", failing)
    assert refused(call(restore, "there.png", "a.png")).arguments == ("output",)
