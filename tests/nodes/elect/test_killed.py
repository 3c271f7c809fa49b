"""A process that is killed, at any model call of an election or while its file is written, leaves
what was saved before as it was, and nothing half."""

import os

import pytest

from elect_tino.tensor_files import writing

from ...killed import half, is_killed, kill, needs_fork

pytestmark = [pytest.mark.comfy, needs_fork]

STEPS_BEFORE, STEPS_AFTER = 3, 5  # of 8 steps, three candidates a batch, stopped at 0.4
CALLS = range(STEPS_BEFORE + STEPS_AFTER)


@pytest.fixture
def whole_run(elect, scene, guiders, kept):
    """Run candidates, keep them with a table in CSV, finish the elected one."""

    def run() -> None:
        found = elect.partial(guiders["dual"], "euler", scene.sigmas, scene.latent)
        kept.save(found, name="kept")
        chosen = elect.select(found, relevance=elect.relevance(found)[0], csv_prefix="elect/table")
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


@pytest.mark.parametrize("call", CALLS)
def test_a_kill_at_any_call_leaves_whole_files(
    call, scene, guiders, kept, whole_run, saved_before, monkeypatch
):
    apply_model, calls = scene.model.model.apply_model, []

    def deadly(x, *args, **kwargs):
        calls.append(len(x))
        return kill() if len(calls) == call + 1 else apply_model(x, *args, **kwargs)

    assert set(saved_before) == {"kept_00001_.safetensors", "table_00001_.csv"}
    with monkeypatch.context() as patch:
        patch.setattr(scene.model.model, "apply_model", deadly)
        assert is_killed(whole_run)
    left = contents(kept.folder)
    assert {name: left[name] for name in saved_before} == saved_before
    # Candidates are kept and the table is written once they have run, before one is finished.
    more = {"kept_00002_.safetensors", "table_00002_.csv"} if call >= STEPS_BEFORE else set()
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
