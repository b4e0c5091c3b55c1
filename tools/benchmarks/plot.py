"""A plot as SVG text, without a library."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 60, 220, 20, 50
COLOURS = ("#c0392b", "#2980b9", "#27ae60", "#8e44ad")


def logarithmic(places: Sequence[float], lines: Mapping[str, Sequence[float]], *, x: str, y: str) -> str:
    """A plot of lines, both axes logarithmic.

    Args:
        places: The x values of all lines, above 0.
        lines: The y values of each line, above 0, by the line's name; four lines at most.
        x: Label of the x axis.
        y: Label of the y axis.
    """
    values = [value for line in lines.values() for value in line]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    first, last = math.log10(min(places)), math.log10(max(places))

    def x_position(place: float) -> float:
        return LEFT + (math.log10(place) - first) / ((last - first) or 1) * (WIDTH - LEFT - RIGHT)

    def y_position(value: float) -> float:
        return HEIGHT - BOTTOM - (math.log10(value) - low) / ((high - low) or 1) * (HEIGHT - TOP - BOTTOM)

    def text(at_x: float, at_y: float, words: object, more: str = 'text-anchor="middle"') -> str:
        return f'<text x="{at_x:.1f}" y="{at_y:.1f}" {more}>{words}</text>'

    powers = [10.0**power for power in range(low, high + 1)]
    right = WIDTH - RIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        *(f'<path d="M{LEFT} {y_position(power):.1f}H{right}" stroke="#ddd"/>' for power in powers),
        *(text(LEFT - 8, y_position(power) + 4, f"{power:g}", 'text-anchor="end"') for power in powers),
        *(text(x_position(place), HEIGHT - BOTTOM + 20, f"{place:g}") for place in places),
        text((LEFT + right) / 2, HEIGHT - 10, x),
        f'<text transform="translate(16 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">{y}</text>',
    ]
    for colour, (name, line) in zip(COLOURS, lines.items(), strict=False):
        points = [f"{x_position(place):.1f},{y_position(value):.1f}" for place, value in zip(places, line, strict=True)]
        parts.append(f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{at.split(",")[0]}" cy="{at.split(",")[1]}" r="3.5" fill="{colour}"/>' for at in points]
        parts.append(text(right + 12, y_position(line[-1]) + 4, name, f'fill="{colour}"'))
    return "\n".join([*parts, "</svg>", ""])
