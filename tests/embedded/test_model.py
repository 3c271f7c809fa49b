"""The embedded model behaves like any other ComfyUI model, and bad weights are refused."""

import pytest
import torch

from elect_tino.embedded.world.examples import index, load_example

from .test_shipped_files import save

pytestmark = pytest.mark.comfy


@pytest.fixture(scope="module")
def loaded():
    from elect_tino.embedded.model.comfyui import load_embedded

    return load_embedded()


@pytest.fixture(scope="module")
def flow():
    from elect_tino.embedded.model.comfyui import load_embedded

    return load_embedded(variant="flow")


def conditions(loaded):
    """Positive and negative as InstructPixToPixConditioning gives them, and the latent."""
    from comfy_extras.nodes_ip2p import InstructPixToPixConditioning

    _, clip, vae = loaded
    example = load_example(next(iter(index())))
    pixels = torch.from_numpy(example.source)[None]
    texts = [clip.encode_from_tokens_scheduled(clip.tokenize(t)) for t in (example.instruction, "")]
    node = InstructPixToPixConditioning
    if hasattr(node, "execute"):
        return tuple(node.execute(*texts, pixels, vae).result)
    return node().encode(*texts, pixels, vae)


def run_ksampler(model, loaded, steps=3, seed=5):
    import nodes

    positive, negative, latent = conditions(loaded)
    with torch.inference_mode():
        (out,) = nodes.KSampler().sample(
            model, seed, steps, 2.0, "euler", "normal", positive, negative, latent
        )
    return out["samples"]


def test_ksampler_gives_finite_repeatable_latents(loaded):
    first = run_ksampler(loaded[0], loaded)
    assert first.shape == (1, 4, 16, 16)
    assert torch.isfinite(first).all()
    torch.testing.assert_close(run_ksampler(loaded[0], loaded), first)


def test_model_predicts_v_on_the_scaled_linear_schedule(loaded):
    import comfy.model_sampling

    sampling = loaded[0].get_model_object("model_sampling")
    assert isinstance(sampling, comfy.model_sampling.V_PREDICTION)
    assert float(sampling.sigma_max) == pytest.approx(14.61, abs=0.01)
    assert float(sampling.sigma_min) == pytest.approx(0.0292, abs=0.001)


def test_latent_format_undoes_itself(loaded):
    latent_format, x = loaded[0].model.latent_format, torch.randn(2, 4, 16, 16)
    torch.testing.assert_close(latent_format.process_out(latent_format.process_in(x)), x)


@pytest.mark.parametrize("which", ["loaded", "flow"])
def test_guided_euler_equals_the_training_codes_sampler(which, request):
    import comfy.sample
    import comfy.samplers
    import node_helpers
    from comfy_extras.nodes_custom_sampler import Guider_DualCFG

    from elect_tino.embedded.model.text import token_ids
    from elect_tino.embedded.report.editing import editor_of
    from elect_tino.embedded.training.sampling import sample_latents

    model, clip, vae = request.getfixturevalue(which)
    editor = editor_of(model, clip)
    example = load_example(next(iter(index())))
    with torch.inference_mode():
        source = vae.encode(torch.from_numpy(example.source)[None])
        texts = {
            t: clip.encode_from_tokens_scheduled(clip.tokenize(t))
            for t in (example.instruction, "")
        }

        def with_image(text, latent):
            return node_helpers.conditioning_set_values(
                texts[text], {"concat_latent_image": latent}
            )

        guider = Guider_DualCFG(model)
        guider.set_conds(
            with_image(example.instruction, source),
            with_image("", source),
            with_image("", torch.zeros_like(source)),
        )
        guider.set_cfg(3.0, 1.5)
        zeros = torch.zeros_like(source)
        noise = comfy.sample.prepare_noise(zeros, 7)
        euler = comfy.samplers.sampler_object("euler")
        theirs = guider.sample(noise, zeros, euler, editor.objective.sigmas(4), seed=7)
        tokens = torch.tensor([token_ids(example.instruction)])
        ours = sample_latents(editor, source, tokens, [7], 3.0, 1.5, num_steps=4)
    torch.testing.assert_close(theirs, ours, rtol=1e-3, atol=1e-3)


def test_flow_model_is_a_flow_to_comfyui(flow):
    import comfy.model_sampling

    sampling = flow[0].get_model_object("model_sampling")
    assert isinstance(sampling, comfy.model_sampling.CONST)
    assert (float(sampling.sigma_max), sampling.shift) == (1.0, 1.0)
    assert float(sampling.timestep(torch.tensor(0.25))) == 250


def test_flow_estimates_come_nearer_to_the_truth_as_noise_falls(flow):
    """Estimates from the noised truth, each better than those from noisier ones."""
    pytest.importorskip("skimage")
    from elect_tino.embedded.model.text import token_ids
    from elect_tino.embedded.report.editing import editor_of
    from elect_tino.embedded.training.sampling import denoise
    from elect_tino.embedded.world.samples import sample

    model, clip, vae = flow
    editor, edits = editor_of(model, clip), [sample("test", i) for i in range(8)]
    tokens = torch.tensor([token_ids(edit.instruction) for edit in edits])
    generator = torch.Generator().manual_seed(0)
    with torch.inference_mode():
        source, target = (
            vae.encode(torch.stack([torch.from_numpy(getattr(edit, of)) for edit in edits]))
            for of in ("source", "target")
        )
        truth = editor.normalise(target)
        noise = torch.randn(truth.shape, generator=generator)
        errors = []
        for level in (1.0, 0.75, 0.5, 0.25, 0.05):
            x, sigma = (1 - level) * truth + level * noise, torch.tensor(level)
            estimate = denoise(editor, x, sigma, source, tokens, 1.0, 1.0)
            errors.append(float((estimate - truth).square().mean()))
    unedited = float((editor.normalise(source) - truth).square().mean())
    assert errors == sorted(errors, reverse=True)
    assert errors[0] < 2 * unedited
    assert errors[-1] < 0.25 * unedited


def test_lora_changes_the_edit_and_can_be_taken_off(loaded):
    import comfy.sd

    model, clip, _ = loaded
    key = "lora_unet_output_blocks_0_1_transformer_blocks_0_attn2_to_v"
    width = model.model.diffusion_model.output_blocks[0][1].transformer_blocks[0].attn2.to_v
    rows, columns = width.weight.shape
    torch.manual_seed(0)
    lora = {
        f"{key}.lora_up.weight": torch.randn(rows, 2),
        f"{key}.lora_down.weight": torch.randn(2, columns),
    }
    plain = run_ksampler(model, loaded)
    patched, _ = comfy.sd.load_lora_for_models(model, clip, lora, 1.0, 1.0)
    assert (run_ksampler(patched, loaded) - plain).abs().max() > 1e-3
    torch.testing.assert_close(run_ksampler(model, loaded), plain)


def test_diffusers_and_text_lora_keys_are_known(loaded):
    import comfy.lora

    model, clip, _ = loaded
    unet = comfy.lora.model_lora_keys_unet(model.model, {})
    assert "unet.mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_q" in unet
    text = comfy.lora.model_lora_keys_clip(clip.cond_stage_model, {})
    assert "lora_te_text_model_encoder_layers_0_self_attn_q_proj" in text


@pytest.mark.parametrize(
    ("prompt", "chunks"),
    [("", 1), ("make the (red circle:1.3) blue", 1), ("red " * 60, 3), ("qwerty !?", 1)],
)
def test_clip_encodes(loaded, prompt, chunks):
    encoded = loaded[1].encode(prompt)
    assert encoded.shape == (1, 24 * chunks, 128)
    assert torch.isfinite(encoded).all()


def test_prompt_weight_changes_the_encoding(loaded):
    clip = loaded[1]
    assert not torch.equal(clip.encode("(red:1.5) circle"), clip.encode("red circle"))


def test_textual_inversion_by_name(tmp_path):
    from elect_tino.embedded.model.comfyui import WEIGHTS, load_clip

    save(tmp_path / "mine.safetensors", {"clip_l": torch.randn(2, 128)})
    clip = load_clip(WEIGHTS / "text_encoder.safetensors", str(tmp_path))
    with_embedding = clip.encode("a embedding:mine circle")
    assert not torch.equal(with_embedding, clip.encode("a circle"))


def test_set_last_layer_works(loaded):
    clip = loaded[1].clone()
    clip.clip_layer(-2)
    assert torch.isfinite(clip.encode("red circle")).all()
