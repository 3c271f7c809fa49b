"""Source and result of different sizes, chained references, masks, previews, room for a batch."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from .elect.test_seed_truth import count_calls
from .reference_families import FAMILIES, edit
from .reference_models import build_wan, kl_vae

pytestmark = pytest.mark.comfy

OTHER = (1, 16, 12, 8)
"""A latent of 96 x 64 pixels, where the results have 80 x 64."""


@pytest.fixture(scope="module")
def kontext(tmp_path_factory):
    return edit(FAMILIES["flux_kontext"], tmp_path_factory.mktemp("kontext"))


def guider_of(case, *references: torch.Tensor):
    """The case's guider with these reference latents in place of its own."""
    from comfy_extras.nodes_custom_sampler import Guider_Basic

    guider = Guider_Basic(case.model)
    features, options = case.text[0]
    guider.set_conds([[features, {**options, "reference_latents": list(references)}]])
    return guider


def partial(elect, case, guider=None, **given):
    arguments = (guider or case.guider, "euler", case.sigmas, case.latent)
    return elect.partial(*arguments, **{"null": case.bare, "num_candidates": 2, **given})


def left_half() -> torch.Tensor:
    mask = torch.zeros(1, 80, 64)
    mask[..., :32] = 1
    return mask


def scores(elect, found, **given) -> list[float]:
    return elect.select(found, mask=left_half(), **given).ui["elect"][0]["scores"]


def test_of_chained_references_the_one_of_the_results_size_is_the_source(kontext, elect):
    other = torch.ones(OTHER)
    alone = partial(elect, kontext, guider_of(kontext, kontext.source))
    for references in [(kontext.source, other), (other, kontext.source)]:
        found = partial(elect, kontext, guider_of(kontext, *references))
        given = scores(elect, found, source={"samples": kontext.source})
        assert scores(elect, found) == given != scores(elect, alone)


def test_two_references_of_the_results_size_give_the_first(kontext, elect):
    second = torch.ones_like(kontext.source)
    found = partial(elect, kontext, guider_of(kontext, kontext.source, second))
    assert scores(elect, found) == scores(elect, found, source={"samples": kontext.source})


def test_a_reference_of_another_size_is_told_with_the_cure(kontext, elect):
    found = partial(elect, kontext, guider_of(kontext, torch.ones(OTHER)))
    message = (
        r"source \(found in the conditioning\): .*\(16, 10, 8\), got \(16, 12, 8\)\. .*EditSize"
    )
    with pytest.raises(ValueError, match=message):
        scores(elect, found)
    assert len(scores(elect, found, source={"samples": kontext.source})) == 2


def test_pictures_of_another_size_are_told_with_the_cure(kontext, elect):
    found, picture = partial(elect, kontext), torch.rand(1, 160, 128, 3)
    with pytest.raises(ValueError, match=r"image: .* 64x80 .*, got 128x160\. .*EditSize"):
        elect.relevance(found, image=picture)
    with pytest.raises(ValueError, match=r"source_image: .* 64x80 .*, got 128x160\. .*EditSize"):
        scores(elect, found, source_image=picture, vae=kl_vae(16, 8))


def test_a_latent_of_another_vae_or_of_too_few_frames_has_its_own_cure(kontext, elect, tmp_path):
    with pytest.raises(ValueError, match=r"source: .*\(4, 10, 8\)\. .*VAE of the model"):
        scores(elect, partial(elect, kontext), source={"samples": torch.ones(1, 4, 10, 8)})
    video = edit(FAMILIES["wan"], tmp_path)
    found = partial(elect, video, null=None)
    with pytest.raises(ValueError, match=r"source: .*\(16, 1, 10, 8\)\. .*as many frames"):
        scores(elect, found, source={"samples": torch.ones(1, 16, 1, 10, 8)})


def test_a_model_that_takes_only_the_results_size_says_so_before_it_runs(elect, tmp_path):
    hidream = edit(FAMILIES["hidream_e1"], tmp_path, shape=OTHER)
    with pytest.raises(ValueError, match=r"latent_image: its latent is 8x10, .* 8x12.*EditSize"):
        partial(elect, hidream, null=None)


def test_channels_beside_the_source_are_not_taken_for_it(kontext):
    from elect_tino.nodes.host.conditions import source_latent

    control = torch.ones(1, 32, 10, 8)  # a control beside the start, as Wan is given them
    empty = torch.zeros_like(kontext.source)
    entry = {"concat_latent_image": control}
    assert source_latent({"positive": [entry]}, empty) is None
    both = {**entry, "reference_latents": [kontext.source]}
    assert source_latent({"positive": [both]}, empty) is kontext.source


def test_empty_latents_of_other_models_are_widened_to_the_models_layout(elect, tmp_path):
    qwen = edit(FAMILIES["qwen_image_edit"], tmp_path)
    flat = {"samples": torch.zeros(1, 4, 10, 8)}  # EmptyLatentImage's
    found = elect.partial(qwen.guider, "euler", qwen.sigmas, flat)
    expected = elect.partial(qwen.guider, "euler", qwen.sigmas, qwen.latent)
    assert torch.equal(found.estimates(), expected.estimates())


@pytest.mark.parametrize("name", ["qwen_image_edit", "flux2"])
def test_inpainting_masks_of_wide_latents_resume_exactly(name, elect, stock, tmp_path):
    case = edit(FAMILIES[name], tmp_path)
    mask = torch.zeros(1, 80, 64)
    mask[:, 32:] = 1
    latent = {"samples": case.source, "noise_mask": mask}
    expected, _ = stock(case.guider, "euler", case.sigmas, latent, 4)
    run = elect.partial(case.guider, "euler", case.sigmas, latent, **case.given)
    assert_close(elect.resume(run.rows([1]))[0]["samples"], expected, atol=1e-4, rtol=1e-4)
    kept = run.estimates()[..., 0, :]
    assert_close(kept, case.source[..., 0, :].expand_as(kept), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["flux_kontext", "qwen_image_edit", "flux2", "wan"])
def test_previews_show_every_candidate(name, elect, tmp_path, monkeypatch):
    import comfy.utils
    import latent_preview

    pictures = []

    def keep(value, total, preview, node_id=None):
        pictures.append(preview[1])

    monkeypatch.setattr(comfy.utils, "PROGRESS_BAR_HOOK", keep)
    rgb = latent_preview.LatentPreviewMethod.Latent2RGB
    monkeypatch.setattr(latent_preview.args, "preview_method", rgb)
    case = edit(FAMILIES[name], tmp_path)
    options = {"num_candidates": 2, "candidates_per_batch": 1, **case.given}
    elect.partial(case.guider, "euler", case.sigmas, case.latent, **options)
    sheet = pictures[-1]
    half = sheet.width // 2
    halves = (sheet.crop((x, 0, x + half, sheet.height)) for x in (0, half))
    assert sheet.size == (410, 256)  # two pictures of 64 x 80 side by side, 256 high
    assert len({half.tobytes() for half in halves}) == 2


def test_reference_latents_count_in_the_room_a_candidate_needs(kontext, elect, monkeypatch):
    import comfy.model_management

    model = kontext.model.model
    cells = {"ref_latents": [[1, 16, 80]]}
    one = model.memory_required([1, 16, 10, 8], cond_shapes=cells)
    assert one == 2 * model.memory_required([1, 16, 10, 8])
    free = one * 1.5 * 2.5

    def room_for_two(dev=None, torch_free_too=False):
        return (free, free) if torch_free_too else free

    monkeypatch.setattr(comfy.model_management, "get_free_memory", room_for_two)
    calls = count_calls(monkeypatch, kontext)
    partial(elect, kontext, num_candidates=5)
    assert max(calls) == 2


def test_tino_takes_a_flow_model_and_refuses_edm_with_the_reason(kontext, tmp_path):
    from elect_tino.nodes.host.tino.continuous import FlowScale, scale_of

    assert isinstance(scale_of(kontext.model.get_model_object("model_sampling")), FlowScale)
    edm = FAMILIES["cosxl_edit"].load(tmp_path)
    with pytest.raises(ValueError, match=r"model: expected .* or a flow model \(SD3, Flux\)"):
        scale_of(edm.get_model_object("model_sampling"))


@pytest.mark.parametrize("node", ["CFGNorm", "CFGZeroStar"])
def test_guidance_nodes_of_todays_workflows_keep_the_batch(
    node, elect, stock, tmp_path, monkeypatch
):
    """CFGNorm is in ComfyUI's Qwen-Image-Edit workflow; both treat each candidate on its own."""
    import comfy.samplers
    from comfy_extras import nodes_cfg

    case = edit(FAMILIES["qwen_image_edit"], tmp_path)
    strength = (1.0,) if node == "CFGNorm" else ()
    guider = comfy.samplers.CFGGuider(getattr(nodes_cfg, node).execute(case.model, *strength)[0])
    guider.set_conds(case.text, case.null)
    guider.set_cfg(2.5)
    plain = elect.partial(case.guider, "euler", case.sigmas, case.latent)
    calls = count_calls(monkeypatch, case)
    found = elect.partial(guider, "euler", case.sigmas, case.latent)
    assert set(calls) == {6}  # three candidates under two conditions
    assert (found.estimates() - plain.estimates()).abs().max() > 0.01
    expected, _ = stock(guider, "euler", case.sigmas, case.latent, 4)
    assert_close(elect.resume(found.rows([1]))[0]["samples"], expected, atol=1e-4, rtol=1e-4)


def test_a_start_picture_among_empty_frames_is_not_taken_for_the_source(elect, stock, tmp_path):
    """Wan image to video: what it is shown is a picture and grey frames, with a mask of them."""
    import comfy.samplers

    video = edit(FAMILIES["wan"], tmp_path)
    model = build_wan(tmp_path, in_dim=36, model_type="i2v")
    mask = torch.ones(1, 1, *video.source.shape[2:])
    mask[:, :, 0] = 0
    shown = {"concat_latent_image": video.source, "concat_mask": mask}
    text, null = ([[c[0][0], {**c[0][1], **shown}]] for c in (video.text, video.null))
    guider = comfy.samplers.CFGGuider(model)
    guider.set_conds(text, null)
    guider.set_cfg(3.0)
    case = replace(video, model=model, latent={"samples": torch.zeros_like(video.source)})
    found = partial(elect, case, guider, null=None)
    with pytest.raises(ValueError, match="source: the candidates' conditioning holds no source"):
        scores(elect, found)
    assert len(scores(elect, found, source={"samples": video.source})) == 2
    expected, _ = stock(guider, "euler", case.sigmas, case.latent, 4)
    again = partial(elect, case, guider, null=None, candidates_per_batch=1)
    assert torch.equal(elect.resume(again.rows([1]))[0]["samples"], expected)
    assert elect.relevance(found)[0].shape == (3, 80, 64)
