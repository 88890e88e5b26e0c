"""Renderer of the waterfall chart as PNG or SVG, from one list of shapes, in a few milliseconds.

What the chart shows is stated in ``shopwright.charts``. Matplotlib takes most of a second for the same picture, which is too
long for a response.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from shopwright.charts import DECREASE, INCREASE, NEUTRAL, Waterfall

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from PIL.ImageFont import FreeTypeFont

    from shopwright.charts import WaterfallBar
    from shopwright.service.scoring import SessionScore

WIDTH, LABEL_WIDTH, RIGHT_MARGIN = 760, 290, 60
"""Widths in pixels: of the image, of the labels, and of the margin that holds the number of the rightmost bar."""
TOP_MARGIN, ROW_HEIGHT, BAR_HEIGHT, BOTTOM_MARGIN = 46, 24, 16, 40
_TEXT_COLOR, _BACKGROUND = "#222222", "#ffffff"
_BAR_COLORS = (INCREASE, DECREASE)
_BITS = 4
"""Bits per pixel: 16 colors are enough for bars and smooth text, and make files small."""
_WHITE = (1 << _BITS) - 1
"""Last index of the palette: the colors of bars, then grays from black to white. Where two shapes overlap, the lower index is
visible, so that text and lines stay readable on bars' edges and on white."""
_MAX_LABEL_LENGTH = 42
_DASH = 4
"""Length of a dash and of the gap after it."""
_FONT_SIZES = {"small": 11, "normal": 12, "title": 15}

Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A filled bar."""

    left: float
    top: float
    right: float
    bottom: float
    color: str


@dataclass(frozen=True, slots=True)
class VerticalLine:
    """A vertical line."""

    x: float
    top: float
    bottom: float
    color: str
    is_dashed: bool = False


@dataclass(frozen=True, slots=True)
class TextLabel:
    """A line of text; ``y`` is the middle of its height."""

    x: float
    y: float
    text: str
    anchor: Anchor = "start"
    size: Literal["small", "normal", "title"] = "normal"
    color: str = _TEXT_COLOR


Shape = Rectangle | VerticalLine | TextLabel


@dataclass(frozen=True, slots=True)
class Drawing:
    """Shapes on a white background."""

    height: int
    shapes: tuple[Shape, ...]

    def to_png(self) -> bytes:
        """Return the drawing as PNG.

        Encoding takes 2.6 ms of CPU time at the fastest compression, without holding the interpreter lock.
        """
        from PIL import Image  # noqa: PLC0415

        canvas = np.full((self.height, WIDTH), _WHITE, dtype=np.uint8)
        for shape in self.shapes:
            if isinstance(shape, TextLabel):
                _draw_text(canvas, shape)
            else:
                _draw_shape(canvas, shape)
        image = Image.frombuffer("P", (WIDTH, self.height), canvas.tobytes(), "raw", "P", 0, 1)
        image.putpalette(_palette())
        file = BytesIO()
        image.save(file, "PNG", bits=_BITS, compress_level=1)
        return file.getvalue()

    def to_svg(self) -> str:
        """Return the drawing as SVG."""
        elements = "".join(_svg_element(shape) for shape in self.shapes)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{self.height}" '
            f'viewBox="0 0 {WIDTH} {self.height}" font-family="DejaVu Sans, Verdana, sans-serif">'
            f'<rect width="100%" height="100%" fill="{_BACKGROUND}"/>{elements}</svg>'
        )


def draw_waterfall(score: SessionScore, *, title: str) -> Drawing:
    """Draw how the features lead from the base to the score, the strongest first.

    Args:
        score: contributions and values of the features.
        title: the line above the chart.
    """
    chart = Waterfall.from_explanation(score)
    to_x = _x_scale(chart)
    bottom = TOP_MARGIN + ROW_HEIGHT * len(chart.bars)
    shapes: list[Shape] = [
        TextLabel(16, 22, title, size="title"),
        VerticalLine(to_x(chart.base), TOP_MARGIN - 4, bottom + 4, NEUTRAL, is_dashed=True),
    ]
    for row, bar in enumerate(chart.bars):
        shapes += _bar_shapes(bar, to_x, y=TOP_MARGIN + ROW_HEIGHT * (row + 0.5))
    shapes.append(VerticalLine(to_x(chart.end), TOP_MARGIN - 4, bottom + 4, NEUTRAL))
    legend = f"log odds before calibration (dashed: average {chart.base:+.2f}, solid: this session {chart.end:+.2f})"
    shapes.append(TextLabel(LABEL_WIDTH, bottom + 22, legend, size="small", color=NEUTRAL))
    return Drawing(bottom + BOTTOM_MARGIN, tuple(shapes))


def _x_scale(chart: Waterfall) -> Callable[[float], float]:
    """Return the function from log odds to pixels."""
    # A chart without any contribution would have no width.
    spread = max(chart.highest - chart.lowest, 0.1)
    first, last = chart.lowest - 0.03 * spread, chart.highest + 0.03 * spread
    width = WIDTH - LABEL_WIDTH - RIGHT_MARGIN
    return lambda value: LABEL_WIDTH + width * (value - first) / (last - first)


def _bar_shapes(bar: WaterfallBar, to_x: Callable[[float], float], *, y: float) -> list[Shape]:
    start, end = to_x(bar.start), to_x(bar.end)
    left, right = min(start, end), max(start, end, min(start, end) + 1)  # at least a pixel wide
    color = INCREASE if bar.contribution > 0 else DECREASE
    return [
        TextLabel(LABEL_WIDTH - 12, y, _shortened(bar.label), anchor="end"),
        Rectangle(left, y - BAR_HEIGHT / 2, right, y + BAR_HEIGHT / 2, color),
        TextLabel(right + 4, y, f"{bar.contribution:+.2f}", size="small"),
    ]


def _shortened(label: str) -> str:
    # Values come from the request: a control character would make the SVG invalid XML.
    printable = "".join(character if character.isprintable() else "?" for character in label)
    return printable if len(printable) <= _MAX_LABEL_LENGTH else f"{printable[: _MAX_LABEL_LENGTH - 1]}…"


@lru_cache(maxsize=len(_FONT_SIZES))
def _font(size: str) -> FreeTypeFont:
    from PIL import ImageFont  # noqa: PLC0415

    # The font ships with Matplotlib. Importing Matplotlib to find it would take longer than drawing.
    (package,) = find_spec("matplotlib").submodule_search_locations  # type: ignore[union-attr,misc]
    file = Path(package) / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(file), _FONT_SIZES[size], layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=1)
def _palette() -> bytes:
    grays = np.linspace(0, 255, _WHITE + 1 - len(_BAR_COLORS)).round().astype(np.uint8)
    return b"".join(map(_rgb, _BAR_COLORS)) + np.repeat(grays, 3).tobytes()


def _rgb(color: str) -> bytes:
    return bytes.fromhex(color[1:])


@lru_cache(maxsize=64)
def _palette_index(color: str) -> int:
    """Return a color's index in the palette; a color that is not a bar's is taken as gray."""
    if color in _BAR_COLORS:
        return _BAR_COLORS.index(color)
    return len(_BAR_COLORS) + round(_rgb(color)[0] * (_WHITE - len(_BAR_COLORS)) / 255)


def _draw_shape(canvas: NDArray[np.uint8], shape: Rectangle | VerticalLine) -> None:
    top, bottom = round(shape.top), round(shape.bottom) + 1
    if isinstance(shape, Rectangle):
        canvas[top:bottom, round(shape.left) : round(shape.right) + 1] = _palette_index(shape.color)
        return
    line = canvas[top:bottom, round(shape.x)]
    dashes = np.arange(len(line)) // _DASH % 2 == 0 if shape.is_dashed else slice(None)
    line[dashes] = np.minimum(line[dashes], _palette_index(shape.color))


def _draw_text(canvas: NDArray[np.uint8], label: TextLabel) -> None:
    pixels = _text_pixels(label.text, label.size, label.color)
    height, width = pixels.shape
    left = max(0, round(label.x - {"start": 0.0, "middle": 0.5, "end": 1.0}[label.anchor] * width))
    top = round(label.y - height / 2)
    area = canvas[top : top + height, left : left + width]
    np.minimum(area, pixels[:, : area.shape[1]], out=area)


@lru_cache(maxsize=4_096)
def _text_pixels(text: str, size: str, color: str) -> NDArray[np.uint8]:
    """Return a text on white as palette indices, (height, width).

    It is put together from words and single digits, which recur in other texts and are cached: rendering a text takes
    most of the time of a drawing.
    """
    pieces = re.findall(r"\d|[^\d\s]*\s+|[^\d\s]+", text)
    return np.hstack([_piece_pixels(piece, size, color) for piece in pieces])


@lru_cache(maxsize=4_096)
def _piece_pixels(text: str, size: str, color: str) -> NDArray[np.uint8]:
    from PIL import Image, ImageDraw  # noqa: PLC0415

    font = _font(size)
    ascent, descent = font.getmetrics()
    image = Image.new("L", (max(1, round(font.getlength(text))), ascent + descent), 0)
    ImageDraw.Draw(image).text((0, 0), text, fill=255, font=font)
    coverage = np.asarray(image) / 255
    pixels: NDArray[np.uint8] = (
        (_WHITE - coverage * (_WHITE - _palette_index(color))).round().astype(np.uint8)
    )
    return pixels


def _svg_element(shape: Shape) -> str:
    if isinstance(shape, Rectangle):
        return (
            f'<rect x="{shape.left:.1f}" y="{shape.top:.1f}" width="{shape.right - shape.left:.1f}" '
            f'height="{shape.bottom - shape.top:.1f}" fill="{shape.color}"/>'
        )
    if isinstance(shape, VerticalLine):
        dashes = f' stroke-dasharray="{_DASH} {_DASH}"' if shape.is_dashed else ""
        return (
            f'<line x1="{shape.x:.1f}" x2="{shape.x:.1f}" y1="{shape.top:.1f}" y2="{shape.bottom:.1f}" '
            f'stroke="{shape.color}"{dashes}/>'
        )
    return (
        f'<text x="{shape.x:.1f}" y="{shape.y:.1f}" dominant-baseline="central" text-anchor="{shape.anchor}" '
        f'font-size="{_FONT_SIZES[shape.size]}" fill="{shape.color}">{escape(shape.text)}</text>'
    )
