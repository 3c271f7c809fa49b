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


def test_examples_are_test_split_pictures_with_their_true_masks():
    pytest.importorskip("skimage")
    from elect_tino.embedded.world.examples import index
    from elect_tino.embedded.world.samples import sample
    from elect_tino.nodes.embedded import EmbeddedExample

    for name, entry in index().items():
        image, instruction, caption, mask = EmbeddedExample.execute(name).result
        truth = sample("test", entry["test_index"])
        assert (instruction, caption) == (truth.instruction, truth.source_caption)
        torch.testing.assert_close(image[0], torch.from_numpy(truth.source), atol=3e-3, rtol=0)
        torch.testing.assert_close(mask[0], torch.from_numpy(truth.mask))


def test_one_example_is_on_a_photograph():
    from elect_tino.embedded.world.examples import index

    assert any("on a photo" in entry["source_caption"] for entry in index().values())


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
