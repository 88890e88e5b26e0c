"""The waterfall of a score as PNG or SVG, drawn from one list of shapes, in a few milliseconds.

Matplotlib takes most of a second for the same picture, which is too long for an answer that somebody waits for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from html import escape
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from shopwright.models.plots import DOWN, SHOWN, TOTAL, UP

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

    from shopwright.service.scoring import SessionScore

WIDTH, LEFT, RIGHT = 760, 290, 60
"""Of the picture, of the labels, and of the margin that holds the last figures; in pixels."""
TOP, ROW, BAR, BOTTOM = 46, 24, 16, 40
_INK, _PAPER = "#222222", "#ffffff"
_GREYS = 240
"""Greys of the palette, from black to white."""
_LONGEST = 42
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
class Stroke:
    """A vertical line."""

    at: float
    top: float
    bottom: float
    colour: str
    is_dashed: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text, by the middle of its height."""

    at: float
    middle: float
    text: str
    anchor: Anchor = "start"
    size: Literal["small", "normal", "title"] = "normal"
    colour: str = _INK


Shape = Rectangle | Stroke | Words


@dataclass(frozen=True, slots=True)
class Picture:
    """Shapes on paper."""

    height: int
    shapes: tuple[Shape, ...]

    def png(self) -> bytes:
        """As PNG, of a palette: greys, and a place for each colour of bars."""
        from PIL import Image, ImageDraw  # noqa: PLC0415  # only where a picture is asked for

        image = Image.new("L", (WIDTH, self.height), _GREYS - 1)
        draw = ImageDraw.Draw(image)
        for shape in self.shapes:
            if isinstance(shape, Words):
                _write(image, shape)
            else:
                _draw(draw, shape)
        image.putpalette(_palette())
        out = BytesIO()
        image.save(out, "PNG", compress_level=1)
        return out.getvalue()

    def svg(self) -> str:
        """As SVG."""
        inner = "".join(_element(shape) for shape in self.shapes)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{self.height}" '
            f'viewBox="0 0 {WIDTH} {self.height}" font-family="DejaVu Sans, Verdana, sans-serif">'
            f'<rect width="100%" height="100%" fill="{_PAPER}"/>{inner}</svg>'
        )


def waterfall(score: SessionScore, *, title: str) -> Picture:
    """How the features lead from the base to the score, the strongest first.

    Args:
        score: contributions and values.
        title: what stands above.
    """
    steps = _steps(score)
    place = _Scale.of(score, steps)
    bottom = TOP + ROW * len(steps)
    shapes: list[Shape] = [
        Words(16, 22, title, size="title"),
        Stroke(place(score.base), TOP - 4, bottom + 4, TOTAL, is_dashed=True),
    ]
    at = score.base
    for number, (label, part) in enumerate(steps):
        shapes += _step(label, part, place(at), place(at + part), TOP + ROW * (number + 0.5))
        at += part
    shapes.append(Stroke(place(at), TOP - 4, bottom + 4, TOTAL))
    told = f"log odds before calibration (dashed: everybody, {score.base:+.2f}; solid: here, {at:+.2f})"
    shapes.append(Words(LEFT, bottom + 22, told, size="small", colour=TOTAL))
    return Picture(bottom + BOTTOM, tuple(shapes))


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
        Words(LEFT - 12, middle, label, anchor="end"),
        Rectangle(left, middle - BAR / 2, right, middle + BAR / 2, UP if part > 0 else DOWN),
        Words(right + 4, middle, f"{part:+.2f}", size="small"),
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
    import matplotlib as mpl  # noqa: PLC0415  # brings the font
    from PIL import ImageFont  # noqa: PLC0415

    file = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(file), _SIZES[size], layout_engine=ImageFont.Layout.BASIC)


def _palette() -> bytes:
    greys = [(255 * grey // (_GREYS - 1),) * 3 for grey in range(_GREYS)]
    return b"".join(bytes(colour) for colour in (*greys, *map(_rgb, (UP, DOWN))))


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _place(colour: str) -> int:
    """A colour's place in the palette."""
    if colour in (UP, DOWN):
        return _GREYS + (UP, DOWN).index(colour)
    return _rgb(colour)[0] * (_GREYS - 1) // 255


def _draw(draw: Any, shape: Rectangle | Stroke) -> None:
    place = _place(shape.colour)
    if isinstance(shape, Rectangle):
        draw.rectangle((shape.left, shape.top, shape.right, shape.bottom), fill=place)
        return
    length = 4 if shape.is_dashed else shape.bottom - shape.top
    top = shape.top
    while top < shape.bottom:
        draw.line((shape.at, top, shape.at, min(top + length, shape.bottom)), fill=place)
        top += 2 * length


def _write(image: Any, words: Words) -> None:
    """Put down a text word by word: most words come again and again, most texts do not."""
    masks = [_mask(word, words.size) for word in words.text.split(" ")]
    space = _font(words.size).getlength(" ")
    width = sum(mask.width for mask in masks) + space * (len(masks) - 1)
    at = words.at - {"start": 0.0, "middle": 0.5, "end": 1.0}[words.anchor] * width
    for mask in masks:
        image.paste(_place(words.colour), (round(at), round(words.middle - mask.height / 2)), mask)
        at += mask.width + space


@lru_cache(maxsize=4_096)
def _mask(text: str, size: str) -> Any:
    """A word as an image of how much ink goes where."""
    from PIL import Image, ImageDraw  # noqa: PLC0415

    font = _font(size)
    ascent, descent = font.getmetrics()
    made = Image.new("L", (max(1, round(font.getlength(text))), ascent + descent), 0)
    ImageDraw.Draw(made).text((0, 0), text, fill=255, font=font)
    return made


def _element(shape: Shape) -> str:
    if isinstance(shape, Rectangle):
        return (
            f'<rect x="{shape.left:.1f}" y="{shape.top:.1f}" width="{shape.right - shape.left:.1f}" '
            f'height="{shape.bottom - shape.top:.1f}" fill="{shape.colour}"/>'
        )
    if isinstance(shape, Stroke):
        dashes = ' stroke-dasharray="4 4"' if shape.is_dashed else ""
        return (
            f'<line x1="{shape.at:.1f}" x2="{shape.at:.1f}" y1="{shape.top:.1f}" y2="{shape.bottom:.1f}" '
            f'stroke="{shape.colour}"{dashes}/>'
        )
    return (
        f'<text x="{shape.at:.1f}" y="{shape.middle:.1f}" dominant-baseline="central" text-anchor="{shape.anchor}" '
        f'font-size="{_SIZES[shape.size]}" fill="{shape.colour}">{escape(shape.text)}</text>'
    )
