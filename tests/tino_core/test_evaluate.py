"""--evaluate: how well a LatentCLIP agrees with its teacher."""

import json

import pytest
import torch

from elect_tino.tino_core.training.__main__ import main
from elect_tino.tino_core.training.distil import distil
from elect_tino.tino_core.training.evaluate import figures, ranking_agreement

from .small_training import options


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_ranking_agreement_is_the_share_of_triples_counted_one_by_one():
    student, teacher = draw(7, 5), draw(7, 6, seed=1)
    near = [
        torch.nn.functional.cosine_similarity(f[:, None], f[None], dim=2)
        for f in (student, teacher)
    ]
    alike = [
        (near[0][i, j] > near[0][i, k]) == (near[1][i, j] > near[1][i, k])
        for i in range(7)
        for j in range(7)
        for k in range(j + 1, 7)
        if i not in (j, k)
    ]
    assert ranking_agreement(student, teacher) == pytest.approx(sum(map(float, alike)) / len(alike))


def test_an_equal_student_agrees_in_all_and_a_blind_one_by_chance():
    teacher = draw(40, 16)
    same = figures(3 * teacher, teacher)
    assert [same["cosine"], same["lowest cosine"]] == pytest.approx([1, 1])
    assert same["ranking agreement"] == 1
    blind = figures(draw(40, 16, seed=2), teacher)
    assert blind["ranking agreement"] == pytest.approx(0.5, abs=0.05)
    assert abs(blind["cosine"]) < 0.15


def test_the_command_tells_a_trained_student_from_an_untrained_one(world, tmp_path, capsys):
    found = {}
    for name, steps in (("untrained", 0), ("trained", 40)):
        out = tmp_path / name
        distil(options(world, out, steps=steps, validate_every=40, from_scratch=True))
        capsys.readouterr()
        given = ["--evaluate", str(out / "student.safetensors"), "--resolution", "32"]
        for flag, path in (("teacher", "clip"), ("vae", "vae"), ("images", "images")):
            given += [f"--{flag}", str(world / path)]
        assert main(given) == 0
        found[name] = json.loads(capsys.readouterr().out)
    assert found["trained"]["pictures"] == 24
    assert found["trained"]["cosine"] > found["untrained"]["cosine"] + 0.1
    assert found["trained"]["cosine"] > found["trained"]["cosine with another picture's"]
    assert main([*given, "--count", "2"]) == 2
    assert "--images: expected 3 pictures or more" in capsys.readouterr().err
