"""Draw images of text, windows, charts, drawings and patterns, to train graphics_x2 on.

    pip install playwright && playwright install chromium
    python examples/draw_graphics.py graphics/ [--count 800] [--browser /usr/bin/chromium]
    scalewise data pack graphics/HR -o data/graphics_x2.pack --scale 2
    scalewise data pack graphics/ -o data/graphics_halved_x2.pack --scale 2

Every image is a web page made up at random, 512 pixels wide and high, as a browser draws it at a
random zoom.  HR has the images, and LR the means of 2x2 pixels: a browser shades the pixels of an
edge in this way, so that it would draw nearly the same at half the zoom.

Fonts are those that fc-list names; those in HELD_OUT are drawn with by --held-out alone, for tests.
The same seed, fonts and browser draw the same images.  Images that are there already are kept.  800
take five minutes on one core.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np
from numpy.typing import NDArray

from scalewise.data import read_rgb
from scalewise.files import Picture, write

try:
    from playwright.sync_api import Browser, Error, sync_playwright
except ModuleNotFoundError:
    sys.exit("error: playwright is not installed; pip install playwright")

SIDE = 512
ZOOMS = (1, 1, 1, 1.25, 1.5, 2)
HELD_OUT = ("DejaVu", "EB Garamond", "Hack", "Lato")
"""Beginnings of the names of fonts that training does not see."""

SYLLABLES = "ba con der el fi gra hu in jo ka lu men nor o pre qui ra sta tur un ver wi xa yo zen"
MARKS = [*", . ; : ! ? ( ) / - + = % & @ # * \" ' [ ] { } _ < >".replace("<", "&lt;").split()]

Pixels = NDArray[np.uint8]
Draw = Callable[[random.Random, list[str]], str]


def main(arguments: list[str] | None = None) -> str | None:
    """Draw the images that are asked for; return what is wrong, or None."""
    parser = argparse.ArgumentParser(description="Draw images of text and graphics.")
    parser.add_argument("folder", type=Path, help="folder to write to")
    parser.add_argument("--count", type=int, default=800)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--held-out", action="store_true", help="draw with the fonts for tests")
    parser.add_argument("--browser", help="Chromium to use (default: the one of playwright)")
    given = parser.parse_args(arguments)
    try:
        draw_images(given)
    except (Error, OSError) as error:
        return f"error: {str(error).strip().splitlines()[0]}"
    print(f"{given.folder}: {given.count} images")
    return None


def draw_images(given: argparse.Namespace) -> None:
    """Draw the images that are not there yet."""
    fonts = installed_fonts(held_out=given.held_out)
    hr, lr = given.folder / "HR", given.folder / "LR/X2"
    for folder in (hr, lr):
        folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as engines:
        browser = engines.chromium.launch(executable_path=given.browser)
        for number in range(given.count):
            path = hr / f"{number:05}.png"
            if not path.exists():
                chance = random.Random(f"{given.seed} {number}")
                pixels = draw_image(browser, chance, fonts)
                write(lr / f"{number:05}x2.png", Picture(halved(pixels)))
                write(path, Picture(pixels))
            if sys.stderr.isatty():
                print(f"\r{number + 1} of {given.count}", end="", file=sys.stderr)
        browser.close()


def installed_fonts(*, held_out: bool) -> list[str]:
    """Return the families of the installed fonts, those for tests or all others."""
    listed = subprocess.run(
        ["fc-list", ":", "family"], capture_output=True, text=True, check=True
    ).stdout
    families = {line.partition(",")[0] for line in listed.splitlines()} - {""}
    fonts = sorted(name for name in families if name.startswith(HELD_OUT) == held_out)
    if not fonts:
        raise OSError(f"fc-list names no font {'of' if held_out else 'but'} {', '.join(HELD_OUT)}")
    return fonts


def draw_image(browser: Browser, chance: random.Random, fonts: list[str]) -> Pixels:
    """Return one image, (SIDE, SIDE, 3)."""
    zoom = chance.choice(ZOOMS)
    side = -(-SIDE // zoom)
    content = chance.choice(KINDS)(chance, fonts)
    with (
        browser.new_context(
            viewport={"width": int(side), "height": int(side)}, device_scale_factor=zoom
        ) as context,
        NamedTemporaryFile(suffix=".png") as file,
    ):
        page = context.new_page()
        page.set_content(f"<!doctype html><meta charset=utf-8>{content}")
        page.screenshot(path=file.name)
        return read_rgb(file.name)[:SIDE, :SIDE]


def halved(pixels: Pixels) -> Pixels:
    """Return the means of 2x2 pixels, (H, W, 3) -> (H / 2, W / 2, 3), rounded."""
    height, width, _ = pixels.shape
    squares = pixels.reshape(height // 2, 2, width // 2, 2, 3)
    return np.rint(squares.mean(axis=(1, 3))).astype(np.uint8)


def article(chance: random.Random, fonts: list[str]) -> str:
    """Headings and paragraphs in one or several columns."""
    ink, paper = two_colours(chance)
    size = chance.choice([9, 10, 11, 12, 13, 14, 16, 18, 22, 30])
    parts = [f"<h2>{words(chance, 4)}</h2>"]
    for _ in range(8):
        style = chance.choice(["", "<b>", "<i>", "<u>", f"<span style='color:{colour(chance)}'>"])
        parts.append(f"<p>{words(chance, 20)} {style}{words(chance, 12)}</p>")
    columns = chance.choice([1, 1, 2, 3])
    return (
        f"<body style='margin:{chance.randrange(30)}px;background:{paper};color:{ink};"
        f'font:{size}px/{chance.uniform(1.1, 1.7):.2f} "{chance.choice(fonts)}";'
        f"columns:{columns}'>{''.join(parts)}"
    )


def program(chance: random.Random, fonts: list[str]) -> str:
    """Lines of code in several colours, in a font of fixed width if there is one."""
    ink, paper = two_colours(chance)
    fixed = [name for name in fonts if "Mono" in name or "Incons" in name] or fonts
    inks = [ink, *(colour(chance, paper) for _ in range(4))]
    lines: list[str] = []
    for number in range(60):
        spans = [
            f"<span style='color:{chance.choice(inks)}'>{words(chance, 2)}"
            f"{chance.choice(MARKS)}</span>"
            for _ in range(chance.randrange(1, 5))
        ]
        indent = " " * 4 * chance.randrange(4)
        lines.append(f"<span style='opacity:.5'>{number:3} </span>{indent}{' '.join(spans)}")
    size = chance.choice([10, 11, 12, 13, 14, 16, 20])
    return (
        f"<body style='margin:4px;background:{paper};color:{ink}'>"
        f"<pre style='font:{size}px/1.3 \"{chance.choice(fixed)}\"'>" + "\n".join(lines)
    )


def window(chance: random.Random, fonts: list[str]) -> str:
    """Panels, buttons, fields and a table, as programs have them."""
    ink, paper = two_colours(chance)
    accent, line = colour(chance), colour(chance, paper)
    round_, shade = chance.choice([0, 3, 6, 12]), chance.choice([0, 2, 8])
    box = (
        f"display:inline-block;vertical-align:top;margin:5px;padding:{chance.randrange(3, 14)}px;"
        f"border:{chance.choice([1, 1, 2])}px solid {line};border-radius:{round_}px;"
        f"box-shadow:0 1px {shade}px #0006"
    )
    panels: list[str] = []
    for _ in range(8):
        button = (
            f"background:{accent};color:white;border:0;border-radius:{round_}px;padding:4px 9px"
        )
        panels.append(
            f"<div style='{box}'><b>{words(chance, 2)}</b><p>{words(chance, 3)}</p>"
            f"<input type=checkbox {chance.choice(['', 'checked'])}> <input size=7 "
            f"value={chance.randrange(1000)}> <input type=range><br>"
            f"<button style='{button}'>{words(chance, 1)}</button> <button>{words(chance, 1)}"
            f"</button> <progress value={chance.random():.2f}></progress></div>"
        )
    rows = "".join(
        "<tr>"
        + "".join(f"<td style='border:1px solid {line};padding:3px 8px'>{number(chance)}</td>" * 5)
        for _ in range(8)
    )
    table = f"<table style='border-collapse:collapse;margin:5px'>{rows}</table>"
    chance.shuffle(panels)
    parts = [*panels[:4], table, *panels[4:]] if chance.random() < 0.5 else panels
    return (
        f"<body style='margin:6px;background:{paper};color:{ink};"
        f'font:{chance.choice([11, 12, 13, 14])}px "{chance.choice(fonts)}"\'>{"".join(parts)}'
    )


def chart(chance: random.Random, fonts: list[str]) -> str:
    """Axes, lines, bars and labels."""
    ink, paper = two_colours(chance)
    parts: list[str] = []
    for place in range(0, SIDE, chance.choice([20, 32, 50])):
        faint = f"stroke='{ink}' stroke-opacity='{chance.choice([0.1, 0.2, 1])}'"
        parts.append(f"<path {faint} d='M0 {place}H512M{place} 0V512'/>")
        parts.append(f"<text x='{place}' y='{chance.randrange(SIDE)}'>{number(chance)}</text>")
    for _ in range(chance.randrange(2, 7)):
        paint, wide = colour(chance, paper), chance.choice([0.7, 1, 1.5, 2, 3])
        if chance.random() < 0.6:
            step, height = chance.choice([4, 9, 17, 40]), chance.randrange(SIDE)
            points: list[str] = []
            for across in range(0, SIDE, step):
                height += chance.gauss(0, step)
                points.append(f"{across},{height:.1f}")
            dash = chance.choice(["", "", "stroke-dasharray='6 3'", "stroke-dasharray='1 3'"])
            parts.append(
                f"<polyline points='{' '.join(points)}' fill='none' stroke='{paint}' "
                f"stroke-width='{wide}' {dash}/>"
            )
        else:
            for across in range(chance.randrange(30), SIDE, chance.choice([14, 30])):
                tall = chance.randrange(10, 300)
                parts.append(
                    f"<rect x='{across}' y='{SIDE - tall}' width='9' height='{tall}' "
                    f"fill='{paint}' fill-opacity='{chance.choice([1, 0.6])}'/>"
                )
    parts += [
        f"<text x='{chance.randrange(SIDE)}' y='{chance.randrange(SIDE)}' "
        f"font-size='{chance.choice([9, 12, 16, 28])}'>{words(chance, 3)}</text>"
        for _ in range(10)
    ]
    return svg(f"<g fill='{ink}'>{''.join(parts)}</g>", paper, chance.choice(fonts))


def drawing(chance: random.Random, fonts: list[str]) -> str:
    """Outlined curves, filled with colours, gradients or patterns, and some letters."""
    ink = chance.choice(["#000", "#222", "#000", colour(chance), "none"])
    defined: list[str] = []
    parts: list[str] = []
    for number_ in range(chance.randrange(10, 50)):
        fill = colour(chance)
        if chance.random() < 0.25:
            defined.append(gradient(chance, f"f{number_}"))
            fill = f"url(#f{number_})"
        elif chance.random() < 0.25:
            defined.append(pattern(chance, f"f{number_}"))
            fill = f"url(#f{number_})"
        wide = chance.choice([0, 1, 1.5, 2, 3, 5])
        parts.append(
            f"<path d='{blob(chance)}' fill='{fill}' stroke='{ink}' stroke-width='{wide}'/>"
        )
    for _ in range(chance.randrange(0, 60)):
        parts.append(
            f"<path d='{stroke(chance)}' fill='none' "
            f"stroke='{chance.choice([ink, colour(chance)])}' "
            f"stroke-width='{chance.choice([0.6, 1, 1.5, 2.5, 4])}' stroke-linecap='round'/>"
        )
    parts += [
        f"<text x='{chance.randrange(SIDE)}' y='{chance.randrange(SIDE)}' fill='{colour(chance)}' "
        f"font-size='{chance.choice([12, 18, 30, 60])}' font-weight='{chance.choice([400, 700])}' "
        f"transform='rotate({chance.choice([0, 0, -12, 8, 30])})'>{words(chance, 2)}</text>"
        for _ in range(chance.randrange(6))
    ]
    return svg(
        f"<defs>{''.join(defined)}</defs>{''.join(parts)}", colour(chance), chance.choice(fonts)
    )


def comic(chance: random.Random, fonts: list[str]) -> str:
    """Black ink on white: outlines, hatching, screen tones, balloons with text."""
    tones = [pattern(chance, f"t{n}", ink="#000", paper="#fff") for n in range(4)]
    parts: list[str] = []
    for _ in range(chance.randrange(8, 30)):
        fill = chance.choice(["#fff", "#fff", "#000", f"url(#t{chance.randrange(4)})"])
        wide = chance.choice([1, 1.5, 2, 4])
        parts.append(
            f"<path d='{blob(chance)}' fill='{fill}' stroke='#000' stroke-width='{wide}'/>"
        )
    parts += [
        f"<path d='{stroke(chance)}' fill='none' stroke='#000' "
        f"stroke-width='{chance.choice([0.5, 0.8, 1.2, 2])}'/>"
        for _ in range(chance.randrange(20, 150))
    ]
    for _ in range(3):
        x, y, size = chance.randrange(400), chance.randrange(480), chance.choice([9, 11, 14])
        parts.append(
            f"<ellipse cx='{x + 50}' cy='{y}' rx='85' ry='34' fill='#fff' stroke='#000' "
            f"stroke-width='2'/><text x='{x}' y='{y}' font-size='{size}'>{words(chance, 3)}</text>"
            f"<text x='{x}' y='{y + 1.3 * size}' font-size='{size}'>{words(chance, 3)}</text>"
        )
    return svg(f"<defs>{''.join(tones)}</defs>{''.join(parts)}", "#fff", chance.choice(fonts))


KINDS: tuple[Draw, ...] = (article, program, window, chart, drawing, drawing, comic)


def svg(content: str, paper: str, font: str) -> str:
    """Return a page that is one vector image."""
    return (
        f"<body style='margin:0;background:{paper}'><svg xmlns='http://www.w3.org/2000/svg' "
        f"width='{SIDE}' height='{SIDE}' font-family='{font}' font-size='12'>{content}</svg>"
    )


def blob(chance: random.Random) -> str:
    """Return the path of a closed curve, or of a polygon."""
    x, y, size = (
        chance.randrange(SIDE),
        chance.randrange(SIDE),
        chance.choice([8, 20, 50, 100, 180]),
    )
    corners = [
        (x + size * chance.uniform(-1, 1), y + size * chance.uniform(-1, 1))
        for _ in range(chance.choice([3, 4, 6, 9]))
    ]
    (left, top), *others = corners
    if chance.random() < 0.3:
        return f"M{left:.1f} {top:.1f}" + "".join(f"L{a:.1f} {b:.1f}" for a, b in others) + "Z"
    ahead = [*others[1:], corners[0]]
    curves = "".join(
        f"Q{a:.1f} {b:.1f} {(a + c) / 2:.1f} {(b + d) / 2:.1f}"
        for (a, b), (c, d) in zip(others, ahead, strict=True)
    )
    return f"M{left:.1f} {top:.1f}{curves}Z"


def stroke(chance: random.Random) -> str:
    """Return the path of a pen's stroke."""
    x, y, reach = chance.randrange(SIDE), chance.randrange(SIDE), chance.choice([10, 40, 150])
    turns = [chance.uniform(-reach, reach) for _ in range(6)]
    return f"M{x} {y}c" + " ".join(f"{turn:.1f}" for turn in turns)


def gradient(chance: random.Random, name: str) -> str:
    """Return the definition of a gradient of two colours."""
    stops = "".join(f"<stop offset='{at}' stop-color='{colour(chance)}'/>" for at in (0, 1))
    if chance.random() < 0.3:
        return f"<radialGradient id='{name}'>{stops}</radialGradient>"
    turn = f"gradientTransform='rotate({chance.randrange(360)})'"
    return f"<linearGradient id='{name}' {turn}>{stops}</linearGradient>"


def pattern(
    chance: random.Random, name: str, ink: str | None = None, paper: str | None = None
) -> str:
    """Return the definition of dots, hatching or checks."""
    ink, paper = ink or colour(chance), paper or colour(chance)
    side = chance.choice([3, 4, 5, 6, 8, 12])
    part = chance.uniform(0.2, 0.8) * side
    shape = chance.choice(
        [
            f"<circle cx='{side / 2}' cy='{side / 2}' r='{part / 2:.1f}' fill='{ink}'/>",
            f"<rect width='{part:.1f}' height='{side}' fill='{ink}'/>",
            f"<path d='M0 0h{side / 2}v{side}h{side / 2}v-{side / 2}H0Z' fill='{ink}'/>",
        ]
    )
    return (
        f"<pattern id='{name}' width='{side}' height='{side}' patternUnits='userSpaceOnUse' "
        f"patternTransform='rotate({chance.choice([0, 0, 45, 30, 15, 70])})'>"
        f"<rect width='{side}' height='{side}' fill='{paper}'/>{shape}</pattern>"
    )


def words(chance: random.Random, count: int) -> str:
    """Return made-up words, capitals, numbers and marks."""
    made: list[str] = []
    for _ in range(count):
        word = "".join(chance.choices(SYLLABLES.split(), k=chance.choice([1, 2, 2, 3])))
        word = chance.choice([word, word, word, word.title(), word.upper(), number(chance)])
        made.append(word + chance.choice(["", "", "", "", chance.choice(MARKS)]))
    return " ".join(made)


def number(chance: random.Random) -> str:
    """Return a number as tables have them."""
    return chance.choice([f"{chance.uniform(0, 100):.2f}", str(chance.randrange(10000))])


def colour(chance: random.Random, beside: str | None = None) -> str:
    """Return a colour: any, a grey or a pure one, and another than the one ``beside`` it."""
    kinds = [
        f"hsl({chance.randrange(360)},{chance.randrange(101)}%,{chance.randrange(101)}%)",
        f"hsl({chance.randrange(360)},{chance.randrange(50, 101)}%,50%)",
        "#{0:02x}{0:02x}{0:02x}".format(chance.randrange(256)),
        chance.choice(["#000", "#fff", "#f00", "#0f0", "#00f", "#ff0", "#0ff", "#f0f"]),
    ]
    found = chance.choice(kinds)
    return found if found != beside else "#888"


def two_colours(chance: random.Random) -> tuple[str, str]:
    """Return ink and paper: black on white or the reverse, or two of different lightness."""
    hues = chance.randrange(360), chance.randrange(360)
    dark = f"hsl({hues[0]},{chance.randrange(60)}%,{chance.randrange(35)}%)"
    light = f"hsl({hues[1]},{chance.randrange(60)}%,{chance.randrange(70, 101)}%)"
    pair = chance.choice([("#000", "#fff"), ("#222", "#fff"), (dark, light), (dark, light)])
    return pair if chance.random() < 0.75 else pair[::-1]


if __name__ == "__main__":
    sys.exit(main())
