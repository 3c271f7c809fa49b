"""python3 dev.py bench scale: measures the engine, sums up, writes docs/scale.md."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..markdown import markdown
from .measured import measure
from .outlook import (
    DAY,
    DOLLARS,
    EDITS,
    GPUS,
    MODELS,
    OVERHEAD,
    WAYS,
    Measured,
    Model,
    most_gpus,
    outlook,
    shares,
    span,
)

RULE = "| --- "
ROOT = Path(__file__).resolve().parents[2]
PAGE, FORM = ROOT / "docs" / "scale.md", Path(__file__).with_name("page.md")


def outlooks(measured: Measured, dollars: float) -> str:
    """Time and money of every model, way and size; the money is that of one GPU."""
    columns = [(edits, gpus) for edits in EDITS for gpus in GPUS]
    head = ["model", "way", "calls", *(f"{e:.0e}, {g} GPU" for e, g in columns), "$ for 1e+05"]
    rows = []
    for model in MODELS:
        for way in WAYS:
            found = [outlook(e, g, model, way, measured, dollars) for e, g in columns]
            cells = [span(one.seconds) for one in found]
            money = f"{found[0].dollars:,.0f}"
            rows.append([model.name, way.name, str(way.calls(model)), *cells, money])
    return markdown([one.replace("e+0", "e") for one in head], rows, RULE)


def where(measured: Measured) -> str:
    """The shares of a server's time, and how many GPUs one driver keeps at work."""
    names = list(shares(MODELS[0], WAYS[0], measured))
    rows = []
    for model in MODELS:
        for way in WAYS[:2]:
            parts = [f"{part:.1%}" for part in shares(model, way, measured).values()]
            most = f"{most_gpus(model, way, measured):,.0f}"
            rows.append([model.name, way.name, *parts, most])
    return markdown(["model", "way", *names, "GPUs a driver feeds"], rows, RULE)


def assumed(model: Model) -> str:
    return f"{model.name}: {model.call:g} s a call, {model.encode:g} s for VAE and texts"


def page(measured: Measured, dollars: float, told: str) -> str:
    """docs/scale.md."""
    many = EDITS[-1]
    return FORM.read_text(encoding="utf-8").format(
        told=told,
        outlooks=outlooks(measured, dollars),
        where=where(measured),
        dollars=dollars,
        models="; ".join(map(assumed, MODELS)),
        overhead=OVERHEAD,
        server=1000 * measured.server,
        driver=1000 * measured.driver,
        skip=1000 * measured.skip,
        path=measured.path,
        record=measured.record,
        picture=measured.picture / 1000,
        memory=many * measured.path / 1e9,
        book=many * measured.record / 1e9,
        disk=many * measured.picture / 1e12,
        skipping=span(many * measured.skip),
        driving=many * measured.driver / DAY,
        traffic=2 * 8 * measured.picture / 1e6,
    )


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="dev.py bench scale", description=__doc__)
    parser.add_argument("--dollars", type=float, default=DOLLARS, help="of a GPU for an hour")
    parser.add_argument("--pictures", type=int, default=200, help="to measure the driver with")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        measured = measure(Path(scratch), options.pictures)
    told = "python3 dev.py bench scale"
    told += "" if options.dollars == DOLLARS else f" --dollars {options.dollars:g}"
    PAGE.write_text(page(measured, options.dollars, told), encoding="utf-8")
    print(measured, PAGE)
