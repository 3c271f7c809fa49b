"""UltraEditConditioning: what it puts into the conditions, and what bad input gets."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from ..conftest import of_host
from .conftest import PROMPT, picture

pytestmark = pytest.mark.comfy

MASK, GIVEN = "ultraedit_mask", "ultraedit_mask_given"


@pytest.fixture(scope="module")
def parts(masked, loaded, encode):
    """MODEL of 48 channels, VAE, and the texts with and without words."""
    model, clip, vae = loaded(masked.name)
    return model, vae, encode(clip, PROMPT), encode(clip, "")


@pytest.fixture(scope="module")
def show(parts):
    """The node, in inference mode as ComfyUI runs it."""
    from elect_tino.nodes.edit_models.ultraedit import UltraEditConditioning

    _, own_vae, text, empty = parts

    @torch.inference_mode()
    def run(pixels: Tensor, mask: Tensor | None = None, vae=None) -> tuple:
        return UltraEditConditioning.execute(text, empty, vae or own_vae, pixels, mask).args

    return run


@pytest.fixture(scope="module")
def guide(show, parts):
    """DualCFGGuider on a model with the node's conditions."""
    from comfy_extras.nodes_custom_sampler import Guider_DualCFG

    def build(model, positive, null, negative):
        guider = Guider_DualCFG(model)
        guider.set_conds(positive, null, negative)
        guider.set_cfg(7.0, 1.5)
        return guider

    return build


@torch.inference_mode()
def test_text_and_null_text_see_picture_and_mask_and_the_negative_sees_neither(show, parts):
    _, vae, text, empty = parts
    mask = torch.zeros(1, 64, 48)
    mask[:, :20] = 0.5
    positive, null, negative, latent = show(picture(), mask)
    source, encoded = vae.encode(picture()), vae.encode(mask[..., None].repeat(1, 1, 1, 3))
    for cond, words in ((positive, text), (null, empty)):
        (features, extra), *_ = cond
        assert torch.equal(features, words[0][0])
        assert torch.equal(extra["concat_latent_image"], source)
        assert torch.equal(extra[MASK], encoded)
        assert extra[GIVEN] is True
    assert negative == empty
    assert "concat_latent_image" not in text[0][1]
    assert latent["samples"].shape == (1, 16, 8, 6)
    assert not latent["samples"].any()


def test_no_mask_is_a_white_one(show):
    without, white = (show(picture(), mask)[0][0][1] for mask in (None, torch.ones(1, 64, 48)))
    assert torch.equal(without[MASK], white[MASK])
    assert without[GIVEN] is white[GIVEN] is False


@torch.inference_mode()
def test_picture_and_mask_are_cut_alike_about_the_centre(show, parts):
    vae, image = parts[1], picture(79, 58)
    mask = torch.rand(1, 79, 58, generator=torch.Generator().manual_seed(2))
    extra = show(image, mask)[0][0][1]
    assert torch.equal(extra["concat_latent_image"], vae.encode(image[:, 7:71, 5:53]))
    cut = mask[:, 7:71, 5:53, None].repeat(1, 1, 1, 3)
    assert torch.equal(extra[MASK], vae.encode(cut))


def test_transparency_is_left_out(show):
    with_alpha = torch.cat([picture(), torch.zeros(1, 64, 48, 1)], -1)
    a, b = (show(image)[0][0][1]["concat_latent_image"] for image in (with_alpha, picture()))
    assert torch.equal(a, b)


def full(value: float, height: int = 64, width: int = 48) -> Tensor:
    return torch.full((1, height, width), value)


@pytest.mark.parametrize(
    ("image", "mask", "message"),
    [
        (picture(), full(0.5, 32, 48), "mask: expected one of the picture's size 48x64, got 1 of"),
        (picture(), full(0.5).repeat(2, 1, 1), "mask: expected .* got 2 of 48x64"),
        (picture(), full(0.0), "mask: it is empty"),
        (picture(), full(1.5), "mask: expected values from 0 to 1, got 1.5"),
        (picture(), full(float("nan")), "mask: expected values from 0 to 1, got nan"),
        (picture(8, 48), None, "pixels: expected at least 16x16 pixels, got 48x8"),
    ],
)
def test_bad_pictures_and_masks_are_named(image, mask, message, show):
    with pytest.raises(ValueError, match=message):
        show(image, mask)


def test_a_vae_of_another_model_is_named(show, instruct_pix2pix, loaded):
    with pytest.raises(ValueError, match="vae: expected SD3's VAE of 16 latent channels, got"):
        show(picture(), vae=loaded(instruct_pix2pix.name)[2])


def run_one_step(elect, model, guider, latent):
    import comfy.samplers

    sampling = model.get_model_object("model_sampling")
    sigmas = comfy.samplers.calculate_sigmas(sampling, "normal", 4)
    return elect.partial(guider, "euler", sigmas, latent, num_candidates=1, stop=0.25)


def test_a_mask_for_the_model_that_takes_none_is_named(show, guide, free_form, loaded, elect):
    model = loaded(free_form.name)[0]
    *conds, latent = show(picture(), full(0.5))
    with pytest.raises(ValueError, match="mask: this UltraEdit has 32 input channels"):
        run_one_step(elect, model, guide(model, *conds), latent)
    *conds, latent = show(picture(), full(1.0))
    assert run_one_step(elect, model, guide(model, *conds), latent).estimates().isfinite().all()


def test_the_masked_model_refuses_a_conditioning_that_knows_no_mask(parts, guide, elect):
    from comfy_extras.nodes_ip2p import InstructPixToPixConditioning

    model, vae, text, empty = parts
    with torch.inference_mode():
        positive, null, latent = of_host(InstructPixToPixConditioning, text, empty, picture(), vae)
    with pytest.raises(ValueError, match="no mask, and .* Use UltraEditConditioning"):
        run_one_step(elect, model, guide(model, positive, null, empty), latent)


def test_the_text_of_another_model_is_named(
    parts, show, guide, instruct_pix2pix, loaded, encode, elect
):
    model, clip = parts[0], loaded(instruct_pix2pix.name)[1]
    *_, latent = show(picture())
    conds = [encode(clip, PROMPT)] * 3
    shown = {"concat_latent_image": torch.zeros(1, 16, 8, 6), MASK: torch.zeros(1, 16, 8, 6)}
    conds = [[[features, {**extra, **shown}]] for ((features, extra),) in conds]
    with pytest.raises(ValueError, match="guider: this UltraEdit reads text features 4096 wide"):
        run_one_step(elect, model, guide(model, *conds), latent)


def test_a_picture_beyond_the_models_positions_is_named(parts, show, guide, elect):
    *conds, latent = show(picture(208, 16))
    with pytest.raises(ValueError, match=r"pixels: the picture is 16x208; .* up to 192 pixels"):
        run_one_step(elect, parts[0], guide(parts[0], *conds), latent)


def test_a_null_conditioning_without_picture_shares_the_positives_picture_and_mask(show, parts):
    from elect_tino.nodes.host.conditions import NULL_KEY, with_null

    positive, *_ = show(picture(), full(0.5))
    conds = {"positive": [{"cross_attn": positive[0][0], **positive[0][1]}]}
    (null,) = with_null(conds, parts[3])[NULL_KEY]
    for key in ("concat_latent_image", MASK):
        assert_close(null[key], conds["positive"][0][key])


@pytest.mark.parametrize("value", [0.0, -0.1, 1.5, float("nan")])
def test_a_mask_is_refused_here_as_where_candidates_are_scored(value):
    from elect_tino.nodes.edit_models.ultraedit import mask_picture
    from elect_tino.nodes.host.latents import check_mask, painted

    said = set()
    for refuse in (
        lambda: mask_picture(full(value), picture()),
        lambda: check_mask(full(value), 64, 48),
        lambda: painted(full(value)),
    ):
        with pytest.raises(ValueError, match=r"^mask: ") as refused:
            refuse()
        said.add(str(refused.value))
    assert len(said) == 1
