"""Defaults from validation edits: what was run is written where the node reads it."""

import json
from argparse import Namespace
from dataclasses import replace
from functools import partial

import pytest

pytestmark = pytest.mark.comfy


def test_the_choice_is_written_for_the_page_and_for_the_node(tmp_path, monkeypatch):
    from elect_tino.bench.tino import contest_methods, validation
    from elect_tino.bench.tino.models import TinoBench
    from elect_tino.nodes.tino.kinds import KINDS, WAYS

    def small(variant):
        """Two seeds, or one update at every mark."""
        seeds = variant.method.func is contest_methods.seeds
        given = (0, 2) if seeds else (tuple(1 for _ in variant.method.args[0]),)
        tried = variant.setup.tried and (*variant.setup.tried[:2], 2)
        method = partial(variant.method.func, *given)
        return replace(variant, method=method, setup=replace(variant.setup, tried=tried))

    monkeypatch.setattr(validation, "ROWS", tuple(map(small, validation.ROWS)))
    monkeypatch.setattr(validation, "NUM_SEEDS", 2)
    bench, options = TinoBench(), Namespace(edits=1, steps=1, batch=20, docs=tmp_path / "docs")
    validation.run_validation(bench, options, tmp_path)
    assert all("val-" in path.name for path in tmp_path.rglob("*.safetensors"))
    page = validation.write_choice(bench, options, tmp_path, tmp_path / "chosen.json")
    chosen = json.loads((tmp_path / "chosen.json").read_text())
    assert chosen["ways"].keys() == KINDS.keys()
    assert set(chosen["ways"].values()) <= WAYS.keys()
    assert chosen["loss_only_rate"] in validation.LOSS_ONLY_RATES
    text = page.read_text()
    assert all(f"## {kind.capitalize()}: {way}" in text for kind, way in chosen["ways"].items())
    assert "| 50 through the loss only, lr_noise 10 |" in text
