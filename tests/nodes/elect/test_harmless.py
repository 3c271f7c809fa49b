"""The list of harmless code: what is on it keeps its speed and is right, what is not pays."""

import functools
import importlib.util

import pytest
import torch
from torch.testing import assert_close

from .test_other_packs import guided
from .test_seed_truth import count_calls

pytestmark = pytest.mark.comfy

KJ = "ComfyUI-KJNodes/nodes/model_optimization_nodes.py"
SAGE = """
class PathchSageAttentionKJ:
    def patch(self):
        kept = [0]

        def attention_override_sage(func, *args, **kwargs):
            kept[0] += 1
            return func(*args, **kwargs)

        return attention_override_sage
"""
DYNAMIC = """
class DynamicThresholdingComfyNode:
    def patch(self):
        kept = {}

        def sampler_dyn_thresh(args):
            kept["step"] = args["sigma"]
            return args["input"] - args["cond_denoised"]

        return sampler_dyn_thresh
"""


def made_in(folder, file, text, name):
    """What another pack's node hangs on a model, out of a file that lies where the pack's does."""
    import comfy.samplers

    path = folder / "custom_nodes" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    spec = importlib.util.spec_from_file_location("another_pack", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = getattr(module, name)
    return (made if issubclass(made, comfy.samplers.CFGGuider) else made()).patch()


def said(scene, change):
    """Why candidates of a changed model run one by one, and why from their start."""
    import comfy.samplers

    from elect_tino.nodes.host.elect.attached import may_remember
    from elect_tino.nodes.host.elect.batching import why_one_by_one

    model = scene.model.clone()
    change(model)
    guider = guided(scene, model)
    sampler = comfy.samplers.sampler_object("euler")
    return why_one_by_one(guider, sampler, False), may_remember(guider)


def overriding(code):
    def change(model):
        model.model_options["transformer_options"]["optimized_attention_override"] = code

    return change


def hosts_node(module, name, *values):
    def make(model):
        node = getattr(pytest.importorskip(f"comfy_extras.{module}"), name)
        return (node.execute if hasattr(node, "execute") else node().patch)(model, *values)[0]

    return make


CORE = {
    "CFGNorm": hosts_node("nodes_cfg", "CFGNorm", 1.0),
    "CFGZeroStar": hosts_node("nodes_cfg", "CFGZeroStar"),
    "RescaleCFG": hosts_node("nodes_model_advanced", "RescaleCFG", 0.7),
    "TCFG": hosts_node("nodes_tcfg", "TCFG"),
    "FreSca": hosts_node("nodes_fresca", "FreSca", 0.8, 1.3, 2),
    "EpsilonScaling": hosts_node("nodes_eps", "EpsilonScaling", 1.01),
    "PerturbedAttentionGuidance": hosts_node("nodes_pag", "PerturbedAttentionGuidance", 3.0),
}


@pytest.mark.parametrize("make", CORE.values(), ids=CORE)
def test_what_is_listed_of_the_host_gives_side_by_side_what_it_gives_alone(
    make, scene, elect, monkeypatch
):
    guider = guided(scene, make(scene.model))
    alone = elect.partial(guider, "euler", scene.sigmas, scene.latent, candidates_per_batch=1)
    calls = count_calls(monkeypatch, scene)
    found = elect.partial(guider, "euler", scene.sigmas, scene.latent, candidates_per_batch=3)
    assert min(calls) >= 3
    assert_close(found.estimates(), alone.estimates(), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("make", CORE.values(), ids=CORE)
def test_what_is_listed_of_the_host_goes_on_from_the_tape_exactly(
    make, scene, stock, elect, monkeypatch
):
    guider = guided(scene, make(scene.model))
    expected, _ = stock(guider, "euler", scene.sigmas, scene.latent, 4)
    found = elect.partial(guider, "euler", scene.sigmas, scene.latent, candidates_per_batch=1)
    calls = count_calls(monkeypatch, scene)
    out = elect.resume(found.rows([1]))
    assert torch.equal(out[0]["samples"], expected)
    per_step = 2 if make is CORE["PerturbedAttentionGuidance"] else 1
    assert len(calls) == (found.run.num_steps - found.stop_step) * per_step


def test_each_entry_gives_a_reason_and_the_hosts_are_where_it_says():
    from elect_tino.nodes.host.elect.harmless import HARMLESS
    from elect_tino.nodes.host.elect.origin import HOST

    assert all(len(one.why) > 10 for one in HARMLESS)
    own = [one for one in HARMLESS if one.file.startswith("comfy")]
    assert len(own) > 8
    nodes = [one for one in own if one.file.startswith(("comfy_extras", "comfy_api"))]
    there = [one for one in nodes if (HOST / one.file).exists()]
    assert len(nodes) - len(there) <= 1  # older hosts have no EpsilonScaling
    for one in there:
        name = one.code.rstrip(".")
        text = (HOST / one.file).read_text()
        assert f"class {name}" in text or f"def {name}" in text, one


def test_a_listed_patch_of_another_pack_costs_nothing(scene, tmp_path):
    code = made_in(tmp_path, KJ, SAGE, "PathchSageAttentionKJ")
    assert said(scene, overriding(code)) == (None, None)
    renamed = KJ.replace("ComfyUI-KJNodes", "comfyui-kjnodes-main")
    code = made_in(tmp_path, renamed, SAGE, "PathchSageAttentionKJ")
    assert said(scene, overriding(code)) == (None, None)


def test_the_same_patch_of_an_unknown_pack_runs_one_by_one_and_from_the_start(scene, tmp_path):
    code = made_in(tmp_path, KJ.replace("KJNodes", "Other"), SAGE, "PathchSageAttentionKJ")
    alone, anew = said(scene, overriding(code))
    assert "attention_override_sage" in alone
    assert "attention_override_sage, which may remember" in anew


def test_a_patch_that_wraps_a_listed_one_is_not_listed(scene, tmp_path):
    code = made_in(tmp_path, KJ, SAGE, "PathchSageAttentionKJ")

    @functools.wraps(code)
    def around(func, *args, **kwargs):
        return code(func, *args, **kwargs)

    assert None not in said(scene, overriding(around))


def test_what_remembers_nothing_but_looks_across_the_batch_goes_on_from_its_tape(scene, tmp_path):
    file = "sd-dynamic-thresholding/dynthres_comfyui.py"
    code = made_in(tmp_path, file, DYNAMIC, "DynamicThresholdingComfyNode")
    alone, anew = said(scene, lambda model: model.set_model_sampler_cfg_function(code))
    assert "sampler_dyn_thresh may mix" in alone
    assert anew is None


def test_a_foreign_function_inside_one_of_the_hosts_is_seen(scene):
    """ComfyUI wraps a guidance function of three arguments into one of its own."""
    before = []

    def guidance(cond, uncond, scale):
        before.append(cond)
        return uncond + (cond - uncond) * scale

    _, anew = said(scene, lambda model: model.set_model_sampler_cfg_function(guidance))
    assert "may remember" in anew


def test_masks_that_change_on_the_way(scene):
    from comfy_extras.nodes_differential_diffusion import DifferentialDiffusion

    seen = []

    def mask(sigma, denoise_mask, extra_options):
        seen.append(sigma)
        return denoise_mask

    _, anew = said(scene, lambda model: model.set_model_denoise_mask_function(mask))
    assert "may remember" in anew
    hung = DifferentialDiffusion.execute(scene.model, 1.0)[0]
    options = hung.model_options["denoise_mask_function"]
    assert said(scene, lambda model: model.set_model_denoise_mask_function(options)) == (None, None)


def test_a_model_that_another_pack_changes_before_a_run_goes_one_by_one(scene):
    import comfy.patcher_extension

    def changed(patcher):
        pass

    kind = comfy.patcher_extension.CallbacksMP.ON_PRE_RUN
    alone, anew = said(scene, lambda model: model.add_callback(kind, changed))
    assert alone == anew
    assert "changed by another pack's" in alone


def test_renorm_cfg_takes_one_picture_and_goes_on_from_its_tape(scene):
    from comfy_extras.nodes_lumina2 import RenormCFG

    made = RenormCFG.execute(scene.model, 100.0, 1.0)[0]
    hook = made.model_options["sampler_cfg_function"]
    alone, anew = said(scene, lambda model: model.set_model_sampler_cfg_function(hook))
    assert "may mix" in alone
    assert anew is None
