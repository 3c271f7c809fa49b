"""The table of editing models is whole, and its page prints it as it is."""

import pytest

from elect_tino.edit_models.families import FAMILIES, table
from elect_tino.edit_models.family import DIFFUSION_STOP, FLOW_STOP
from elect_tino.elect_core.estimate import TWEEDIE
from elect_tino.harness.server.comfy_server import PACK_ROOT


def test_readme_prints_the_table():
    assert table() in (PACK_ROOT / "docs" / "editing_models.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
def test_every_family_says_all_that_is_needed(family):
    assert family.prediction in TWEEDIE
    assert family.licence
    assert family.url or family.title.startswith("Embedded")
    assert 0 < family.window <= family.stop <= 1
    assert (family.guider == "CFGGuider") == (family.image_cfg is None)


def test_stops_are_the_papers_for_diffusion_and_for_flow():
    published = {name: f for name, f in FAMILIES.items() if not name.startswith("embedded")}
    for name, family in published.items():
        if family.stop_steps is not None:
            assert (family.steps, family.stop_steps, family.window_steps) == (4, 2, 1), name
            assert (family.stop_of(4), family.window_of(4)) == (family.stop, family.window)
            assert (family.stop_of(8), family.stop_of(1)) == (0.25, 1.0)
            continue
        expected = FLOW_STOP if family.prediction == "flow" else DIFFUSION_STOP
        assert family.stop == expected, name
    assert (DIFFUSION_STOP, FLOW_STOP) == (0.3, 0.4)
