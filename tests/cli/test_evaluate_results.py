"""evaluate and compare on folders of results, as a paper's author calls them."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.files import Picture, read, write
from scalewise.imaging.metrics import psnr
from scalewise.imaging.protocols import FIELD
from scalewise.imaging.resize import imresize

NAMES = ("a", "b", "c")
OWN = "protocol field: "


@pytest.fixture
def folder(tmp_path: Path, photo: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two sets of ground truths, and the results of three methods for them."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for at, dataset in enumerate(("One", "Two")):
        for index, name in enumerate(NAMES):
            truth = photo[60 * index :][:48, 100 + 60 * at :][:, :50]
            noise = random.normal(0, 1.2, truth.shape)
            made = {
                f"{dataset}/{name}.png": truth,
                f"bicubic/{dataset}/{name}.png": imresize(imresize(truth, 0.5), 2),
                f"good_net/{dataset}/{name}_x2.png": truth + noise,
                f"better/{dataset}/{name}_SR.png": truth + noise / 2,
            }
            for path, pixels in made.items():
                (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
                image = np.rint(pixels).clip(0, 255).astype(np.uint8)
                write(tmp_path / path, Picture(image))
    return tmp_path


RESULTS = ["--results", "bicubic", "--results", "good_net", "--results", "better"]
SETS = ["--truth", "One", "--truth", "Two"]


def expected(method: str, suffix: str, dataset: str = "One") -> list[float]:
    pairs = [
        (read(Path(method, dataset, f"{name}{suffix}.png")), read(Path(dataset, f"{name}.png")))
        for name in NAMES
    ]
    return [FIELD.score(image.pixels, truth.pixels, 2).psnr_y for image, truth in pairs]


@pytest.mark.usefixtures("folder")
def test_methods_over_sets_in_one_text_table(call) -> None:
    code, out, err = call("evaluate", *RESULTS, *SETS, "--against", "bicubic")
    assert (code, err) == (0, "")
    tables, notes = out.split("* best, + second best\n")
    assert max(map(len, tables.splitlines())) <= 80
    assert [line for line in tables.splitlines() if ", x2, 3 images" in line] == [
        "One, x2, 3 images",
        "Two, x2, 3 images",
    ]
    values = expected("better", "_SR")
    error = np.std(values, ddof=1) / np.sqrt(3)
    line = next(line for line in tables.splitlines() if line.startswith("better"))
    assert f"{np.mean(values):.2f} +-{error:.2f} *" in line
    assert max(map(len, out.splitlines())) <= 80
    assert notes.startswith("scale x2; protocol field: output rounded to 8 bits")
    assert re.search(r"^better +PSNR-Y +\+\d+\.\d\d .* 3/3 +0.250 +too few images$", out, re.M)
    digests = [
        hashlib.sha256(Path("better/One", f"{name}_SR.png").read_bytes()).hexdigest()
        for name in NAMES
    ]
    digest = hashlib.sha256("".join(digests).encode()).hexdigest()
    assert f"sha256 of better on One: {digest[:16]}\n" in notes


@pytest.mark.usefixtures("folder")
def test_latex_marks_the_best_two_and_names_what_it_rests_on(call) -> None:
    code, out, _ = call(
        "evaluate", *RESULTS, *SETS, "--metric", "psnr-y", "--metric", "gmsd", "-o", "out/t.tex"
    )
    assert code == 0
    assert out.endswith("table: out/t.tex\n")
    lines = Path("out/t.tex").read_text(encoding="utf-8").splitlines()
    comments = [line for line in lines if line.startswith("%")]
    body = [line for line in lines if not line.startswith("%")]
    assert body[:2] == ["\\begin{tabular}{lcccc}", "\\toprule"]
    assert body[2] == "& \\multicolumn{2}{c}{One} & \\multicolumn{2}{c}{Two} \\\\"
    assert body[3] == "\\cmidrule(lr){2-3} \\cmidrule(lr){4-5}"
    arrows = " & PSNR-Y $\\uparrow$ & GMSD $\\downarrow$"
    assert body[4] == f"Method{arrows}{arrows} \\\\"
    bicubic, good, better = body[6:9]
    assert "textbf" not in bicubic + good
    assert better.count("\\textbf{") == 4
    assert good.startswith("good\\_net & \\underline{")
    assert body[-2:] == ["\\bottomrule", "\\end{tabular}"]
    assert any(line.startswith(f"% scale x2; {OWN}") for line in comments)
    assert any(re.fullmatch(r"% sha256 of One: [0-9a-f]{64}", line) for line in comments)
    assert any(line.startswith("% +- of better on Two: PSNR-Y 0.") for line in comments)


@pytest.mark.usefixtures("folder")
def test_markdown_csv_and_json_have_the_same_numbers(call) -> None:
    values = expected("good_net", "_x2", "Two")
    mean, error = np.mean(values), np.std(values, ddof=1) / np.sqrt(3)
    options = [*RESULTS, *SETS, "--metric", "psnr_y"]
    _, out, _ = call("evaluate", *options, "--format", "markdown")
    rows = [line for line in out.splitlines() if line.startswith("|")]
    assert rows[0] == "| method | One PSNR-Y | Two PSNR-Y |"
    assert rows[3].startswith("| good_net | *")
    assert rows[3].endswith(f" | *{mean:.2f}* ± {error:.2f} |")
    assert f"- scale x2; {OWN}" in out

    _, out, _ = call("evaluate", *options, "--format", "csv", "--against", "better")
    row = next(
        row
        for row in csv.DictReader(out.splitlines())
        if (row["method"], row["dataset"]) == ("good_net", "Two")
    )
    assert float(row["psnr_y"]) == pytest.approx(mean)
    assert float(row["psnr_y_error"]) == pytest.approx(error)
    assert (row["scale"], row["protocol"], row["images"], row["psnr_y_p"]) == (
        "2",
        "field",
        "3",
        "0.25",
    )
    assert len(row["truth_sha256"]) == len(row["result_sha256"]) == 64

    _, out, _ = call("evaluate", *options, "--format", "json", "--against", "better")
    told = json.loads(out)
    score = told["scores"][4]
    assert (score["method"], score["dataset"]) == ("good_net", "Two")
    assert score["metrics"]["psnr_y"]["mean"] == pytest.approx(mean)
    assert [image["psnr_y"] for image in score["images"]] == pytest.approx(values)
    assert told["metrics"][0]["direction"] == "higher"
    assert told["comparisons"][1]["verdict"] == "too few images"
    assert told["protocol"] == "field"


@pytest.mark.usefixtures("folder")
def test_methods_are_compared_over_the_same_images(call) -> None:
    Path("bicubic/One/b.png").unlink()
    Path("better/One/c_SR.png").write_bytes(b"damaged")
    Path("better/One/spare.png").write_bytes(b"")
    code, out, err = call("evaluate", *RESULTS, "--truth", "One", "--csv", "scores.csv")
    assert code == 0
    lines = err.splitlines()
    assert lines[0] == "warning: bicubic on One: b: no image of this name"
    assert lines[1].startswith("warning: better on One: c: better/One/c_SR.png: ")
    assert lines[2] == (
        "warning: better on One: not used: better/One/spare.png: no image of the set is called so"
    )
    assert len(lines) == 3
    assert "One, x2, 1 image\n" in out
    assert "means over 1 of 3 images, those that all methods have: left out b, c" in out
    truth = read(Path("One/a.png")).pixels
    found = read(Path("better/One/a_SR.png")).pixels
    value = psnr(found[2:-2, 2:-2], truth[2:-2, 2:-2])
    assert re.search(rf"better +{value:.2f} \*", out)  # one image has no standard error
    with Path("scores.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 7  # all that could be scored

    Path("good_net/One/a_x2.png").unlink()
    code, _, err = call("evaluate", *RESULTS, "--truth", "One")
    assert code == 1
    assert "error: One: no image has a result of every method (bicubic, good_net, better)" in err


@pytest.mark.usefixtures("folder")
def test_a_model_is_a_row_among_results(call, small_release: Path) -> None:
    for path in Path("better/Two").iterdir():
        path.unlink()
    code, out, err = call("evaluate", small_release, "One", "Two", *RESULTS, "--format", "markdown")
    assert (code, err) == (0, "")
    rows = [line.split("|")[1].strip() for line in out.splitlines() if line.startswith("|")]
    assert rows[2:] == ["small", "bicubic", "good_net", "better"]
    assert "better has no results of Two" in out
    assert next(line for line in out.splitlines() if line.startswith("| better")).endswith(
        " | - | - | - |"
    )
    assert "sha256 of the weights of small: " in out
    for number, path in enumerate(Path("better/One").iterdir()):
        path.rename(path.with_name(f"{number}{number}.png"))
    code, out, err = call("evaluate", small_release, "Two", *RESULTS, "--csv", "two.csv")
    assert (code, err.splitlines()[-1]) == (1, "error: better: no image could be scored")
    assert "good_net" in out
    assert Path("two.csv").is_file()


@pytest.mark.usefixtures("folder")
def test_tables_too_wide_are_cut_into_several(call, small_release: Path) -> None:
    metrics = ("psnr", "psnr_y", "ssim", "ssim_rgb", "psnr_b", "gmsd", "vif_p")
    chosen = [word for metric in metrics for word in ("--metric", metric)]
    long = "a_network_with_a_very_long_name_indeed"
    code, out, _ = call("evaluate", small_release, "One", "--results", f"{long}=better", *chosen)
    assert code == 0
    tables = out.split("* best")[0]
    assert max(map(len, tables.splitlines())) <= 80
    assert tables.count("One, x2, 3 images") > 1
    assert all(title in tables for title in ("PSNR-B", "VIF-p", "s/MP", long[:20]))


@pytest.mark.usefixtures("folder")
def test_the_same_files_twice_and_grey_results_are_noticed(call) -> None:
    grey = read(Path("better/One/a_SR.png")).pixels[..., :1]
    write(Path("better/One/a_SR.png"), Picture(grey))
    _, out, err = call(
        "evaluate", "--results", "X=better", "--results", "Y=better", "--truth", "One"
    )
    assert "One: Y and X are the same files" in out
    assert "X on One: a_SR.png: grey, and the ground truth has colours" in err


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "missing argument MODEL; see 'scalewise evaluate --help'"),
        (["bicubic"], 2, "missing argument DIR; see 'scalewise evaluate --help'"),
        (["--results", "better"], 2, "missing option --truth SET; see"),
        (["--results", "better", "--truth", "One", "--card"], 2, "--card: for a model; name it"),
        (["--results", "no", "--truth", "One"], 1, "--results no: no such folder; give a folder"),
        (["bicubic", "One", "--results", "bicubic"], 1, "two methods are called bicubic; give"),
        (["bicubic", "One", "--metric", "psnr_x"], 2, "unknown metric 'psnr_x'; did you mean"),
        (["bicubic", "One", "--metric", "ms_ssim"], 1, "a.png: ms_ssim needs at least 176x176"),
        (["bicubic", "One", "--against", "X"], 1, "--against is X, which is not a method of the"),
        (["bicubic", "One", "-o", "t.xyz"], 2, "--output t.xyz: give a name that ends in .txt or"),
        (
            ["bicubic", "One", "-o", "t.tex", "--format", "csv"],
            2,
            "--format csv, and --output t.tex is latex by its extension; leave out --format, or",
        ),
        (["--results", "=better", "--truth", "One"], 1, "--results =better: no name before '='"),
        (["bicubic", "One", "--truth", "./One"], 2, "--truth One: given twice; give each set once"),
    ],
)
def test_mistakes_are_one_line(call, arguments: list[str], code: int, message: str) -> None:
    found, _, err = call("evaluate", *arguments)
    assert found == code
    (line,) = err.strip().splitlines()
    assert message in line


@pytest.mark.usefixtures("folder")
def test_sheets_of_results(call, small_release: Path) -> None:
    code, out, err = call("compare", *RESULTS, "--truth", "One", "--errors", "-o", "sheets")
    assert (code, err) == (0, "")
    assert sorted(path.name for path in Path("sheets").iterdir()) == [
        "a_sheet.png",
        "b_sheet.png",
        "c_sheet.png",
    ]
    assert f"PSNR-Y {expected('better', '_SR')[0]:.2f} dB" in out
    assert OWN in out
    assert read(Path("sheets/a_sheet.png")).pixels.shape[1] == 4 * (256 + 12) + 12

    Path("better/One/a_SR.png").unlink()
    code, out, err = call("compare", *RESULTS, "--truth", "One", "-o", "fewer")
    assert err == "warning: better: a: no image of this name; no sheet of it\n"
    assert [path.name for path in sorted(Path("fewer").iterdir())] == ["b_sheet.png", "c_sheet.png"]

    for path in Path("better/One").iterdir():
        path.rename(path.with_name("0" + path.name))
    code, out, err = call("compare", *RESULTS, "--truth", "One", "-o", "others")
    assert (code, err) == (0, "warning: better: no file is called like an image of One\n")
    assert len(list(Path("others").iterdir())) == 3
    assert " better " not in out
    code, out, err = call("compare", "--results", "better", "--truth", "One", "-o", "none")
    assert (code, out) == (1, "")
    assert err.endswith("error: no image has a result of each method, so there is no sheet\n")
    assert not Path("none").exists()
    for path in Path("better/One").iterdir():
        path.rename(path.with_name(path.name[1:]))

    twice = ("-m", small_release, "-m", small_release)
    code, out, _ = call("compare", "One/b.png", *twice, "--results", "better/One", "-o", "one")
    assert code == 0
    names = [line.split()[0] for line in out.splitlines() if " PSNR-Y " in line]
    assert names == ["bicubic", "small", "One"]
    assert read(Path("one/b_sheet.png")).pixels.shape[1] == 5 * (256 + 12) + 12


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "missing argument IMAGE; see 'scalewise compare --help'"),
        (["One/a.png", "--truth", "One"], "IMAGE and --truth both give ground truths"),
        (["--truth", "One"], "--truth is for --results"),
        (["--results", "better", *["--truth", "One"] * 2], "--truth One: given twice"),
        (["One/a.png", "--scale", "2"], "--scale is for --results"),
    ],
)
def test_what_compare_is_not_for(call, arguments: list[str], message: str) -> None:
    code, _, err = call("compare", *arguments)
    assert code == 2
    assert message in err


@pytest.mark.usefixtures("folder")
def test_scores_of_images_have_one_column_for_each_metric(call) -> None:
    chosen = [word for name in ("psnr_b", "gmsd", "psnr") for word in ("--metric", name)]
    assert call("evaluate", *RESULTS[:2], *SETS[:2], *chosen, "--csv", "p.csv")[0] == 0
    with Path("p.csv").open(encoding="utf-8", newline="") as file:
        header, row, *_ = csv.reader(file)
    assert header[:5] == ["method", "dataset", "protocol", "precision", "name"]
    assert len({*header}) == len(header) == len(row)
    cells = dict(zip(header, row, strict=True))
    assert float(cells["psnr_b"]) > 10
    assert float(cells["gmsd"]) > 0
    assert (cells["seconds"], cells["encoded"]) == ("", "")


@pytest.mark.usefixtures("folder")
def test_a_scale_that_is_assumed_is_told_and_one_that_contradicts_warned_of(call) -> None:
    told = "scale 2 assumed, as no name states one; --scale gives another"
    neutral = ["evaluate", "--results", "better", "--truth", "One"]
    assert told in call(*neutral)[1]
    assert told not in call(*neutral, "--scale", "2")[1]
    assert told not in call("evaluate", *RESULTS, "--truth", "One")[1]
    code, _, err = call("evaluate", "--results", "Net_x3=better", "--truth", "One")
    assert (code, err) == (0, "warning: Net_x3: its name says x3; scored at x2 (--scale)\n")
    code, _, err = call(*neutral[:2], "good_net", *neutral[3:], "--scale", "3")
    assert code == 1
    assert err == "error: good_net: no images at x3; names in it say x2: --scale 2\n"


@pytest.mark.usefixtures("folder")
def test_results_that_are_the_truth_transparent_or_jpegs_are_noticed(call) -> None:
    truths = {name: read(Path("One", f"{name}.png")).pixels for name in NAMES}
    Path("odd").mkdir()
    write(Path("odd/a.png"), Picture(truths["a"]))
    alpha = np.full((48, 50, 1), 255, np.uint8)
    write(Path("odd/c.png"), Picture(np.dstack([truths["c"] // 2, alpha])))  # opaque: no remark
    alpha[5] = 128
    write(Path("odd/b.png"), Picture(np.dstack([truths["b"] // 2, alpha])))
    write(Path("more.jpg"), Picture(truths["c"]))
    code, _, err = call("evaluate", "--results", "odd", "--truth", "One")
    assert code == 0
    assert err.splitlines() == [
        "warning: odd on One: a.png: the ground truth itself, so PSNR is infinite",
        "warning: odd on One: b.png: transparent in parts; alpha is not scored, only the colours "
        "below it",
    ]
    Path("more.jpg").rename("odd/c.png")  # by its content, not by its name
    _, _, scored = call("evaluate", "--results", "odd", "--truth", "One")
    assert "odd on One: c.png: a JPEG, whose loss" in scored
    code, _, compared = call("compare", "--results", "odd", "--truth", "One", "-o", "sheets")
    assert (code, compared) == (0, scored)
    code, _, compared = call("compare", "One/c.png", "--results", "odd", "-o", "more")
    assert (code, "c.png: a JPEG, whose loss" in compared) == (0, True)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("c.webp", {"quality": 90}, "c.webp: a WebP, whose loss"),
        ("c.avif", {"quality": 90}, "c.avif: an AVIF, whose loss"),
        ("c.webp", {"lossless": True}, ""),
        ("c.avif", {"lossless": True}, ""),
    ],
)
def test_results_that_lost_by_their_format_are_noticed(
    call, name: str, options: dict[str, Any], expected: str
) -> None:
    truth = read(Path("One", "c.png")).pixels
    Path("lossy").mkdir()
    write(Path("lossy", name), Picture(truth // 2), **options)
    code, _, err = call("evaluate", "--results", "lossy", "--truth", "One")
    assert (code, "whose loss" in err) == (0, bool(expected))
    assert expected in err


@pytest.mark.usefixtures("folder")
def test_an_image_that_is_too_small_is_left_out(call) -> None:
    for folder in ("One", "better/One"):
        write(Path(folder, "tiny.png"), Picture(np.full((12, 30, 3), len(folder), np.uint8)))
        write(Path(folder, "dot.png"), Picture(np.full((1, 1, 3), len(folder), np.uint8)))
    code, out, err = call("evaluate", "bicubic", "One", "--results", "better")
    assert code == 0
    assert "One, x2, 3 images\n" in out
    assert "means over 3 of 5 images" in out
    small = "a 30x12 image is too small to score at x2: at least 15x15 is needed"
    assert err.splitlines() == [
        "warning: One/dot.png: a 1x1 image is too small for x2; left out",
        f"warning: One/tiny.png: {small}; left out",
        "warning: better on One: dot: a 1x1 image is too small for x2",
        f"warning: better on One: tiny: {small}",
    ]
