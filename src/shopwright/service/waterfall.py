"""The waterfall of a score as PNG or SVG, drawn from one list of shapes, in a few milliseconds.

Matplotlib takes most of a second for the same picture, which is too long for an answer that somebody waits for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from shopwright.charts import DECREASE as DOWN
from shopwright.charts import INCREASE as UP
from shopwright.charts import MAX_BARS as SHOWN
from shopwright.charts import NEUTRAL as TOTAL
from shopwright.service import png

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.ImageFont import FreeTypeFont

    from shopwright.service.scoring import SessionScore

WIDTH, LEFT, RIGHT = 760, 290, 60
"""Of the picture, of the labels, and of the margin that holds the last figures; in pixels."""
TOP, ROW, BAR, BOTTOM = 46, 24, 16, 40
_INK, _PAPER = "#222222", "#ffffff"
_BARS = (UP, DOWN)
_WHITE = png.COLOURS - 1
"""Last place of the palette: colours of bars, then greys from black to white. Of two shapes that meet, the lower place shows."""
_LONGEST = 42
_DASH = 4
"""Length of a dash and of the gap after it."""
_SIZES = {"small": 11, "normal": 12, "title": 15}

Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A filled bar."""

    left: float
    top: float
    right: float
    bottom: float
    colour: str


@dataclass(frozen=True, slots=True)
class VerticalLine:
    """A vertical line."""

    at: float
    top: float
    bottom: float
    colour: str
    is_dashed: bool = False


@dataclass(frozen=True, slots=True)
class TextLabel:
    """A line of text, by the middle of its height."""

    at: float
    middle: float
    text: str
    anchor: Anchor = "start"
    size: Literal["small", "normal", "title"] = "normal"
    colour: str = _INK


Shape = Rectangle | VerticalLine | TextLabel


@dataclass(frozen=True, slots=True)
class Drawing:
    """Shapes on paper."""

    height: int
    shapes: tuple[Shape, ...]

    def to_png(self) -> bytes:
        """As PNG."""
        paper = np.full((self.height, WIDTH), _WHITE, dtype=np.uint8)
        for shape in self.shapes:
            if isinstance(shape, TextLabel):
                _write(paper, shape)
            else:
                _draw(paper, shape)
        return png.encode(paper, _palette())

    def to_svg(self) -> str:
        """As SVG."""
        inner = "".join(_element(shape) for shape in self.shapes)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{self.height}" '
            f'viewBox="0 0 {WIDTH} {self.height}" font-family="DejaVu Sans, Verdana, sans-serif">'
            f'<rect width="100%" height="100%" fill="{_PAPER}"/>{inner}</svg>'
        )


def warm_up(score: SessionScore) -> None:
    """Draw once, so that nobody waits for fonts and libraries."""
    draw_waterfall(score, title="0123456789").to_png()


def draw_waterfall(score: SessionScore, *, title: str) -> Drawing:
    """How the features lead from the base to the score, the strongest first.

    Args:
        score: contributions and values.
        title: what stands above.
    """
    steps = _steps(score)
    place = _Scale.of(score, steps)
    bottom = TOP + ROW * len(steps)
    shapes: list[Shape] = [
        TextLabel(16, 22, title, size="title"),
        VerticalLine(place(score.base), TOP - 4, bottom + 4, TOTAL, is_dashed=True),
    ]
    at = score.base
    for number, (label, part) in enumerate(steps):
        shapes += _step(label, part, place(at), place(at + part), TOP + ROW * (number + 0.5))
        at += part
    shapes.append(VerticalLine(place(at), TOP - 4, bottom + 4, TOTAL))
    told = f"log odds before calibration (dashed: everybody, {score.base:+.2f}; solid: here, {at:+.2f})"
    shapes.append(TextLabel(LEFT, bottom + 22, told, size="small", colour=TOTAL))
    return Drawing(bottom + BOTTOM, tuple(shapes))


@dataclass(frozen=True, slots=True)
class _Scale:
    lowest: float
    highest: float

    @classmethod
    def of(cls, score: SessionScore, steps: list[tuple[str, float]]) -> _Scale:
        reached = [score.base]
        for _, part in steps:
            reached.append(reached[-1] + part)
        spread = max(max(reached) - min(reached), 0.1)
        return cls(min(reached) - 0.03 * spread, max(reached) + 0.03 * spread)

    def __call__(self, value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - self.lowest) / (self.highest - self.lowest)


def _step(label: str, part: float, start: float, end: float, middle: float) -> list[Shape]:
    left, right = min(start, end), max(start, end, min(start, end) + 1)
    return [
        TextLabel(LEFT - 12, middle, label, anchor="end"),
        Rectangle(left, middle - BAR / 2, right, middle + BAR / 2, UP if part > 0 else DOWN),
        TextLabel(right + 4, middle, f"{part:+.2f}", size="small"),
    ]


def _steps(score: SessionScore) -> list[tuple[str, float]]:
    """Label and contribution, the strongest first, the weak ones as one."""
    parts = sorted(score.contributions.items(), key=lambda item: -abs(item[1]))
    steps = [(_label(name, score.values[name]), part) for name, part in parts[:SHOWN]]
    if len(parts) > SHOWN:
        steps.append((f"{len(parts) - SHOWN} others", sum(part for _, part in parts[SHOWN:])))
    return steps


def _label(name: str, value: Any) -> str:
    told = "not known" if value is None else f"{value:.4g}" if isinstance(value, float | int) else str(value)
    plain = "".join(each if each.isprintable() else "?" for each in f"{name} = {told}")
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 1]}…"


@lru_cache(maxsize=len(_SIZES))
def _font(size: str) -> FreeTypeFont:
    from PIL import ImageFont  # noqa: PLC0415

    # Matplotlib brings the font. It is found without importing it, which takes longer than the picture.
    (home,) = find_spec("matplotlib").submodule_search_locations  # type: ignore[union-attr,misc]
    file = Path(home) / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(file), _SIZES[size], layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=1)
def _palette() -> bytes:
    greys = np.linspace(0, 255, _WHITE + 1 - len(_BARS)).round().astype(np.uint8)
    return b"".join(map(_rgb, _BARS)) + np.repeat(greys, 3).tobytes()


def _rgb(colour: str) -> bytes:
    return bytes.fromhex(colour[1:])


@lru_cache(maxsize=64)
def _place(colour: str) -> int:
    """A colour's place in the palette."""
    if colour in _BARS:
        return _BARS.index(colour)
    return len(_BARS) + round(_rgb(colour)[0] * (_WHITE - len(_BARS)) / 255)


def _draw(paper: NDArray[np.uint8], shape: Rectangle | VerticalLine) -> None:
    top, bottom = round(shape.top), round(shape.bottom) + 1
    if isinstance(shape, Rectangle):
        paper[top:bottom, round(shape.left) : round(shape.right) + 1] = _place(shape.colour)
        return
    line = paper[top:bottom, round(shape.at)]
    shown = np.arange(len(line)) // _DASH % 2 == 0 if shape.is_dashed else slice(None)
    line[shown] = np.minimum(line[shown], _place(shape.colour))


def _write(paper: NDArray[np.uint8], words: TextLabel) -> None:
    ink = _ink(words.text, words.size, words.colour)
    height, length = ink.shape
    left = max(0, round(words.at - {"start": 0.0, "middle": 0.5, "end": 1.0}[words.anchor] * length))
    top = round(words.middle - height / 2)
    under = paper[top : top + height, left : left + length]
    np.minimum(under, ink[:, : under.shape[1]], out=under)


@lru_cache(maxsize=4_096)
def _ink(text: str, size: str, colour: str) -> NDArray[np.uint8]:
    """A text on white, as places of the palette, (height, length); made of words and of the digits of numbers, which return."""
    pieces = re.findall(r"\d|[^\d\s]*\s+|[^\d\s]+", text)
    return np.hstack([_piece(piece, size, colour) for piece in pieces])


@lru_cache(maxsize=4_096)
def _piece(text: str, size: str, colour: str) -> NDArray[np.uint8]:
    from PIL import Image, ImageDraw  # noqa: PLC0415

    font = _font(size)
    ascent, descent = font.getmetrics()
    made = Image.new("L", (max(1, round(font.getlength(text))), ascent + descent), 0)
    ImageDraw.Draw(made).text((0, 0), text, fill=255, font=font)
    covered = np.asarray(made) / 255
    ink: NDArray[np.uint8] = (_WHITE - covered * (_WHITE - _place(colour))).round().astype(np.uint8)
    return ink


def _element(shape: Shape) -> str:
    if isinstance(shape, Rectangle):
        return (
            f'<rect x="{shape.left:.1f}" y="{shape.top:.1f}" width="{shape.right - shape.left:.1f}" '
            f'height="{shape.bottom - shape.top:.1f}" fill="{shape.colour}"/>'
        )
    if isinstance(shape, VerticalLine):
        dashes = f' stroke-dasharray="{_DASH} {_DASH}"' if shape.is_dashed else ""
        return (
            f'<line x1="{shape.at:.1f}" x2="{shape.at:.1f}" y1="{shape.top:.1f}" y2="{shape.bottom:.1f}" '
            f'stroke="{shape.colour}"{dashes}/>'
        )
    return (
        f'<text x="{shape.at:.1f}" y="{shape.middle:.1f}" dominant-baseline="central" text-anchor="{shape.anchor}" '
        f'font-size="{_SIZES[shape.size]}" fill="{shape.colour}">{escape(shape.text)}</text>'
    )
