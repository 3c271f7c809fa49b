"""A page with the pictures side by side, sorted by any method's column: one file, no framework."""

from __future__ import annotations

import base64
import html
import io
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy import ndarray
from PIL import Image

from .results import Method
from .sample import Sample
from .tables import Records

SIDE = 256
HEAD = """<!doctype html><meta charset="utf-8"><title>Edits side by side</title>
<style>
body { font: 14px sans-serif; margin: 1em } table { border-collapse: collapse }
td, th { vertical-align: top; padding: 4px; border-bottom: 1px solid #ccc; text-align: left }
img { display: block; max-width: 256px } small { white-space: pre }
thead { position: sticky; top: 0; background: #fff }
</style>
<p>Sort by <select id="by"></select> <label><input type="checkbox" id="down"> largest first</label>
<table><thead><tr>"""
SCRIPT = """
const rows = [...document.querySelectorAll('tbody tr')], body = document.querySelector('tbody');
const by = document.getElementById('by'), down = document.getElementById('down');
const told = new Map(rows.map(row => [row, JSON.parse(row.dataset.values)]));
for (const name of ['', ...new Set([...told.values()].flatMap(Object.keys))])
  by.add(new Option(name || 'sample', name));
function sort() {
  const of = row => told.get(row)[by.value] ?? NaN, sign = down.checked ? -1 : 1;
  const sorted = by.value === '' ? [...rows] : rows.slice().sort((a, b) =>
    isNaN(of(a)) - isNaN(of(b)) || sign * (of(a) - of(b)) || 0);
  if (by.value === '' && down.checked) sorted.reverse();
  body.append(...sorted);
}
by.onchange = down.onchange = sort;
"""


def write(
    path: Path, samples: Iterable[Sample], methods: Mapping[str, Method], records: Records
) -> None:
    """Write the page: a row a sample, its source, its target, and every method's result.

    What an edit is guided by stands below its source.
    """
    heads = ["sample", "source", "target", *methods]
    beside = path.with_name(f".{path.name}.part")
    with beside.open("w", encoding="utf-8") as file:
        file.write(HEAD + "".join(f"<th>{html.escape(head)}" for head in heads))
        file.write("</thead><tbody>\n")
        for sample in samples:
            file.write(_row(sample, methods, records))
        file.write(f"</tbody></table><script>{SCRIPT}</script>\n")
    beside.replace(path)


def _row(sample: Sample, methods: Mapping[str, Method], records: Records) -> str:
    values = {
        f"{method}: {column}": value if math.isfinite(value) else 1e300
        for method in methods
        for column, value in records.get((sample.name, method), {}).items()
        if not math.isnan(value)
    }
    told = html.escape(json.dumps(values))
    words = f"<b>{html.escape(sample.name)}</b><br>{html.escape(sample.instruction)}"
    guide = "" if sample.reference is None else f"guided by{_picture(sample.reference)}"
    cells = [words, _picture(sample.source) + guide, _picture(sample.target)]
    for name, method in methods.items():
        cells.append(_picture(method(sample)) + _numbers(records.get((sample.name, name), {})))
    return f'<tr data-values="{told}">{"".join(f"<td>{cell}" for cell in cells)}</tr>\n'


def _numbers(values: Mapping[str, float]) -> str:
    lines = [f"{name} {value:.4g}" for name, value in values.items() if not math.isnan(value)]
    return f"<small>{html.escape(chr(10).join(lines))}</small>"


def _picture(picture: ndarray | None) -> str:
    """A picture of at most 256 pixels a side within the page."""
    if picture is None:
        return "-"
    image = Image.fromarray(np.asarray(picture))
    image.thumbnail((SIDE, SIDE))
    file = io.BytesIO()
    image.save(file, "jpeg", quality=90)
    return f'<img src="data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}">'
