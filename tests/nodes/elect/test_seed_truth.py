"""Candidate k is what SamplerCustomAdvanced gives for seed k alone, and resuming is exact."""

import pytest
import torch
from torch.testing import assert_close

pytestmark = pytest.mark.comfy

SAMPLERS = """
    euler euler_cfg_pp euler_ancestral euler_ancestral_cfg_pp heun heunpp2 dpm_2 dpm_2_ancestral lms
    dpmpp_2s_ancestral dpmpp_2s_ancestral_cfg_pp dpmpp_sde dpmpp_sde_gpu dpmpp_2m dpmpp_2m_cfg_pp
    dpmpp_2m_sde dpmpp_2m_sde_gpu dpmpp_2m_sde_heun dpmpp_2m_sde_heun_gpu dpmpp_3m_sde
    dpmpp_3m_sde_gpu ddpm lcm ipndm ipndm_v deis res_multistep res_multistep_cfg_pp
    res_multistep_ancestral res_multistep_ancestral_cfg_pp gradient_estimation
    gradient_estimation_cfg_pp er_sde seeds_2 seeds_3 sa_solver sa_solver_pece ddim uni_pc
    uni_pc_bh2 exp_heun_2_x0 exp_heun_2_x0_sde
""".split()  # noqa: SIM905
REFUSED = {"dpm_fast", "dpm_adaptive"}
GUIDERS = ["basic", "cfg", "cfg1", "dual", "dual nested", "perpneg", "third party"]


def count_calls(monkeypatch, scene) -> list[int]:
    """Batch sizes of the model calls made from now on."""
    calls: list[int] = []
    apply_model = scene.model.model.apply_model

    def counted(x, *args, **kwargs):
        calls.append(len(x))
        return apply_model(x, *args, **kwargs)

    monkeypatch.setattr(scene.model.model, "apply_model", counted)
    return calls


def test_the_list_is_every_sampler_of_the_host_but_those_refused():
    import comfy.samplers

    assert set(comfy.samplers.SAMPLER_NAMES) - REFUSED <= set(SAMPLERS)
    assert len(set(SAMPLERS) - set(comfy.samplers.SAMPLER_NAMES)) <= 4  # newer hosts' own


@pytest.fixture
def name(request):
    """A sampler of this host."""
    import comfy.samplers

    if request.param not in comfy.samplers.SAMPLER_NAMES:
        pytest.skip(f"this ComfyUI has no sampler {request.param}")
    return request.param


@pytest.mark.parametrize("name", SAMPLERS, indirect=True)
def test_stop_and_resume_one_by_one_is_bit_equal_to_the_uninterrupted_run(
    name, scene, guiders, stock, elect, monkeypatch
):
    guider = guiders["cfg"]
    calls = count_calls(monkeypatch, scene)
    expected, expected_denoised = stock(guider, name, scene.sigmas, scene.latent, 4)
    num_calls = len(calls)
    found = elect.partial(guider, name, scene.sigmas, scene.latent, candidates_per_batch=1)
    calls.clear()
    output, denoised = elect.resume(found.rows([1])).args
    assert torch.equal(output["samples"], expected)
    assert torch.equal(denoised["samples"], expected_denoised)
    assert len(calls) == num_calls - len(found.tape.calls)


@pytest.mark.parametrize("name", SAMPLERS, indirect=True)
def test_batched_candidates_agree_with_their_seeds_alone(name, scene, guiders, stock, elect):
    # CFG++ is made for scales of 1 and below; at 4 it multiplies rounding beyond any bound.
    guider = guiders["cfg gentle" if name.endswith("cfg_pp") else "cfg"]
    # Three orders over few steps multiply rounding too.
    sigmas = scene.sigmas20 if name.startswith("dpmpp_3m") else scene.sigmas
    found = elect.partial(guider, name, sigmas, scene.latent, candidates_per_batch=3, stop=1.0)
    output = elect.resume(found)[0]["samples"]
    alone = [stock(guider, name, sigmas, scene.latent, seed)[0] for seed in found.seeds]
    assert_close(output, torch.cat(alone), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", GUIDERS)
@pytest.mark.parametrize("sampler", ["euler_ancestral", "dpmpp_2m"])
def test_every_guider_resumes_exactly(name, sampler, scene, guiders, stock, elect):
    guider = guiders[name]
    expected, _ = stock(guider, sampler, scene.sigmas, scene.latent, 4)
    found = elect.partial(guider, sampler, scene.sigmas, scene.latent, candidates_per_batch=1)
    assert torch.equal(elect.resume(found.rows([1]))[0]["samples"], expected)


def test_a_batch_resumes_from_an_exact_prefix_to_the_same_picture(scene, guiders, stock, elect):
    guider, sigmas = guiders["dual"], scene.sigmas20
    found = elect.partial(guider, "euler_ancestral", sigmas, scene.latent, candidates_per_batch=3)
    expected, _ = stock(guider, "euler_ancestral", sigmas, scene.latent, 4)
    output = elect.resume(found.rows([1]))[0]["samples"]
    assert_close(output, expected, atol=1e-4, rtol=1e-4)


def test_a_candidate_does_not_depend_on_who_runs_beside_it(scene, guiders, elect):
    options = {"candidates_per_batch": 1, "seeds": "9, 4"}
    two = elect.partial(guiders["cfg"], "dpmpp_2m_sde", scene.sigmas, scene.latent, **options)
    one = elect.partial(
        guiders["cfg"], "dpmpp_2m_sde", scene.sigmas, scene.latent, **{**options, "seeds": "4"}
    )
    assert torch.equal(two.rows([1]).estimates(), one.estimates())


def test_churn_noise_is_the_seeds_own(scene, guiders, stock, elect):
    import comfy.samplers

    sampler = comfy.samplers.ksampler("heun", {"s_churn": 2.0})
    found = elect.partial(guiders["cfg"], sampler, scene.sigmas, scene.latent)
    expected, _ = stock(guiders["cfg"], sampler, scene.sigmas, scene.latent, 4)
    assert torch.equal(elect.resume(found.rows([1]))[0]["samples"], expected)


def test_img2img_inpainting_resumes_exactly_also_with_ddim(scene, guiders, stock, elect):
    mask = torch.zeros(1, 80, 64)
    mask[:, 20:60, 10:40] = 1
    latent = {"samples": scene.source, "noise_mask": mask}
    for sampler in ("euler", "ddim"):
        expected, _ = stock(guiders["cfg"], sampler, scene.sigmas, latent, 4)
        found = elect.partial(guiders["cfg"], sampler, scene.sigmas, latent)
        assert_close(elect.resume(found.rows([1]))[0]["samples"], expected, atol=1e-4, rtol=1e-4)
        outside = found.estimates()[:, :, 0]
        assert_close(outside, scene.source[:, :, 0].expand_as(outside), atol=1e-5, rtol=1e-5)


def test_batch_index_chooses_the_noise(scene, guiders, stock, elect):
    latent = {**scene.latent, "batch_index": [2]}
    expected, _ = stock(guiders["cfg"], "euler", scene.sigmas, latent, 4)
    found = elect.partial(guiders["cfg"], "euler", scene.sigmas, latent, candidates_per_batch=1)
    assert torch.equal(elect.resume(found.rows([1]))[0]["samples"], expected)


def test_no_sampler_writes_into_the_users_sigmas(elect, scene, guiders):
    """ComfyUI's uni_pc puts 0.001 in the place of the last 0."""
    before = scene.sigmas.clone()
    elect.resume(elect.partial(guiders["cfg"], "uni_pc", scene.sigmas, scene.latent).rows([0]))
    assert torch.equal(scene.sigmas, before)
