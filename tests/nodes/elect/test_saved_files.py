"""LoadCandidates: files that lie, climb or are missing are refused before anything runs."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from elect_tino.tests.nodes.elect.test_saved import partial

pytestmark = pytest.mark.comfy


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


def score(**changed):
    numbers = {"rank": 1, "score": 0.5, "bis": 0.5, "change_inside": 1.0, "judge": None}
    return {**numbers, "criterion": "bis", "step": 3, **changed}


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
    "scores of others": (lambda t, s, m: s.update(scores=[{}]), "one for each of 2 candidates"),
    "a score that is a word": (
        lambda t, s, m: s.update(scores=[score(score="x")] * 2),
        "score of a score is 'x'",
    ),
    "a rank that is none": (lambda t, s, m: s.update(scores=[score(rank=0)] * 2), "rank of a"),
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


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x" * 201, "expected names of at most 200 bytes"),
        ("days/" + "ü" * 101 + "/x", "expected names of at most 200 bytes"),
        ("two\nlines", "expected a name in one line"),
    ],
)
def test_names_that_no_file_can_have(name, expected, kept, elect, scene, guiders):
    from elect_tino.nodes.elect.saved import LoadCandidates, SaveCandidates

    assert f"name: {expected}" in str(SaveCandidates.validate_inputs(name))
    with pytest.raises(ValueError, match=f"name: {expected}"):
        kept.save(partial(elect, scene, guiders), name)
    assert f"file: {expected}" in str(LoadCandidates.validate_inputs(name))
    assert not kept.folder.exists()
    kept.save(partial(elect, scene, guiders), "x" * 200)


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
