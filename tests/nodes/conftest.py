"""A small InstructPix2Pix with random weights in the real ComfyUI, and what a user wires to it.

Random weights on purpose: what these tests claim (seeds, resuming, memory, errors) must hold for
any weights, and a random model is quick to build.
"""

import socket
from types import SimpleNamespace

import pytest
import torch

UNET = {
    "image_size": 32,
    "in_channels": 8,
    "out_channels": 4,
    "model_channels": 32,
    "num_res_blocks": [1, 1],
    "channel_mult": [1, 2],
    "transformer_depth": [0, 1],
    "transformer_depth_output": [0, 0, 1, 1],
    "transformer_depth_middle": 1,
    "context_dim": 16,
    "use_spatial_transformer": True,
    "use_linear_in_transformer": False,
    "legacy": False,
    "adm_in_channels": None,
    "num_heads": 4,
    "num_head_channels": -1,
    "dtype": torch.float32,
}


@pytest.fixture(autouse=True)
def _offline(monkeypatch):
    """No node reaches out: a connection is refused, and fails the test even where it is caught."""
    attempts = []

    def refuse(self, address):
        attempts.append(address)
        raise OSError(f"the tests are offline, and something wanted {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    yield
    assert attempts == []


def random_model(seed: int = 0):
    """A ModelPatcher around a random 8-channel UNet, as CheckpointLoaderSimple would give it."""
    import comfy.model_base
    import comfy.model_management
    import comfy.model_patcher
    import comfy.supported_models

    config = comfy.supported_models.SD15_instructpix2pix(dict(UNET))
    config.set_inference_dtype(torch.float32, None)
    config.custom_operations = None
    model = comfy.model_base.SD15_instructpix2pix(config, device=torch.device("cpu"))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.diffusion_model.parameters():
            scale = (
                parameter.shape[0] ** -0.5 if parameter.ndim == 1 else parameter[0].numel() ** -0.5
            )
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * scale)
    device = comfy.model_management.get_torch_device()
    return comfy.model_patcher.ModelPatcher(model.eval(), device, torch.device("cpu"))


def conditioning(seed: int, source: torch.Tensor | None = None) -> list:
    """A CONDITIONING of random text features, with the source picture where given."""
    features = torch.randn(1, 7, 16, generator=torch.Generator().manual_seed(seed))
    extra = {} if source is None else {"concat_latent_image": source}
    return [[features, extra]]


@pytest.fixture(scope="session")
def scene():
    """Model, conditionings, LATENT and SIGMAS of one edit at 80x64 pixels."""
    import comfy.samplers

    model = random_model()
    source = torch.randn(1, 4, 10, 8, generator=torch.Generator().manual_seed(5))
    sampling = model.get_model_object("model_sampling")
    return SimpleNamespace(
        model=model,
        source=source,
        text=conditioning(1, source),
        image=conditioning(2, source),
        empty=conditioning(2),
        latent={"samples": torch.zeros_like(source)},
        sigmas=comfy.samplers.calculate_sigmas(sampling, "normal", 8),
        sigmas20=comfy.samplers.calculate_sigmas(sampling, "normal", 20),
    )


@pytest.fixture(scope="session")
def guiders(scene):
    """Every guider ComfyUI has, and a third-party one, by name."""
    import comfy.samplers
    from comfy_extras.nodes_custom_sampler import Guider_Basic, Guider_DualCFG
    from comfy_extras.nodes_perpneg import Guider_PerpNeg

    class ThirdParty(comfy.samplers.CFGGuider):
        """Guides half as much at low noise."""

        def predict_noise(self, x, timestep, model_options=None, seed=None):
            full = self.cfg
            self.cfg = full if float(timestep[0]) > 1 else full / 2
            out = super().predict_noise(x, timestep, model_options or {}, seed)
            self.cfg = full
            return out

    def made(kind, conds: tuple, cfg: tuple):
        guider = kind(scene.model)
        guider.set_conds(*conds)
        if cfg:
            guider.set_cfg(*cfg)
        return guider

    text, image, empty = scene.text, scene.image, scene.empty
    return {
        "basic": made(Guider_Basic, (text,), ()),
        "cfg": made(comfy.samplers.CFGGuider, (text, image), (4.0,)),
        "cfg gentle": made(comfy.samplers.CFGGuider, (text, image), (0.8,)),
        "cfg1": made(comfy.samplers.CFGGuider, (text, image), (1.0,)),
        "dual": made(Guider_DualCFG, (text, image, empty), (3.0, 1.5)),
        "dual nested": made(Guider_DualCFG, (text, image, empty), (3.0, 1.5, True)),
        "perpneg": made(Guider_PerpNeg, (text, empty, image), (3.0, 1.0)),
        "third party": made(ThirdParty, (text, image), (4.0,)),
    }


def of_host(node, *given):
    """What a node of ComfyUI puts out, written in its newer form or in its older one."""
    run = node.execute if hasattr(node, "execute") else getattr(node(), node.FUNCTION)
    out = run(*given)
    return getattr(out, "args", out)


def of_newer_host(module: str, name: str):
    """What a module of ComfyUI has under a name; skips the test where it is too old for that."""
    found = getattr(pytest.importorskip(module), name, None)
    return found if found is not None else pytest.skip(f"this ComfyUI has no {module}.{name}")


@pytest.fixture(scope="session")
def stock():
    """SamplerCustomAdvanced for one seed: the truth that candidates are held to."""
    import comfy.samplers
    from comfy_extras.nodes_custom_sampler import Noise_RandomNoise, SamplerCustomAdvanced

    def sample(guider, sampler, sigmas, latent, seed):
        if isinstance(sampler, str):
            sampler = comfy.samplers.sampler_object(sampler)
        noise = Noise_RandomNoise(seed)
        with torch.inference_mode():
            # A copy: uni_pc writes its last level into the tensor it is given.
            given = (noise, guider, sampler, sigmas.clone(), latent)
            out = of_host(SamplerCustomAdvanced, *given)
        return out[0]["samples"], out[1]["samples"]

    return sample


@pytest.fixture(scope="session")
def elect():
    """The nodes' own `execute` methods, in inference mode as ComfyUI runs them."""
    import comfy.samplers

    from elect_tino.nodes.elect import estimate, partial, relevance, resume, select

    def run_partial(guider, sampler, sigmas, latent, **given):
        if isinstance(sampler, str):
            sampler = comfy.samplers.sampler_object(sampler)
        options = {
            "first_seed": 3,
            "num_candidates": 3,
            "stop": 0.4,
            "relevance_window": 0.25,
            "candidates_per_batch": 0,
        }
        run = partial.MultiSeedPartialSampler.execute
        return run(guider, sampler, sigmas, latent, **{**options, **given})[0]

    def select_one(found, **given):
        options = {"space": "latent", "minimum_edit": 0, "pick": 0, "top_k": 1, "csv_prefix": ""}
        return select.BISSelect.execute(found, **{**options, **given})

    nodes = SimpleNamespace(
        partial=run_partial,
        resume=lambda found: resume.ResumeDenoise.execute(found),
        estimate=lambda found, step=0: estimate.TweedieEstimate.execute(found, step)[0],
        relevance=lambda found, start=0.0, end=0.25, form="paper", image=None: (
            relevance.RelevanceMapAggregate.execute(found, start, end, form, image)
        ),
        select=select_one,
    )
    return SimpleNamespace(
        **{name: torch.inference_mode()(node) for name, node in vars(nodes).items()}
    )
