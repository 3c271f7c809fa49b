"""A process that is killed, at any model call of an election or a race, or while its file is
written, leaves what was saved before as it was, and nothing half."""

import os

import pytest

from elect_tino.tensor_files import writing

from ...killed import half, is_killed, kill, needs_fork

pytestmark = [pytest.mark.comfy, needs_fork]

CANDIDATES = 3
STOPPED = {"election": 3, "race": 2}
"""Steps of 8 until candidates are kept; of a race all go on to 4, two to 6, one to the end."""
LATER = {("election", 1): 5, ("election", 3): 5, ("race", 1): (3 + 2 + 1) * 2, ("race", 3): 6}
"""Model calls after that, by the number of candidates a batch."""


def kept_at(kind: str, per_batch: int) -> int:
    """Model calls until candidates are kept."""
    return STOPPED[kind] * CANDIDATES // per_batch


CALLS = [
    (kind, per_batch, call)
    for kind, per_batch in LATER
    for call in range(kept_at(kind, per_batch) + LATER[kind, per_batch])
]


@pytest.fixture
def whole_run(elect, race, scene, guiders, kept):
    """Run candidates, keep them with a table in CSV, race them or not, finish the elected one."""

    def run(kind: str = "election", per_batch: int = CANDIDATES) -> None:
        size = {"candidates_per_batch": per_batch, "stop": STOPPED[kind] / 8}
        found = elect.partial(guiders["dual"], "euler", scene.sigmas, scene.latent, **size)
        kept.save(found, name="kept")
        chosen = elect.select(found, relevance=elect.relevance(found)[0], csv_prefix="elect/table")
        if kind == "race":
            rungs = {"rungs": "2@50%, 1@75%", "candidates_per_batch": per_batch}
            chosen = race(found, **rungs)
        elect.resume(chosen[0])

    return run


@pytest.fixture
def saved_before(whole_run, kept, scratch):
    """The files of a run that was not killed, by name."""
    whole_run()
    return contents(kept.folder)


@pytest.fixture
def scratch(tmp_path_factory, monkeypatch):
    """ComfyUI's temp folder, on the disk of the output folder."""
    import folder_paths

    folder = tmp_path_factory.mktemp("temp")
    monkeypatch.setattr(folder_paths, "get_temp_directory", lambda: str(folder))
    return folder


def contents(folder) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def goes_on(whole_run, kept, scene, guiders, before: dict[str, bytes]) -> None:
    """The next run saves two more files, and the newest of them loads."""
    whole_run()
    after = contents(kept.folder)
    assert len(after) >= len(before) + 2
    assert kept.load("newest", guiders["dual"], "euler", scene.sigmas)[0].seeds == (3, 4, 5)


def counted(scene, patch, deadly_at: int | None = None) -> list[int]:
    """The model's calls from now on, by their rows; it is killed at this one."""
    apply_model, calls = scene.model.model.apply_model, []

    def deadly(x, *args, **kwargs):
        calls.append(len(x))
        return kill() if len(calls) - 1 == deadly_at else apply_model(x, *args, **kwargs)

    patch.setattr(scene.model.model, "apply_model", deadly)
    return calls


@pytest.mark.parametrize(("kind", "per_batch"), LATER)
def test_a_run_makes_the_calls_that_are_killed_here(kind, per_batch, scene, whole_run, monkeypatch):
    calls = counted(scene, monkeypatch)
    whole_run(kind, per_batch)
    assert len(calls) == kept_at(kind, per_batch) + LATER[kind, per_batch]


@pytest.mark.parametrize(("kind", "per_batch", "call"), CALLS)
def test_a_kill_at_any_call_leaves_whole_files(
    kind, per_batch, call, scene, guiders, kept, whole_run, saved_before, monkeypatch
):
    assert set(saved_before) == {"kept_00001_.safetensors", "table_00001_.csv"}
    with monkeypatch.context() as patch:
        counted(scene, patch, call)
        assert is_killed(lambda: whole_run(kind, per_batch))
    left = contents(kept.folder)
    assert {name: left[name] for name in saved_before} == saved_before
    # Candidates are kept and the table is written once they have run, before one is finished.
    written = call >= kept_at(kind, per_batch)
    more = {"kept_00002_.safetensors", "table_00002_.csv"} if written else set()
    assert set(left) - set(saved_before) == more
    goes_on(whole_run, kept, scene, guiders, left)


@pytest.mark.parametrize("stage", ["half written", "not yet moved"])
def test_a_kill_while_it_is_written_leaves_whole_files(
    stage, scene, guiders, kept, whole_run, saved_before, scratch, monkeypatch
):
    with monkeypatch.context() as patch:
        if stage == "half written":
            patch.setattr(writing, "save_file", half)
        else:
            patch.setattr(os, "replace", kill)
        assert is_killed(whole_run)
    assert contents(kept.folder) == saved_before
    assert len(list(scratch.glob("*.part"))) == 1  # ComfyUI empties it when it starts
    goes_on(whole_run, kept, scene, guiders, saved_before)
