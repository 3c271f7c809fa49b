"""Nodes of newer hosts that hang on a MODEL: candidates stay what their seeds give alone."""

import copy
import importlib

import pytest
import torch

from ..conftest import random_model
from ..reference_families import FAMILIES, edit

pytestmark = pytest.mark.comfy


def host_node(module: str, name: str):
    """A node class of the running ComfyUI; skips, saying so, where it has none."""
    try:
        found = getattr(importlib.import_module(f"comfy_extras.{module}"), name, None)
    except ImportError:
        found = None
    if found is None:
        pytest.skip(f"this ComfyUI has no {name} in {module}")
    return found


def on_model(guider, model):
    """The guider on another MODEL, its conditionings and cfg as they are."""
    other = copy.copy(guider)
    other.model_patcher, other.model_options = model, model.model_options
    return other


@pytest.fixture(scope="module")
def cached(tmp_path_factory):
    """An edit with FLUX.2 klein whose MODEL went through the host's Flux KV Cache."""
    node = host_node("nodes_flux", "FluxKVCache")
    case = edit(FAMILIES["flux2_klein"], tmp_path_factory.mktemp("klein"))
    return case, on_model(case.guider, node.execute(case.model)[0])


def test_flux_kv_cache_changes_what_the_model_says(cached, stock):
    case, guider = cached
    plain, _ = stock(case.guider, "euler", case.sigmas, case.latent, 4)
    kept, _ = stock(guider, "euler", case.sigmas, case.latent, 4)
    assert (plain - kept).abs().max() > 1e-3


def test_flux_kv_cache_candidates_are_finished_as_their_seeds_alone(cached, stock, elect):
    case, guider = cached
    found = elect.partial(guider, "euler", case.sigmas, case.latent, **case.given)
    out = elect.resume(found)
    for row, seed in enumerate(found.seeds):
        expected, _ = stock(guider, "euler", case.sigmas, case.latent, seed)
        assert torch.equal(out[0]["samples"][row : row + 1], expected)
    assert "Flux KV Cache (KV_Attn_Input), which may remember" in out.ui["text"][0]


def test_flux_kv_cache_estimates_are_those_of_the_seed_alone(cached, elect):
    """Also beside the empty text of the relevance window, which the cache sees as well."""
    case, guider = cached
    found = elect.partial(guider, "euler", case.sigmas, case.latent, **case.given)
    alone = elect.partial(guider, "euler", case.sigmas, case.latent, seeds="4")
    assert torch.equal(found.estimates()[1:2], alone.estimates())


@pytest.fixture
def two_devices(monkeypatch):
    """A second device of the only kind that every machine has."""
    import comfy.model_management

    host_node("nodes_multigpu", "MultiGPUCFGSplitNode")
    devices = [torch.device("cpu"), torch.device("cpu", 1)]
    monkeypatch.setattr(
        comfy.model_management, "get_all_torch_devices", lambda exclude_current=False: devices
    )


def split(scene):
    """The scene's MODEL through the host's MultiGPU CFG Split."""
    node = host_node("nodes_multigpu", "MultiGPUCFGSplitNode")
    model = scene.model.clone()
    model.cached_patcher_init = (random_model, ())
    return node.execute(model, 2)[0]


@pytest.mark.parametrize("name", ["euler", "dpmpp_2m"])
def test_multigpu_cfg_split_runs_and_resumes_as_the_seed_alone(
    name, scene, guiders, stock, elect, two_devices, monkeypatch
):
    import comfy.samplers

    split_calls, whole = [], comfy.samplers._calc_cond_batch_multigpu
    monkeypatch.setattr(
        comfy.samplers,
        "_calc_cond_batch_multigpu",
        lambda *args: split_calls.append(args) or whole(*args),
    )
    guider = on_model(guiders["dual"], split(scene))
    expected, _ = stock(guider, name, scene.sigmas, scene.latent, 4)
    found = elect.partial(guider, name, scene.sigmas, scene.latent, candidates_per_batch=1)
    assert torch.equal(elect.resume(found.rows([1]))[0]["samples"], expected)
    assert len(split_calls) == 8 + 3 * 3 + 5  # as it is run alone, to the stop, from there
    together = elect.partial(guider, name, scene.sigmas, scene.latent, candidates_per_batch=3)
    torch.testing.assert_close(together.estimates(), found.estimates(), atol=1e-4, rtol=1e-4)


def test_multigpu_cfg_split_with_one_device_is_no_split(scene, guiders, stock, elect):
    guider = on_model(guiders["dual"], split(scene))
    expected, _ = stock(guiders["dual"], "euler", scene.sigmas, scene.latent, 4)
    found = elect.partial(guider, "euler", scene.sigmas, scene.latent, candidates_per_batch=1)
    assert torch.equal(elect.resume(found.rows([1]))[0]["samples"], expected)


@pytest.mark.parametrize("device", ["default", "cpu", "gpu:7"])
def test_select_model_device_changes_no_candidate(device, scene, guiders, stock, elect):
    node = host_node("nodes_multigpu", "SelectModelDeviceNode")
    guider = on_model(guiders["dual"], node.execute(scene.model, device)[0])
    expected, _ = stock(guiders["dual"], "euler", scene.sigmas, scene.latent, 4)
    found = elect.partial(guider, "euler", scene.sigmas, scene.latent, candidates_per_batch=1)
    assert torch.equal(elect.resume(found.rows([1]))[0]["samples"], expected)


@pytest.mark.parametrize("device", ["auto", "off"])
def test_settings_of_qwen_image_21s_cache_keep_candidates_side_by_side(
    device, scene, guiders, stock, elect
):
    """What *QwenImage21Cache* puts on a MODEL; the model that reads it is newer."""
    model = scene.model.clone()
    settings = {"device": device, "dtype": "default"}
    model.model_options["transformer_options"]["qwen_image21_cache"] = settings
    guider = on_model(guiders["dual"], model)
    expected, _ = stock(guider, "euler", scene.sigmas, scene.latent, 4)
    found = elect.partial(guider, "euler", scene.sigmas, scene.latent, candidates_per_batch=1)
    out = elect.resume(found.rows([1]))
    assert torch.equal(out[0]["samples"], expected)
    assert "remember" not in out.ui["text"][0]
    assert f"{len(scene.sigmas) - 1 - found.stop_step} guider calls" in out.ui["text"][0]


def asks_for_the_negative(model, x, sigmas, extra_args=None, callback=None, disable=None):
    """Euler CFG++ that reads its hook as newer hosts' cfgpp_ud10_ab does: the text's own
    prediction where there is no negative at all."""
    import comfy.model_patcher

    seen = {}

    def hook(args):
        alone = args["uncond"] is None
        seen["away"] = args["cond_denoised" if alone else "uncond_denoised"]
        return args["denoised"]

    given = dict(extra_args or {})
    given["model_options"] = comfy.model_patcher.set_model_options_post_cfg_function(
        given.get("model_options", {}).copy(), hook
    )
    for i, (sigma, lower) in enumerate(zip(sigmas[:-1], sigmas[1:], strict=True)):
        denoised = model(x, sigma * x.new_ones([len(x)]), **given)
        assert callback is not None
        callback({"x": x, "i": i, "sigma": sigma, "sigma_hat": sigma, "denoised": denoised})
        x = denoised + (x - seen["away"]) / sigma * lower
    return x


@pytest.mark.parametrize("guiding", ["basic", "cfg", "cfg1", "dual"])
def test_a_sampler_that_asks_whether_there_is_a_negative_goes_on_from_the_tape(
    guiding, scene, guiders, stock, elect
):
    import comfy.samplers

    guider, sampler = guiders[guiding], comfy.samplers.KSAMPLER(asks_for_the_negative)
    expected, _ = stock(guider, sampler, scene.sigmas, scene.latent, 4)
    found = elect.partial(guider, sampler, scene.sigmas, scene.latent)
    out = elect.resume(found.rows([1]))
    assert torch.equal(out[0]["samples"], expected)
    assert "remember" not in out.ui["text"][0]


def test_candidates_say_what_they_weigh_as_newer_hosts_ask(scene, guiders, elect):
    """All their tape holds, blended estimates included, each once."""
    from elect_tino.nodes.elect.pool import Pool

    masked = {**scene.latent, "noise_mask": torch.ones(1, 10, 8)}
    found = elect.partial(guiders["dual"], "euler", scene.sigmas, masked)
    held = found._comfy_cache_tensors()
    assert len({tensor.data_ptr() for tensor in held}) == len(held)
    assert sum(tensor.untyped_storage().nbytes() for tensor in held) == found.tape.nbytes
    assert len(held) > sum(len(call) for call in found.tape.calls)
    pooled = Pool((found, found), (0, 0, 0, 1, 1, 1), ("a", "b"))
    assert [id(one) for one in pooled._comfy_cache_tensors()] == [id(one) for one in held * 2]
