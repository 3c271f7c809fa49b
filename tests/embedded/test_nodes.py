"""The embedded nodes: permanent ids, thin, and what they give fits the stock nodes."""

import pytest
import torch

pytestmark = pytest.mark.comfy


def test_node_ids_are_the_permanent_ones():
    from elect_tino.nodes.embedded import NODES

    ids = [node.define_schema().node_id for node in NODES]
    assert ids == ["EmbeddedModelLoader", "EmbeddedExample"]


def test_every_input_has_a_tooltip():
    from elect_tino.nodes.embedded import NODES

    for node in NODES:
        assert all(i.tooltip for i in node.define_schema().inputs)


def test_examples_are_validation_pictures_with_their_true_masks():
    pytest.importorskip("skimage")
    from elect_tino.embedded.world.examples import SPLIT, index
    from elect_tino.embedded.world.samples import sample
    from elect_tino.nodes.embedded import EmbeddedExample

    for name, entry in index().items():
        image, instruction, caption, mask = EmbeddedExample.execute(name).result
        truth = sample(SPLIT, entry["index"])
        assert (instruction, caption) == (truth.instruction, truth.source_caption)
        torch.testing.assert_close(image[0], torch.from_numpy(truth.source), atol=3e-3, rtol=0)
        torch.testing.assert_close(mask[0], torch.from_numpy(truth.mask))


def test_examples_play_their_roles():
    pytest.importorskip("skimage")
    from elect_tino.embedded.report.examples import NUM_EDITS
    from elect_tino.embedded.world.examples import ROLES, SPLIT, index, role_of
    from elect_tino.embedded.world.samples import sample

    numbers = [entry["index"] for entry in index().values()]
    assert SPLIT == "val"
    assert [role_of(sample(SPLIT, number)) for number in numbers] == list(ROLES)
    assert max(numbers) < NUM_EDITS


def test_an_example_of_an_earlier_edition_is_that_of_its_number():
    from elect_tino.embedded.world.examples import index, load_example
    from elect_tino.nodes.embedded import EmbeddedExample

    old, new = "1: turn the yellow triangle pink", next(iter(index()))
    assert old not in index()
    assert EmbeddedExample.validate_inputs(old) is True
    assert load_example(old).instruction == load_example(new).instruction
    assert "example must be one of 1: " in str(EmbeddedExample.validate_inputs("7: none"))


def test_unknown_example_names_the_choices():
    from elect_tino.nodes.embedded import EmbeddedExample

    with pytest.raises(ValueError, match="example must be one of 1: "):
        EmbeddedExample.execute("no such picture")


def test_loader_gives_model_clip_and_vae():
    import comfy.model_patcher
    import comfy.sd

    from elect_tino.nodes.embedded import EmbeddedModelLoader

    model, clip, vae = EmbeddedModelLoader.execute().result
    assert isinstance(model, comfy.model_patcher.ModelPatcher)
    assert isinstance(clip, comfy.sd.CLIP)
    assert isinstance(vae, comfy.sd.VAE)
