"""RelevanceMapAggregate: the map is text against no text, whichever guider made it."""

import pytest
import torch
from torch.testing import assert_close

pytestmark = pytest.mark.comfy


def predictions(scene, x, sigma, conds):
    """Each condition's denoised prediction, by calling ComfyUI directly."""
    import comfy.samplers

    guider = comfy.samplers.CFGGuider(scene.model)
    guider.set_conds(*conds)
    seen = []

    def keep(args):
        seen.extend(args["conds_out"])
        return args["conds_out"]

    options = {"sampler_pre_cfg_function": [keep], "disable_cfg1_optimization": True}
    guider.model_options = {**guider.model_options, **options}
    sigmas = torch.tensor([float(sigma), 0.0])
    sampler = comfy.samplers.sampler_object("euler")
    guider.sample(x, torch.zeros_like(x), sampler, sigmas, disable_pbar=True, seed=0)
    return seen[:2]


@pytest.mark.parametrize("name", ["cfg", "dual", "dual nested", "perpneg", "third party"])
def test_the_first_steps_map_is_text_against_no_text_with_the_image(name, elect, scene, guiders):
    import comfy.sample

    found = elect.partial(
        guiders[name], "euler", scene.sigmas, scene.latent, num_candidates=1, stop=0.2
    )
    noise = comfy.sample.prepare_noise(scene.latent["samples"], found.seeds[0])
    with torch.inference_mode():
        text, null = predictions(scene, noise, scene.sigmas[0], (scene.text, scene.image))
    expected = (text - null).abs().sum(1, keepdim=True)
    assert_close(found.tape.relevance([0])[0], expected, atol=1e-3, rtol=1e-3)


def test_an_explicit_null_inherits_the_source_picture_and_wins(elect, scene, guiders):
    own = elect.partial(guiders["cfg"], "euler", scene.sigmas, scene.latent)
    given = elect.partial(guiders["basic"], "euler", scene.sigmas, scene.latent, null=scene.empty)
    # The null text of "cfg" is the same text with the image; step 1 starts from the same noise.
    assert_close(given.tape.relevance([0])[0], own.tape.relevance([0])[0], atol=1e-4, rtol=1e-4)


def test_an_explicit_null_differs_from_the_positive_by_its_text_only(scene):
    from elect_tino.nodes.host.conditions import NULL_KEY, with_null

    shared = {"concat_latent_image": scene.source, "guidance": 2.5, "control": object()}
    # image_slots: where Qwen-Image 2.1's encoder met the pictures in this very text
    own = {"pooled_output": torch.ones(1), "image_slots": [20]}
    text = {"cross_attn": scene.text[0][0], **own, **shared}
    conds = {"positive": [{**text, "model_conds": {}, "uuid": "text"}]}
    null = with_null(conds, [[scene.empty[0][0], {"guidance": 3.0}]])[NULL_KEY][0]
    assert null.pop("cross_attn") is scene.empty[0][0]
    assert null.pop("uuid") != "text"
    assert null.pop("model_conds") == {}
    assert null == {**shared, "guidance": 3.0}


def test_without_a_null_text_the_error_says_what_to_connect(elect, scene, guiders):
    for name, cause in (("basic", "no negative"), ("cfg1", "never runs its negative")):
        found = elect.partial(guiders[name], "euler", scene.sigmas, scene.latent)
        with pytest.raises(ValueError, match=f"{cause}.*CONDITIONING to null"):
            elect.relevance(found)


def test_the_window_must_lie_within_the_run(elect, scene, guiders):
    found = elect.partial(guiders["cfg"], "euler", scene.sigmas, scene.latent)
    with pytest.raises(ValueError, match="relevance window: it begins at step 7"):
        elect.relevance(found, 0.8, 1.0)
    with pytest.raises(ValueError, match="relevance window: expected 0 <= window_start"):
        elect.relevance(found, 0.5, 0.2)


def test_a_window_past_the_null_pass_names_its_input(elect, scene, guiders):
    found = elect.partial(
        guiders["basic"], "euler", scene.sigmas, scene.latent, null=scene.empty, stop=0.8
    )
    with pytest.raises(ValueError, match="outside relevance_window"):
        elect.relevance(found, 0.5, 0.8)


def test_mask_and_overlay_have_the_pictures_size_also_when_it_is_odd(elect, scene, guiders):
    found = elect.partial(guiders["cfg"], "euler", scene.sigmas, scene.latent)
    mask, overlay = elect.relevance(found).args
    assert mask.shape == (1, 80, 64)
    assert overlay.shape == (1, 80, 64, 3)
    image = torch.rand(1, 85, 69, 3)
    mask, overlay = elect.relevance(found, image=image).args
    # InstructPixToPixConditioning cuts such a picture to the middle 80 by 64.
    untouched = (mask == 0)[..., None].expand_as(overlay)
    assert_close(overlay[untouched], image[:, 2:82, 2:66][untouched])


def test_a_picture_of_another_size_is_refused(elect, scene, guiders):
    found = elect.partial(guiders["cfg"], "euler", scene.sigmas, scene.latent)
    with pytest.raises(ValueError, match="image: expected the source picture at 64x80"):
        elect.relevance(found, image=torch.rand(1, 64, 128, 3))


def test_a_text_the_model_ignores_gives_an_empty_map_and_a_warning(elect, scene, caplog):
    import comfy.samplers

    guider = comfy.samplers.CFGGuider(scene.model)
    guider.set_conds(scene.text, scene.text)
    guider.set_cfg(3.0)
    found = elect.partial(guider, "euler", scene.sigmas, scene.latent)
    assert not elect.relevance(found)[0].any()
    assert "answers alike with and without the text" in caplog.text
