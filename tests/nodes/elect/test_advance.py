"""AdvanceCandidates: to a later stop is the same as having run to it at once, at no extra call."""

import logging

import pytest
import torch
from torch.testing import assert_close

from .test_other_packs import apg, guided
from .test_seed_truth import count_calls

pytestmark = pytest.mark.comfy

SAMPLERS = """
    euler euler_ancestral heun dpm_2 lms dpmpp_2m dpmpp_2m_sde dpmpp_3m_sde ddim uni_pc
    res_multistep_ancestral euler_cfg_pp
""".split()  # noqa: SIM905


@pytest.fixture(scope="module")
def advance():
    from elect_tino.nodes.elect.advance import AdvanceCandidates

    @torch.inference_mode()
    def run(found, stop=0.8, per_batch=0, **given):
        return AdvanceCandidates.execute(found, stop, per_batch, **given)[0]

    return run


def partial(elect, scene, guiders, guider="dual", sampler="euler", **given):
    return elect.partial(guiders[guider], sampler, scene.sigmas, scene.latent, **given)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_later_stop_is_bit_equal_to_having_run_there_at_once(
    sampler, elect, advance, scene, guiders, stock, monkeypatch
):
    given = {"sampler": sampler, "guider": "cfg", "candidates_per_batch": 1}
    at_once = partial(elect, scene, guiders, stop=0.8, **given)
    found = partial(elect, scene, guiders, stop=0.3, **given)
    calls = count_calls(monkeypatch, scene)
    later = advance(found.rows([2, 0]), per_batch=1)
    assert len(calls) == 2 * (len(at_once.tape.calls) - len(found.tape.calls))
    assert later.seeds == (5, 3)
    assert later.stop_step == at_once.stop_step
    for step in range(later.stop_step):
        assert torch.equal(later.estimates(step), at_once.rows([2, 0]).estimates(step))
    expected, _ = stock(guiders["cfg"], sampler, scene.sigmas, scene.latent, 5)
    assert torch.equal(elect.resume(later.rows([0]))[0]["samples"], expected)


def test_batches_are_packed_anew_and_agree(elect, advance, scene, guiders, monkeypatch):
    given = {"sampler": "dpmpp_2m_sde", "num_candidates": 5, "candidates_per_batch": 2}
    at_once = partial(elect, scene, guiders, stop=0.8, **given)
    found = partial(elect, scene, guiders, stop=0.3, **given)
    calls = count_calls(monkeypatch, scene)
    later = advance(found.rows([4, 2, 0]), per_batch=2)
    assert_close(later.estimates(), at_once.rows([4, 2, 0]).estimates(), atol=1e-4, rtol=1e-4)
    steps = at_once.stop_step - found.stop_step
    assert calls == [2 * 3] * steps + [1 * 3] * steps  # dual: three conditions


def test_costs_add_up_and_the_first_candidates_stay_as_they_were(elect, advance, scene, guiders):
    found = partial(elect, scene, guiders)
    held = found.tape.nbytes
    later = advance(found.rows([1]))
    assert later.cost.nfe == found.cost.nfe + (later.stop_step - found.stop_step)
    assert (found.tape.nbytes, len(found.tape.steps)) == (held, found.stop_step)


def test_the_relevance_window_goes_on_where_it_was_left(elect, advance, scene, guiders):
    given = {"guider": "basic", "null": scene.empty, "relevance_window": 0.5}
    at_once = partial(elect, scene, guiders, candidates_per_batch=1, stop=0.8, **given)
    found = partial(elect, scene, guiders, candidates_per_batch=1, stop=0.3, **given)
    later = advance(found, per_batch=1)
    assert later.cost == at_once.cost
    assert torch.equal(elect.relevance(later, end=0.5)[0], elect.relevance(at_once, end=0.5)[0])


def test_the_end_is_a_stop_too(elect, advance, scene, guiders, stock):
    later = advance(partial(elect, scene, guiders, candidates_per_batch=1), stop=1.0, per_batch=1)
    expected, _ = stock(guiders["dual"], "euler", scene.sigmas, scene.latent, 4)
    assert torch.equal(elect.resume(later.rows([1]))[0]["samples"], expected)


def test_where_they_are_nothing_runs(elect, advance, scene, guiders):
    found = partial(elect, scene, guiders)
    assert advance(found, stop=0.4) is found


def test_a_noise_level_is_a_stop(elect, advance, scene, guiders):
    found = partial(elect, scene, guiders, stop=0.2)
    assert advance(found, stop_sigma=3.0).stop_step == 3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"stop": 0.1}, "stop: the candidates have run 3 of 8 steps already.* step 1"),
        ({"stop_sigma": 13.0}, "stop_sigma: the candidates have run 3 of 8"),
        ({"stop": 1.5}, "stop: expected a fraction"),
    ],
)
def test_bad_stops_name_their_input_before_anything_runs(
    given, message, elect, advance, scene, guiders, monkeypatch
):
    found = partial(elect, scene, guiders)
    calls = count_calls(monkeypatch, scene)
    with pytest.raises(ValueError, match=message):
        advance(found, **given)
    assert calls == []


def test_the_ram_limit_is_kept(elect, advance, scene, guiders):
    found = partial(elect, scene, guiders)
    whole = advance(found, stop=1.0).tape.nbytes / 2**20
    assert whole > 1.4 * found.tape.nbytes / 2**20
    with pytest.raises(ValueError, match="ram_limit_mb: "):
        advance(found, stop=1.0, ram_limit_mb=0.9 * whole)
    assert advance(found, stop=1.0, ram_limit_mb=1.1 * whole).tape.nbytes == whole * 2**20


def test_a_hook_that_remembers_makes_them_run_from_their_start(
    elect, advance, scene, stock, monkeypatch, caplog
):
    caplog.set_level(logging.INFO)
    guider = guided(scene, apg(scene))
    expected, _ = stock(guider, "euler", scene.sigmas, scene.latent, 4)
    found = elect.partial(guider, "euler", scene.sigmas, scene.latent)
    later = advance(found.rows([1]))
    assert later.cost.nfe == found.cost.nfe + later.stop_step
    assert "run from the start and not from the stop" in caplog.text
    assert torch.equal(elect.resume(later)[0]["samples"], expected)


def test_several_are_finished_in_one_batch_where_asked(scene, guiders, stock, elect, monkeypatch):
    from elect_tino.nodes.elect.resume import ResumeDenoise

    found = elect.partial(guiders["dual"], "dpmpp_2m_sde", scene.sigmas, scene.latent)
    calls = count_calls(monkeypatch, scene)
    with torch.inference_mode():
        out = ResumeDenoise.execute(found.rows([2, 0]), candidates_per_batch=0)
    assert calls == [2 * 3] * (8 - found.stop_step)
    assert "10 guider calls" in out.ui["text"][0]
    for row, seed in enumerate((5, 3)):
        expected, denoised = stock(
            guiders["dual"], "dpmpp_2m_sde", scene.sigmas, scene.latent, seed
        )
        assert_close(out[0]["samples"][row : row + 1], expected, atol=1e-4, rtol=1e-4)
        assert_close(out[1]["samples"][row : row + 1], denoised, atol=1e-4, rtol=1e-4)
