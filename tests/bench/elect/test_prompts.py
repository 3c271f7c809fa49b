"""Seed and prompt elected together on the embedded world: wordings, choices, the page."""

import argparse
import re

import numpy as np
import pytest

from elect_tino.bench.elect.wordings import UNKNOWN, said_with, wordings
from elect_tino.embedded.model.text import UNKNOWN as NO_WORD
from elect_tino.embedded.model.text import vocabulary, word_ids
from elect_tino.embedded.world.samples import sample

from ...test_boundaries import ROOT


def test_the_unknown_words_are_unknown_and_their_own_are_not():
    assert not set(UNKNOWN.values()) & set(vocabulary())
    assert set(UNKNOWN) <= set(vocabulary())


def test_the_last_mention_is_put_otherwise_with_its_article():
    assert said_with("make the red circle red", "red", "crimson") == "make the red circle crimson"
    assert said_with("add a star at the top", "star", "asterisk") == "add an asterisk at the top"
    told = said_with("add an orange star at the top", "star", "asterisk")
    assert told == "add an orange asterisk at the top"


@pytest.mark.parametrize("index", range(40))
def test_typed_lacks_one_word_and_the_others_say_what_they_should(index: int):
    edit = sample("test", index)
    said = wordings(edit, index)
    assert said == wordings(edit, index)
    assert word_ids(said.typed).count(NO_WORD) == word_ids(said.again).count(NO_WORD) == 1
    assert NO_WORD not in word_ids(said.known) + word_ids(said.wrong)
    assert said.known == edit.instruction
    differing = [a != b for a, b in zip(said.known.split(), said.wrong.split(), strict=True)]
    assert 1 <= sum(differing) <= 2  # the word, and perhaps its article


STEPS, SEEDS = 5, 4


@pytest.fixture(scope="module")
def bench():
    from elect_tino.bench.edits import GUIDANCE, EditBench

    return EditBench(GUIDANCE["flow_mild"], STEPS, "flow_mild")


@pytest.fixture(scope="module")
def page(bench, tmp_path_factory) -> str:
    from elect_tino.bench.elect.prompts import write_prompts

    folder = tmp_path_factory.mktemp("prompts")
    options = argparse.Namespace(folder=folder, edits=2, seeds=SEEDS, steps=STEPS)
    told = write_prompts(bench, options, folder / "page.md")
    assert (folder / "page.md").read_text() == told
    return told


@pytest.mark.comfy
def test_the_page_has_every_choice_and_what_it_costs(page: str):
    from elect_tino.bench.elect.prompts import POLICIES

    costs = dict(re.findall(r"^\| (.+?) \| (\d+) \|", page, re.MULTILINE))
    assert list(costs) == ["one seed, as typed", *(policy.name for policy in POLICIES)]
    assert costs["one seed, as typed"] == "5"
    assert costs["ELECT over seeds, as typed"] == str(4 * 2 + 3)
    assert costs["the same, all seeds of each"] == str(3 * 4 * 2 + 3)
    assert costs["four, one of them wrong, then a judge without error"] == str(4 * 1 * 2 + 4 * 3)
    assert "| ELECT over seeds, as typed | 11 |" in page
    assert re.search(r"as typed \| 11 \| [^|]+\| \+0\.0 \[\+0\.0, \+0\.0\]", page)


@pytest.mark.comfy
def test_a_pool_is_ranked_as_the_nodes_rank_it(bench, tmp_path):
    """Two wordings of one edit: by the tapes, and by PoolCandidates and BISSelect."""
    from dataclasses import replace

    import torch

    from elect_tino.bench.elect.contest import recorded
    from elect_tino.bench.elect.prompts import Said, together
    from elect_tino.bench.elect.runs import load_run, run_edits
    from elect_tino.nodes.elect import candidates, plan, pool_candidates, relevance, select

    edit = bench.edit(0)
    texts = wordings(edit, 0).each()[1:3]
    edits = [replace(edit, instruction=text) for text in texts]
    seen, parts = [], []
    with torch.inference_mode():
        for place, one in enumerate(edits):
            run_edits(bench, tmp_path / str(place), "euler", 1, SEEDS, lambda _, one=one: one)
            tape = recorded(bench, edit, load_run(tmp_path / str(place), 0))
            seen.append(Said(tape, np.zeros((SEEDS, 1))).see(SEEDS))
            planned = plan.plan(bench.run(one, "euler"), list(range(SEEDS)), 2)
            parts.append(candidates.run_candidates(planned))
        pool = pool_candidates.pooled(parts)
        mask = relevance.RelevanceMapAggregate.execute(pool, 0.0, 0.2, "paper")[0]
        out = select.BISSelect.execute(pool, "latent", 0.8, 0, 1, "", relevance=mask)
    facts = out.ui["elect"][0]
    ranking = together(seen).ranking()
    assert list(ranking.order) == facts["order"]
    torch.testing.assert_close(
        together(seen).history[-1], torch.tensor(facts["scores"]), rtol=1e-3, atol=1e-6
    )


@pytest.mark.comfy
def test_the_page_that_ships_is_of_this_code():
    """Its words, the command in it, every choice and what it costs."""
    from elect_tino.bench.elect.prompts import HEAD, POLICIES

    page = (ROOT / "docs" / "elect_prompts.md").read_text(encoding="utf-8")
    told = re.search(r"bench prompts (--variant \w+ --edits (\d+) --seeds (\d+))`", page)
    steps = re.search(r"(\d+) steps, euler", page)
    assert told is not None
    assert steps is not None
    given = {"told": told[1], "edits": told[2], "seeds": told[3], "steps": steps[1]}
    assert page.startswith(HEAD.format(**given, split="test"))
    rows = [line.strip("| ").split(" | ")[:2] for line in page.splitlines() if line[:2] == "| "]
    costs = [[one.name, str(one.calls(int(told[3]), int(steps[1])))] for one in POLICIES]
    assert rows[1:] == [["one seed, as typed", steps[1]], *costs]
