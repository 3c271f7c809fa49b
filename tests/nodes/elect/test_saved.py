"""SaveCandidates, LoadCandidates: what is loaded goes on bit for bit, or says what misfits."""

import copy
import json

import pytest
import torch
from safetensors.torch import load_file, save_file

pytestmark = pytest.mark.comfy

SAMPLERS = ["euler", "euler_ancestral", "dpmpp_2m_sde", "euler_cfg_pp", "heun"]


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Save and load as the nodes do, in an output folder of our own."""
    import comfy.samplers
    import folder_paths

    from elect_tino.nodes.elect import saved

    monkeypatch.setattr(folder_paths, "get_output_directory", lambda: str(tmp_path))

    class Kept:
        folder = tmp_path / "elect"

        @staticmethod
        @torch.inference_mode()
        def save(found, name="day", table=""):
            return saved.SaveCandidates.execute(found, name, table)[0]

        @staticmethod
        @torch.inference_mode()
        def load(file, guider, sampler, sigmas, **given):
            if isinstance(sampler, str):
                sampler = comfy.samplers.sampler_object(sampler)
            return saved.LoadCandidates.execute(file, guider, sampler, sigmas, **given)

    return Kept


def partial(elect, scene, guiders, guider="dual", sampler="euler", **given):
    given = {"candidates_per_batch": 1, **given}
    return elect.partial(guiders[guider], sampler, scene.sigmas, scene.latent, **given)


def made_anew(scene, guiders, name="dual"):
    """A guider as the same nodes make it tomorrow: other objects, equal values."""
    guider = copy.copy(guiders[name])
    guider.original_conds = {}
    for key, entries in copy.deepcopy(guiders[name].original_conds).items():
        guider.original_conds[key] = [{**entry, "uuid": object()} for entry in entries]
    return guider


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_resuming_tomorrow_is_bit_equal_to_resuming_today(sampler, elect, scene, guiders, kept):
    found = partial(elect, scene, guiders, sampler=sampler)
    today = elect.resume(found.rows([2, 0]))
    file = kept.save(found.rows([2, 0]), table="rank 1")
    out = kept.load(file, made_anew(scene, guiders), sampler, scene.sigmas.clone())
    loaded, table, thumbnails = out[0], out[1], out[2]
    assert (loaded.seeds, loaded.stop_step, loaded.cost) == ((5, 3), found.stop_step, found.cost)
    assert (table, tuple(thumbnails.shape)) == ("rank 1", (2, 10, 8, 3))
    again = elect.resume(loaded)
    for slot in (0, 1):
        assert torch.equal(again[slot]["samples"], today[slot]["samples"])
    assert elect.relevance(loaded)[0].equal(elect.relevance(found.rows([2, 0]))[0])
    assert "2 candidates stopped after 3 of 8 steps" in out.ui["text"][0]
    assert "differs" not in out.ui["text"][0]


def test_the_latent_and_its_mask_come_from_the_file(elect, scene, guiders, kept):
    mask = torch.zeros(1, 80, 64)
    mask[:, :40] = 1
    latent = {"samples": scene.source, "noise_mask": mask, "batch_index": [3]}
    run = (guiders["cfg"], "euler", scene.sigmas)
    found = elect.partial(*run, latent, candidates_per_batch=1)
    loaded = kept.load(kept.save(found), *run)[0]
    expected = elect.resume(found)[0]["samples"]
    assert torch.equal(elect.resume(loaded)[0]["samples"], expected)
    assert kept.load("newest", *run, latent_image=latent)[0].seeds == found.seeds
    with pytest.raises(ValueError, match=r"latent_image: is not what .* noise_mask"):
        kept.load("newest", *run, latent_image={**latent, "noise_mask": 1 - mask})


def test_noise_that_is_no_seeds_own_is_kept(elect, scene, guiders, kept):
    from dataclasses import replace

    from elect_tino.nodes.elect.candidates import run_candidates
    from elect_tino.nodes.elect.plan import plan
    from elect_tino.nodes.host.elect.noise import GivenNoise

    found = partial(elect, scene, guiders)
    rows = {seed: torch.full((1, 4, 10, 8), seed / 3) for seed in (3, 4)}
    run = replace(found.run, noise=GivenNoise(rows))
    with torch.inference_mode():
        other = run_candidates(plan(run, (3, 4), 3, 1))
    assert not torch.equal(other.estimates(), found.rows([0, 1]).estimates())
    loaded = kept.load(kept.save(other), guiders["dual"], "euler", scene.sigmas)[0]
    expected = elect.resume(other)[0]["samples"]
    assert torch.equal(elect.resume(loaded)[0]["samples"], expected)


def test_more_seeds_join_what_was_loaded(elect, scene, guiders, kept):
    found = partial(elect, scene, guiders, seeds="3, 4")
    loaded = kept.load(kept.save(found), guiders["dual"], found.run.sampler, scene.sigmas)[0]
    both = partial(elect, scene, guiders, seeds="3, 9", previous=loaded)
    assert both.seeds == (3, 4, 9)


def test_what_does_not_fit_is_named(elect, scene, guiders, kept):
    import comfy.samplers

    from elect_tino.tests.nodes.conftest import random_model

    file = kept.save(partial(elect, scene, guiders, "cfg"))

    def refused(match, guider=None, sampler="euler", sigmas=scene.sigmas):
        with pytest.raises(ValueError, match=match):
            kept.load(file, guider or guiders["cfg"], sampler, sigmas)

    def guided(model=scene.model, text=scene.text, cfg=4.0):
        guider = comfy.samplers.CFGGuider(model)
        guider.set_conds(text, scene.image)
        guider.set_cfg(cfg)
        return guider

    kept.load(file, guided(), "euler", scene.sigmas)
    refused(r"sigmas: 20 steps from .* the candidates ran 8 steps", sigmas=scene.sigmas20)
    refused(r"sigmas: ", sigmas=scene.sigmas * 1.001)
    refused(r"sampler: .*sample_euler then, .*sample_heun now", sampler="heun")
    churn = comfy.samplers.ksampler("euler", {"s_churn": 0.5})
    refused(r"sampler: .*extra_options s_churn", sampler=churn)
    refused(r"guider: .*cfg \(4.0 then, 5.0 now\)", guided(cfg=5.0))
    refused(r"guider: .*kind \(CFGGuider then, Guider_DualCFG now\)", guiders["dual"])
    refused(r"guider: its conditioning .*positive 1 cross_attn", guided(text=scene.image))
    refused(r"guider: its MODEL .*weights", guided(random_model(1)))
    other = scene.model.clone()
    other.add_patches({"diffusion_model.out.2.bias": (torch.ones(4),)}, 0.5)
    refused(r"guider: its MODEL .*patches", guided(other))
    hooked = scene.model.clone()
    hooked.set_model_sampler_post_cfg_function(lambda args: args["denoised"])
    refused(r"guider: its MODEL .*attached", guided(hooked))


def test_the_picture_that_is_edited_is_a_part_of_the_conditioning(elect, scene, guiders, kept):
    import comfy.samplers

    file = kept.save(partial(elect, scene, guiders, "cfg"))
    other = scene.source.clone()
    other[..., :2, :2] += 1
    guider = comfy.samplers.CFGGuider(scene.model)
    text = [[scene.text[0][0], {"concat_latent_image": other}]]
    guider.set_conds(text, scene.image)
    guider.set_cfg(4.0)
    with pytest.raises(ValueError, match="guider: its conditioning .*concat_latent_image"):
        kept.load(file, guider, "euler", scene.sigmas)


def test_a_text_that_was_rounded_otherwise_is_taken_and_told(elect, scene, guiders, kept):
    file = kept.save(partial(elect, scene, guiders, "cfg"))
    guider = made_anew(scene, guiders, "cfg")
    entry = guider.original_conds["positive"][0]
    entry["cross_attn"] = entry["cross_attn"].bfloat16().float()
    out = kept.load(file, guider, "euler", scene.sigmas)
    assert "its conditioning differs by rounding in positive 1 cross_attn" in out.ui["text"][0]


def tampered(kept, elect, scene, guiders, change):
    """A saved file with its tensors and what it says changed."""
    file = kept.folder / kept.save(partial(elect, scene, guiders, seeds="3, 4"))
    from safetensors import safe_open

    with safe_open(file, "pt") as opened:
        says = json.loads(opened.metadata()["elect_candidates"])
    tensors = {name: tensor.clone() for name, tensor in load_file(file).items()}
    metadata = {"elect_candidates": says}
    change(tensors, says, metadata)
    metadata = {k: v if isinstance(v, str) else json.dumps(v) for k, v in metadata.items()}
    save_file(tensors, file, metadata)
    return file.name


HOSTILE = {
    "no metadata": (lambda t, s, m: m.clear(), "says nothing of elect_candidates"),
    "metadata no JSON": (lambda t, s, m: m.update(elect_candidates="{"), "cannot be read"),
    "metadata too deep": (
        lambda t, s, m: m.update(elect_candidates="[" * 100_000),
        "cannot be read",
    ),
    "metadata a list": (lambda t, s, m: m.update(elect_candidates="[]"), "format None"),
    "a later format": (lambda t, s, m: s.update(format=2), "format 2, and only 1"),
    "no seeds": (lambda t, s, m: s.pop("seeds"), "seeds is missing"),
    "seeds that are words": (lambda t, s, m: s.update(seeds=["3", "4"]), "seeds should be whole"),
    "too few seeds": (lambda t, s, m: s.update(seeds=[3]), r"not numbers of \(1, 4, 10, 8\)"),
    "doubled seeds": (lambda t, s, m: s.update(seeds=[3, 3]), "seeds that differ"),
    "too many seeds": (lambda t, s, m: s.update(seeds=list(range(65))), "expected 1 to 64 seeds"),
    "a stop beyond the steps": (lambda t, s, m: s.update(stop_step=7), "stopped after step 7"),
    "a stop that is a word": (lambda t, s, m: s.update(stop_step="3"), "whole numbers"),
    "steps without calls": (lambda t, s, m: s.update(steps=[0, 1, 9]), "do not belong"),
    "a cost that is a word": (lambda t, s, m: s["cost"].update(nfe="x"), "cost should be"),
    "a batch index that is a word": (
        lambda t, s, m: s["latent"].update(batch_index=["x"]),
        "batch_index should be",
    ),
    "a call of another type": (
        lambda t, s, m: t.update({"call/0001/denoised": t["call/0001/denoised"].long()}),
        "call/0001/denoised is torch.int64",
    ),
    "a call of another size": (
        lambda t, s, m: t.update({"call/0001/denoised": torch.zeros(2, 4, 9, 8)}),
        r"call/0001/denoised is torch.float32 \(2, 4, 9, 8\)",
    ),
    "a call too few": (lambda t, s, m: t.pop("call/0001/denoised"), "a recorded call is missing"),
    "a climbing name": (
        lambda t, s, m: t.update({"call/../x": torch.zeros(1)}),
        "no place for 'call/../x'",
    ),
    "no schedule": (lambda t, s, m: t.pop("sigmas"), "sigmas is missing"),
    "a latent of two": (
        lambda t, s, m: t.update({"latent/samples": torch.zeros(2, 4, 10, 8)}),
        "not that of one picture",
    ),
    "thumbnails of numbers": (
        lambda t, s, m: t.update(thumbnails=torch.zeros(2, 3)),
        "its thumbnails are",
    ),
    "noise of another size": (
        lambda t, s, m: t.update(noise=torch.zeros(1, 4, 10, 8)),
        "its noise",
    ),
}


@pytest.mark.parametrize(("change", "message"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_file_that_lies_is_refused_before_it_runs(change, message, elect, scene, guiders, kept):
    from elect_tino.nodes.elect.saved import LoadCandidates

    name = tampered(kept, elect, scene, guiders, change)
    told = LoadCandidates.validate_inputs(name)
    with pytest.raises(ValueError, match=f"file: {name} holds no candidates .*{message}") as info:
        kept.load(name, guiders["dual"], "euler", scene.sigmas)
    assert str(info.value) == told


@pytest.mark.parametrize("run", [{}, {"model": 5}, {"guider": {"kind": []}}])
def test_facts_that_lie_are_a_misfit_and_no_crash(run, elect, scene, guiders, kept):
    name = tampered(kept, elect, scene, guiders, lambda t, s, m: s.update(run=run))
    with pytest.raises(ValueError, match="is not what the candidates ran with"):
        kept.load(name, guiders["dual"], "euler", scene.sigmas)


def test_projections_that_lie_are_a_misfit(elect, scene, guiders, kept):
    def lie(tensors, says, metadata):
        entry = says["run"]["conditionings"]["positive"][0]["cross_attn"]
        entry |= {"sha256": 0, "projections": ["x"], "norm": "y"}

    name = tampered(kept, elect, scene, guiders, lie)
    with pytest.raises(ValueError, match="guider: its conditioning is not"):
        kept.load(name, guiders["dual"], "euler", scene.sigmas)


def test_headers_that_lie_are_refused(kept, elect, scene, guiders):
    kept.folder.mkdir()
    whole = (kept.folder / kept.save(partial(elect, scene, guiders))).read_bytes()
    for name, data in {
        "short": whole[:-100],
        "long header": (2**62).to_bytes(8, "little") + whole[8:],
        "pickle": b"\x80\x04.",
        "empty": b"",
    }.items():
        (kept.folder / f"{name}.safetensors").write_bytes(data)
        with pytest.raises(ValueError, match=f"file: {name}.safetensors is no whole safetensors"):
            kept.load(f"{name}.safetensors", guiders["dual"], "euler", scene.sigmas)


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "", " ", "a\0b"])
def test_names_do_not_climb(name, kept, elect, scene, guiders):
    from elect_tino.nodes.elect.saved import LoadCandidates, SaveCandidates

    expected = "name: expected a name below output/elect"
    assert expected in str(SaveCandidates.validate_inputs(name))
    with pytest.raises(ValueError, match=expected):
        kept.save(partial(elect, scene, guiders), name)
    assert "file: expected a name below" in str(LoadCandidates.validate_inputs(name))


def test_a_missing_file_says_what_there_is(kept, elect, scene, guiders):
    from elect_tino.nodes.elect.saved import LoadCandidates

    with pytest.raises(ValueError, match="file: there are no candidates in output/elect"):
        kept.load("newest", guiders["dual"], "euler", scene.sigmas)
    kept.save(partial(elect, scene, guiders))
    assert "holds 1 such files" in str(LoadCandidates.validate_inputs("other.safetensors"))


def test_a_file_appears_whole_or_not_at_all(kept, elect, scene, guiders, monkeypatch):
    import elect_tino.tensor_files.writing as writing

    def cut_off(tensors, path, metadata):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(writing, "save_file", cut_off)
    with pytest.raises(KeyboardInterrupt):
        kept.save(partial(elect, scene, guiders))
    assert list(kept.folder.iterdir()) == []
