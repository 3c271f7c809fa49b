"""TiNOOptimize on a small random model in the real ComfyUI, in inference mode as users run it."""

import copy
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.testing import assert_close

from ..conftest import UNET, random_model

LATENT_CLIP = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "projection_dim": 16,
    "num_channels": 4,
    "image_size": 16,
    "patch_size": 4,
    "hidden_act": "quick_gelu",
}
OPTIONS = {
    "cfg": 1.0,
    "num_steps": 3,
    "strength": 0.7,
    "iterations": 4,
    "seed": 11,
    "lr_timesteps": 1.0,
    "lr_noise": 0.05,
    "weight_decay": 0.0,
    "semantic_weight": 1.0,
    "perceptual_weight": 0.5,
    "reference_weight": 1.0,
}


def pooled(seed: int) -> list:
    """A CONDITIONING of random text features with a pooled one."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(1, 7, 16, generator=generator)
    return [[features, {"pooled_output": torch.randn(1, 24, generator=generator)}]]


@pytest.fixture(scope="module")
def latent_clip():
    from elect_tino.nodes.tino.latent_models import FeatureModel, managed
    from elect_tino.tino_core.latent_clip import LatentCLIP

    torch.manual_seed(0)
    model = LatentCLIP(LATENT_CLIP, "SD15").eval()
    return FeatureModel("test", "SD15", (managed(model),), model)


@pytest.fixture(scope="module")
def world(latent_clip):
    """What the node is wired to: 80x64 pixels, an edit of the middle."""
    with torch.inference_mode():
        model = random_model()
        source = torch.randn(1, 4, 10, 8, generator=torch.Generator().manual_seed(5))
        mask = torch.zeros(1, 80, 64)
        mask[:, 16:56, 16:48] = 1
        return SimpleNamespace(
            model=model,
            source={"samples": source},
            mask=mask,
            positive=pooled(1),
            negative=pooled(2),
            texts={"source_text": pooled(3), "target_text": pooled(4)},
            latent_clip=latent_clip,
        )


@pytest.fixture
def optimize(world):
    """The node's `execute` with this file's defaults."""
    from elect_tino.nodes.tino.optimise import TiNOOptimize

    TiNOOptimize.hidden = SimpleNamespace(unique_id=None)

    @torch.inference_mode()
    def run(**given):
        wired = {
            "model": world.model,
            "positive": world.positive,
            "source": world.source,
            "mask": world.mask,
            "latent_clip": world.latent_clip,
            **world.texts,
        }
        out = TiNOOptimize.execute(**{**OPTIONS, **wired, **given})
        latent, noise, text, curve, sigmas = out.args
        return SimpleNamespace(
            latent=latent["samples"], noise=noise, text=text, curve=curve, sigmas=sigmas
        )

    return run


def ksampler(model, positive, seed: int = 3):
    """What an ordinary KSampler gives."""
    import comfy.sample

    latent = torch.zeros(1, 4, 10, 8)
    noise = comfy.sample.prepare_noise(latent, seed)
    with torch.inference_mode():
        return comfy.sample.sample(
            model, noise, 4, 1.0, "euler", "normal", positive, positive, latent, seed=seed
        )


@torch.no_grad()
def naive_image_to_image(model, positive, source, mask, noise, timesteps):
    """W = 0 written out with the model's own functions: DDIM, clean source pasted each step."""
    base, sampling = model.model, model.get_model_object("model_sampling")
    source = base.process_latent_in(source)
    sigmas = [float(sampling.sigma(torch.tensor(t))) for t in timesteps]  # falling
    alphas = [1 / (1 + sigma**2) for sigma in sigmas]
    x = alphas[0] ** 0.5 * source + (1 - alphas[0]) ** 0.5 * noise
    x = x * mask + source * (1 - mask)
    for index, (sigma, alpha) in enumerate(zip(sigmas, alphas, strict=True)):
        exploding = x / alpha**0.5
        zeros = torch.zeros_like(source)
        denoised = base.apply_model(
            exploding, torch.tensor([sigma]), c_concat=zeros, c_crossattn=positive[0][0]
        )
        eps = (exploding - denoised) / sigma
        following = alphas[index + 1] if index + 1 < len(alphas) else 1.0
        x = following**0.5 * denoised + (1 - following) ** 0.5 * eps
        x = x * mask + source * (1 - mask)
    return base.process_latent_out(x)


def cells(mask: torch.Tensor) -> torch.Tensor:
    return mask[:, ::8, ::8][:, None]


def test_no_iterations_equal_blended_image_to_image(optimize, world):
    import comfy.sample

    found = optimize(iterations=0)
    noise = comfy.sample.prepare_noise(world.source["samples"], OPTIONS["seed"])
    steps = [0.7 * 1000 * k / 3 for k in (3, 2, 1)]
    expected = naive_image_to_image(
        world.model, world.positive, world.source["samples"], cells(world.mask), noise, steps
    )
    assert_close(found.latent, expected, atol=1e-4, rtol=1e-4)


def test_gradients_reach_noise_and_timesteps_despite_inference_mode(optimize, world):
    plain, found = optimize(iterations=0), optimize(iterations=8)
    assert not torch.equal(found.noise.noise, plain.noise.noise)
    assert not torch.equal(found.sigmas, plain.sigmas)
    first, last = (
        float(part) for part in found.text.split("loss ")[1].split("\n")[0].split(" -> ")
    )
    assert last < first
    assert not found.latent.requires_grad


def test_the_timestep_gradient_is_that_of_the_model(world):
    """Autograd through the host's schedule and UNet against central differences, in float64."""
    from elect_tino.nodes.host.tino.continuous import DiscreteScale, sigma_at, timestep_at
    from elect_tino.nodes.host.tino.gradients import with_gradients

    sampling = DiscreteScale(world.model.model.model_sampling).continuous()
    with with_gradients([world.model.model]):
        logs = sampling.log_sigmas.double()
        network = copy.deepcopy(world.model.model.diffusion_model).double()
        network.dtype = torch.float64
        generator = torch.Generator().manual_seed(1)
        x = torch.randn(1, 8, 10, 8, generator=generator).double()
        context = torch.randn(1, 7, 16, generator=generator).double()
        sampling.log_sigmas = logs

        def out(t):
            moment = sampling.timestep(sigma_at(logs, t))
            return (network(x, moment, context=context) * x[:, :4]).sum()

        t = torch.tensor([431.3], dtype=torch.float64, requires_grad=True)
        out(t).backward()
        with torch.no_grad():
            slope = (out(t + 0.02) - out(t - 0.02)).item() / 0.04
        assert_close(timestep_at(logs, sigma_at(logs, t.detach())), t.detach(), atol=1e-6, rtol=0)
    assert t.grad is not None
    assert t.grad.item() == pytest.approx(slope, rel=0.02)


def test_the_model_is_unmodified_afterwards(optimize, world):
    before = ksampler(world.model, world.positive)
    base = world.model.model
    tensors = {name: id(p) for name, p in base.named_parameters()}
    optimize()
    assert {name: id(p) for name, p in base.named_parameters()} == tensors
    assert not any("forward" in vars(module) for module in base.modules())
    assert torch.equal(ksampler(world.model, world.positive), before)
    assert type(base.model_sampling).__name__ == "ModelSampling"


def test_an_error_halfway_leaves_the_model_unmodified(optimize, world, monkeypatch):
    from elect_tino.nodes.tino import optimise as tino

    class Cancelled(Exception):
        pass

    class Cancelling:
        def __init__(self, *_):
            self.note = ""

        def __call__(self, *_):
            raise Cancelled

        def on_try(self, number):
            pass

        def finish(self, latent):
            pass

    before = ksampler(world.model, world.positive)
    monkeypatch.setattr(tino, "IterationProgress", Cancelling)
    with pytest.raises(Cancelled):
        optimize()
    assert not any("forward" in vars(module) for module in world.model.model.modules())
    assert torch.equal(ksampler(world.model, world.positive), before)


def test_nothing_changes_outside_the_mask(optimize, world):
    found, outside = optimize(), 1 - cells(world.mask)
    assert_close(found.latent * outside, world.source["samples"] * outside)
    changed = (found.latent - world.source["samples"]).abs() * cells(world.mask)
    assert changed.max() > 0.1


def test_the_start_is_noised_in_place_of_the_source(optimize, world):
    start = {"samples": world.source["samples"] + 2 * cells(world.mask)}
    outside = 1 - cells(world.mask)
    plain, other = optimize(iterations=0), optimize(iterations=0, start=start)
    assert not torch.allclose(plain.latent, other.latent)
    assert_close(other.latent * outside, world.source["samples"] * outside)


def test_same_seed_same_result(optimize):
    assert torch.equal(optimize().latent, optimize().latent)
    assert not torch.equal(optimize().latent, optimize(seed=12).latent)


def lora(model, strength: float):
    """The MODEL with a LoRA on its attention and convolutions, as LoraLoader makes it."""
    generator = torch.Generator().manual_seed(2)
    patched = model.clone()
    with torch.inference_mode():
        for key, weight in model.model.state_dict().items():
            if not key.startswith("diffusion_model") or weight.ndim < 2:
                continue
            flat = weight.flatten(1)
            up = torch.randn(len(flat), 2, generator=generator)
            down = torch.randn(2, flat.shape[1], generator=generator)
            change = (up @ down / flat.shape[1] ** 0.5).reshape(weight.shape)
            patched.add_patches({key: ("diff", (change,))}, strength)
    return patched


def test_a_lora_counts_and_is_gone_afterwards(optimize, world):
    before = ksampler(world.model, world.positive)
    plain, patched = optimize().latent, optimize(model=lora(world.model, 0.1)).latent
    assert not torch.allclose(plain, patched)
    assert torch.equal(ksampler(world.model, world.positive), before)
    assert torch.equal(optimize().latent, plain)


def controlled(positive):
    """The CONDITIONING with a random ControlNet of the same make as the model."""
    import comfy.cldm.cldm
    import comfy.controlnet
    import comfy.ops

    names = ("num_res_blocks", "channel_mult", "transformer_depth", "transformer_depth_middle")
    shared = {name: UNET[name] for name in (*names, "context_dim", "num_heads", "model_channels")}
    network = comfy.cldm.cldm.ControlNet(
        image_size=32,
        in_channels=4,
        hint_channels=3,
        use_spatial_transformer=True,
        legacy=False,
        operations=comfy.ops.disable_weight_init,
        **copy.deepcopy(shared),
    )
    generator = torch.Generator().manual_seed(6)
    for parameter in network.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.05)
    control = comfy.controlnet.ControlNet(network, load_device=torch.device("cpu"))
    control.set_cond_hint(torch.rand(1, 3, 80, 64, generator=generator), 1.0, (0.0, 1.0))
    return [[positive[0][0], {"control": control, "control_apply_to_uncond": True}]]


def test_a_controlnet_counts_and_lets_gradients_through(optimize, world):
    with torch.inference_mode():
        positive = controlled(world.positive)
    plain, start = optimize(), optimize(positive=positive, iterations=0)
    found = optimize(positive=positive)
    assert not torch.allclose(found.latent, plain.latent)
    assert not torch.equal(found.noise.noise, start.noise.noise)


def gradient(model, **options):
    """Gradient of the UNet's output to x, and the bytes that autograd kept for it."""
    from elect_tino.nodes.host.tino.gradients import with_gradients

    network = model.model.diffusion_model
    kept: dict[int, int] = {}

    def count(tensor):
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with with_gradients([network], **options):
        generator = torch.Generator().manual_seed(3)
        x = torch.randn(1, 8, 10, 8, generator=generator).requires_grad_()
        context = torch.randn(1, 7, 16, generator=generator)
        with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
            out = network(x, torch.tensor([500.0]), context=context).square().sum()
        held = sum(kept.values())
        out.backward()
    return x.grad, held


def cast_on_the_fly(model):
    """Make every layer copy its weights in every call, as low VRAM and other dtypes do."""
    for module in model.model.modules():
        if hasattr(module, "comfy_cast_weights"):
            module.comfy_cast_weights = True
            module.weight_function = [lambda weight: weight + 0]
    return model


def test_layers_that_cast_their_weights_keep_no_copies(world):
    size = sum(p.nbytes for p in world.model.model.diffusion_model.parameters())
    with torch.inference_mode():
        casting = cast_on_the_fly(random_model())
    expected, held = gradient(world.model)
    found, held_casting = gradient(casting)
    assert_close(found, expected)
    # The plain model keeps references to the one set of weights; cast ones would be a second.
    assert held > size / 2
    assert held_casting < held - size / 2


def test_blocks_run_again_keep_less_and_give_the_same_gradient(world):
    expected, held = gradient(world.model)
    found, held_blocks = gradient(world.model, blocks=True)
    assert_close(found, expected)
    assert held_blocks < 0.7 * held


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_weights_with_float32_optimisation(optimize, world, dtype):
    with torch.inference_mode():
        half = random_model()
        half.model.diffusion_model.to(dtype)
        half.model.diffusion_model.dtype = dtype
        half.model.manual_cast_dtype = torch.float32
        cast_on_the_fly(half)
    found, full = optimize(model=half), optimize()
    assert found.noise.noise.dtype == torch.float32
    assert (found.latent - full.latent).abs().mean() < 0.2 * full.latent.abs().mean()


def test_loss_is_scaled_where_the_model_computes_in_float16():
    from elect_tino.nodes.host.tino.memory import compute_dtype

    def patcher(manual, own):
        return SimpleNamespace(
            model=SimpleNamespace(manual_cast_dtype=manual, get_dtype=lambda: own)
        )

    assert compute_dtype(patcher(None, torch.float16)) == torch.float16
    assert compute_dtype(patcher(torch.float32, torch.float16)) == torch.float32


def test_the_result_can_be_the_last_or_all(optimize):
    every = optimize(result="all")
    assert len(every.latent) == OPTIONS["iterations"] + 1
    assert_close(optimize(result="last").latent, every.latent[-1:])
    assert any(torch.equal(optimize().latent[0], one) for one in every.latent)


def test_noise_and_sigmas_go_to_other_nodes(optimize, world):
    found = optimize()
    assert torch.equal(found.noise.generate_noise(world.source), found.noise.noise)
    with pytest.raises(ValueError, match="noise: it was optimised for"):
        found.noise.generate_noise({"samples": torch.zeros(1, 4, 4, 4)})
    assert len(found.sigmas) == OPTIONS["num_steps"] + 1
    assert (found.sigmas.diff() < 0).all()
    assert found.sigmas[-1] == 0
    assert "timesteps of 0..999: " in found.text
    assert found.curve.shape[-1] == 3
    assert found.curve.max() <= 1


def test_guidance_runs_the_negative(optimize, world):
    guided = optimize(cfg=3.0, negative=world.negative).latent
    assert not torch.allclose(guided, optimize().latent)
    with pytest.raises(ValueError, match="negative: cfg other than 1"):
        optimize(cfg=3.0)


def test_a_reference_of_another_size_is_resized_and_said_so(optimize, world, caplog):
    reference = {"samples": torch.randn(1, 4, 16, 16)}
    optimize(reference=reference)
    assert "reference has another size" in caplog.text
    with pytest.raises(ValueError, match="reference: expected a latent"):
        optimize(reference={"samples": torch.randn(1, 16, 16, 16)})


def test_images_of_a_batch_do_not_touch_each_other(world):
    from elect_tino.nodes.host.tino.edit import BareLoss, Edit
    from elect_tino.nodes.host.tino.optimising import Watch, run
    from elect_tino.tino_core.settings import Settings

    generator = torch.Generator().manual_seed(8)
    sources = torch.randn(2, 4, 10, 8, generator=generator)
    noise = torch.randn(2, 4, 10, 8, generator=generator)
    settings = Settings(num_steps=2, iterations=3, lr_noise=0.05)

    @torch.inference_mode()
    def results(rows):
        def away(source):
            return lambda x0: -(x0 - source).square().mean((1, 2, 3))

        edit = Edit(
            world.model,
            world.positive,
            None,
            1.0,
            {"samples": sources[rows]},
            None,
            cells(world.mask),
            noise[rows],
            BareLoss(away),
        )
        latent, found = run(edit, settings, Watch())
        return latent, found.optimised

    together, found = results([0, 1])
    for row in (0, 1):
        alone, own = results([row])
        assert_close(together[row : row + 1], alone, atol=1e-3, rtol=1e-3)
        assert_close(found.trajectory[:, row], own.trajectory[:, 0], atol=1e-2, rtol=0)


def as_flow(model, shift: float = 1.0):
    """The model taken for one of rectified flow."""
    from comfy.model_sampling import CONST, ModelSamplingDiscreteFlow

    class Flow(ModelSamplingDiscreteFlow, CONST):
        pass

    sampling, flow = Flow(model.model.model_config), model.clone()
    sampling.set_parameters(shift=shift)
    flow.add_object_patch("model_sampling", sampling)
    return flow


def test_a_flow_model_without_updates_is_eulers_run(optimize, world):
    """Everything edited, full noise: what ComfyUI's own sampler gives at the same noise levels."""
    import comfy.sample
    import comfy.samplers

    model = as_flow(world.model, 3.0)
    whole = torch.ones(1, 80, 64)
    found = optimize(model=model, iterations=0, mask=whole, strength=1.0)
    noise = comfy.sample.prepare_noise(world.source["samples"], OPTIONS["seed"])
    assert_close(found.sigmas, torch.tensor([1.0, 6 / 7, 0.6, 0.0]))
    with torch.inference_mode():
        expected = comfy.sample.sample_custom(
            model,
            noise,
            1.0,
            comfy.samplers.sampler_object("euler"),
            found.sigmas,
            world.positive,
            world.positive,
            world.source["samples"],
            disable_pbar=True,
        )
    assert_close(found.latent, expected, atol=1e-3, rtol=1e-3)


def test_a_flow_model_is_optimised(optimize, world):
    model = as_flow(world.model)
    plain, found = optimize(model=model, iterations=0), optimize(model=model, iterations=3)
    assert not torch.equal(found.noise.noise, plain.noise.noise)
    assert "timesteps of 0..1000: " in found.text


def test_the_best_of_several_first_noises_goes_on(optimize):
    """Each try is the run of its own seed; the text says which one was elected."""
    found = optimize(iterations=0, tries=3)
    alone = [optimize(iterations=0, seed=OPTIONS["seed"] + number) for number in range(3)]
    (elected,) = (n for n, one in enumerate(alone) if torch.equal(one.latent, found.latent))
    assert f"try {elected + 1} of 3 elected (seed + {elected})" in found.text
    assert "untouched source semantic" in found.text


def test_a_preset_sets_the_papers_numbers(optimize):
    set_by_hand = {"iterations": 50, "lr_noise": 0.005, "tries": 1, "smoothing": 0}
    expected = optimize(**set_by_hand, num_steps=1)
    assert_close(optimize(preset="paper", tries=5, num_steps=1).latent, expected.latent)


NUM_REFUSALS = 21  # counted apart: the table itself needs ComfyUI, which is imported late


def refusals() -> dict[str, tuple[Any, str]]:
    """Inputs to change -> the message that names them."""
    from comfy.model_sampling import EDM, ModelSamplingContinuousEDM

    from elect_tino.nodes.tino.latent_models import FeatureModel

    def edm(world):
        class Continuous(ModelSamplingContinuousEDM, EDM):
            pass

        model = world.model.clone()
        model.add_object_patch("model_sampling", Continuous(world.model.model.model_config))
        return {"model": model}

    def quantised(world):
        with torch.inference_mode():
            model = random_model()
            layer = model.model.diffusion_model.out[2]
            layer.weight = torch.nn.Parameter(layer.weight.to(torch.int8), requires_grad=False)
        return {"model": model}

    def other_space(world):
        wrong = FeatureModel("x.safetensors", "SDXL", world.latent_clip.patchers, None)
        return {"latent_clip": wrong}

    texts = {"source_text": None, "target_text": None}
    return {
        "EDM model": (edm, "model: expected one that predicts noise or v"),
        "quantised": (quantised, "model: its weights are quantised .* int8"),
        "other space": (other_space, "x.safetensors: it was trained on latents of SDXL"),
        "no LatentCLIP": ({"latent_clip": None}, "latent_clip: .*docs/latent_models.md.*PixelCLIP"),
        "nothing to optimise": (
            {"latent_clip": None, **texts},
            "latent_clip: there is nothing to optimise",
        ),
        "weights all 0": ({"semantic_weight": 0.0}, "there is nothing to optimise"),
        "one text only": ({"source_text": None}, "source_text: the semantic loss compares two"),
        "prompt without clip": (
            {**texts, "source_prompt": "a cat", "target_prompt": "a dog"},
            "clip: connect the CLIP",
        ),
        "one prompt only": ({**texts, "source_prompt": "a cat"}, "target_prompt: it is empty"),
        "no pooled feature": (
            {"source_text": [[torch.zeros(1, 7, 16), {}]]},
            "source_text: this conditioning carries no pooled",
        ),
        "equal texts": (
            lambda world: {"target_text": world.texts["source_text"]},
            "target_prompt: it says the same",
        ),
        "aiming with texts of no known space": (
            {"text_loss": "towards the target"},
            "text_loss: towards the target compares .* source_text and target_text do not say",
        ),
        "empty mask": ({"mask": torch.zeros(1, 80, 64)}, "mask: it is empty"),
        "mask beyond 1": ({"mask": torch.full((1, 80, 64), 2.0)}, "mask: expected values from 0"),
        "mask of another shape": ({"mask": torch.ones(1, 64, 128)}, "mask: expected one mask"),
        "empty source": (
            {"source": {"samples": torch.zeros(1, 4, 10, 8)}},
            "source: the latent is empty",
        ),
        "source of another model": (
            {"source": {"samples": torch.ones(1, 16, 10, 8)}},
            "source: it has 16 channels",
        ),
        "start of another size": (
            {"start": {"samples": torch.ones(1, 4, 8, 8)}},
            "start: expected the size",
        ),
        "num_steps": ({"num_steps": 0}, "num_steps: expected 1 or more, got 0"),
        "strength": ({"strength": 1.5}, "strength: expected above 0 and up to 1, got 1.5"),
        "iterations": ({"iterations": -1}, "iterations: expected 0 or more, got -1"),
    }


@pytest.mark.parametrize("case", range(NUM_REFUSALS))
def test_bad_input_is_refused_by_name(case, optimize, world):
    given, message = list(refusals().values())[case]
    with torch.inference_mode():
        changes: Any = given(world) if callable(given) else given
    with pytest.raises(ValueError, match=message):
        optimize(**changes)


def test_every_refusal_is_tried():
    assert len(refusals()) == NUM_REFUSALS


def test_hooks_that_change_weights_are_refused(optimize, world):
    hooked = [[world.positive[0][0], {"hooks": object()}]]
    with pytest.raises(ValueError, match="positive: it carries hooks"):
        optimize(positive=hooked)


def test_too_little_memory_is_said_before_the_first_step(optimize, world, monkeypatch):
    import comfy.model_management

    calls = []
    monkeypatch.setattr(
        world.model.model.diffusion_model, "forward", lambda *a, **k: calls.append(1)
    )
    monkeypatch.setattr(comfy.model_management, "get_free_memory", lambda *a, **k: 1000)
    with pytest.raises(ValueError, match=r"source: its gradients need about .* GB beside"):
        optimize()
    assert not calls


def test_blocks_are_run_again_where_memory_is_short(optimize, world, monkeypatch):
    """The result is the same, and the blocks are back to normal."""
    import comfy.model_management

    expected = optimize().latent
    size = world.model.model_size() + world.latent_clip.patchers[0].model_size()
    monkeypatch.setattr(comfy.model_management, "get_total_memory", lambda *a, **k: size)
    monkeypatch.setattr(comfy.model_management, "get_free_memory", lambda *a, **k: 2**30)
    assert_close(optimize().latent, expected, atol=1e-4, rtol=1e-4)


def test_a_loss_that_is_no_number_gives_the_best_so_far(optimize, world):
    from elect_tino.nodes.tino.latent_models import FeatureModel

    calls = []

    def features(latent):
        calls.append(1)
        good = latent.flatten(1)[:, :16]
        return good * float("nan") if len(calls) > 6 else good  # the guard calls twice

    broken = FeatureModel("test", "SD15", (), features)
    found = optimize(latent_clip=broken)
    assert "The loss was no number at iteration 3" in found.text
    assert found.latent.isfinite().all()


def test_pixel_clip_stands_in_for_latent_clip(optimize, world):
    """Through ComfyUI's own VAE and CLIP vision classes; gradients reach the noise."""
    import comfy.clip_vision

    from elect_tino.embedded.model.comfyui import load_embedded
    from elect_tino.nodes.tino.latent_models import PixelCLIP

    with torch.inference_mode():
        vae = load_embedded()[2]
        clip_vision = tiny_clip_vision(comfy.clip_vision)
        pixel = PixelCLIP.execute(world.model, vae, clip_vision).args[0]
    plain, found = optimize(iterations=0), optimize(latent_clip=pixel, iterations=2)
    assert not torch.equal(found.noise.noise, plain.noise.noise)
    assert found.latent.isfinite().all()


def tiny_clip_vision(clip_vision):
    import json
    import tempfile
    from pathlib import Path

    config = {
        "attention_dropout": 0.0,
        "hidden_act": "quick_gelu",
        "hidden_size": 32,
        "image_size": 32,
        "intermediate_size": 64,
        "layer_norm_eps": 1e-5,
        "model_type": "clip_vision_model",
        "num_attention_heads": 2,
        "num_channels": 3,
        "num_hidden_layers": 3,
        "patch_size": 8,
        "projection_dim": 16,
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.json"
        path.write_text(json.dumps(config))
        model = clip_vision.ClipVisionModel(str(path))
    generator = torch.Generator().manual_seed(4)
    for parameter in model.model.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.05)
    return model
