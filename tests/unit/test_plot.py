"""A plot is well-formed SVG with every line and value."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from tools.benchmarks.plot import logarithmic

SVG = "{http://www.w3.org/2000/svg}"


def test_each_line_and_each_value_is_drawn_inside_the_plot() -> None:
    lines = {"slow": [20.0, 50.0, 90.0], "fast": [0.1, 0.1, 0.2]}
    drawn = ET.fromstring(logarithmic([2, 10, 100], lines, x="replicas", y="seconds"))  # noqa: S314 - our own
    assert len(drawn.findall(f"{SVG}polyline")) == 2
    circles = drawn.findall(f"{SVG}circle")
    assert len(circles) == 6
    assert all(0 < float(one.attrib["cx"]) < 720 and 0 < float(one.attrib["cy"]) < 400 for one in circles)
    assert {"slow", "fast", "replicas", "seconds"} <= {one.text for one in drawn.findall(f"{SVG}text")}
