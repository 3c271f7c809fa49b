"""What is told about the running ComfyUI is what it does."""

from dataclasses import replace

import pytest
import torch

pytestmark = pytest.mark.comfy


def test_the_seed_offset_is_the_one_that_ancestral_noise_is_drawn_with():
    from comfy.k_diffusion.sampling import default_noise_sampler

    from elect_tino.nodes.host.versions import ancestral_seed_offset

    x = torch.zeros(1, 4, 3, 5)
    generator = torch.Generator().manual_seed(41 + ancestral_seed_offset())
    drawn = default_noise_sampler(x, seed=41)(2.0, 1.0)
    assert torch.equal(drawn, torch.randn(x.shape, generator=generator))


def test_a_model_takes_the_state_of_a_step():
    from elect_tino.nodes.host.versions import prepare_state

    from .conftest import random_model

    patcher = random_model()
    seen = []
    import comfy.patcher_extension

    patcher.add_callback(
        comfy.patcher_extension.CallbacksMP.ON_PREPARE_STATE,
        lambda model, sigma, *options: seen.append(float(sigma)),
    )
    prepare_state(patcher, torch.tensor([3.0]), {"transformer_options": {}})
    assert seen == [3.0]


def test_extras_are_what_the_schema_takes_and_no_more():
    from comfy_api.latest import io

    from elect_tino.nodes.host.versions import fold_away, schema_extras, schema_fields

    kept = schema_extras(search_aliases=["seed search"], category="edit", no_such_field=1)
    assert kept.get("category") == "edit"
    assert ("search_aliases" in kept) == ("search_aliases" in schema_fields())
    schema = io.Schema(node_id="Node", **kept)
    assert replace(schema).category == "edit"
    one = io.Int.Input("count", tooltip="unit")
    fold_away(one)
    assert one.as_dict()["advanced"] is True
    assert one.as_dict()["tooltip"] == "unit"


def test_every_difference_is_decided_and_says_why():
    from elect_tino.nodes.host.versions import DIFFERENCES

    assert all(difference.present() in (True, False) for difference in DIFFERENCES)
    assert all(difference.reason and difference.since for difference in DIFFERENCES)
    assert len({difference.name for difference in DIFFERENCES}) == len(DIFFERENCES)
