"""The measurements for a GPU, rehearsed on small models: each gives its rows, and they are true."""

import sys
import warnings
from pathlib import Path

import pytest
import torch

pytestmark = pytest.mark.comfy


@pytest.fixture
def tiny():
    from elect_tino.bench.gpu.scenes import SIZES

    return SIZES["tiny"]


def test_speed_counts_every_batch_and_the_stock_loop(tiny, monkeypatch):
    from elect_tino.bench.gpu import speed

    monkeypatch.setattr(speed, "NUMBER", 2)
    monkeypatch.setattr(speed, "BATCHES", (2,))
    rows = dict(speed.speed(tiny))
    assert list(rows) == ["one by one", "a loop over SamplerCustomAdvanced", "2 a batch"]
    assert "times one by one" in rows["2 a batch"]


def test_the_stock_loop_makes_the_calls_of_the_recorded_steps(tiny):
    from elect_tino.bench.clock import in_model
    from elect_tino.bench.gpu.elections import recorded
    from elect_tino.bench.gpu.scenes import STOP, Scene
    from elect_tino.bench.gpu.speed import by_stock_node

    scene, calls = Scene(tiny), []
    inner = scene.model.model.apply_model
    scene.model.model.apply_model = lambda x, *a, **k: calls.append(len(x)) or inner(x, *a, **k)
    with in_model(scene.model) as inside:
        by_stock_node(scene, 2)
        assert len(calls) == 2 * STOP
        assert inside() > 0
    calls.clear()
    tape = recorded(scene, 2, 1)
    assert len(calls) == 2 * STOP
    assert len(tape.estimate()) == 2


@pytest.mark.parametrize("name", ["memory", "halved", "low-vram", "weights", "syncs", "tino"])
def test_a_part_gives_its_rows(name, tiny):
    from elect_tino.bench.gpu.parts import PARTS

    rows = list(PARTS[name].measure(tiny))
    assert rows
    assert all(what and found and "NOT FINITE" not in found for what, found in rows)


def test_samplers_are_told_true_to_their_seeds(tiny, monkeypatch):
    from elect_tino.bench.gpu import truth

    rows = dict(truth.truth(tiny, ("euler", "dpmpp_2m_sde")))
    assert rows.pop("samplers tried") == "2"
    assert set(rows.values()) == {"none"}
    true = truth.resumed
    monkeypatch.setattr(truth, "resumed", lambda *given: true(*given) * 1.01)
    rows = dict(truth.truth(tiny, ("euler",)))
    assert rows["stopped and resumed not bit for bit"] == "1: euler"
    assert rows["a batch beside its seeds alone, apart"] == "1: euler"


def test_the_sizes_are_those_of_the_published_models():
    import comfy.ops
    from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel

    from elect_tino.bench.gpu.scenes import SIZES

    counts = {}
    for name in ("sd15", "sdxl"):
        unet = UNetModel(
            **SIZES[name].unet,
            in_channels=8,
            device="meta",
            operations=comfy.ops.disable_weight_init,
        )
        counts[name] = sum(one.numel() for one in unet.parameters()) / 1e6
    assert counts == {"sd15": pytest.approx(860, abs=1), "sdxl": pytest.approx(2567, abs=2)}


def warn_from(file: Path) -> None:
    """PyTorch's warning of a wait, from a line of this file."""
    said = "warnings.warn('called a synchronizing CUDA operation')"
    exec(compile(said, str(file), "exec"), {"warnings": warnings})


def test_waits_of_the_packs_own_lines_are_counted_and_not_comfyuis():
    import comfy.samplers

    from elect_tino.bench.gpu.syncs import PACK, waits

    with waits() as found:
        warn_from(PACK / "nodes" / "here.py")
        warn_from(PACK / "nodes" / "here.py")
        warn_from(Path(str(comfy.samplers.__file__)))
        warn_from(Path(torch.__file__))  # asked by this test, which is the pack's
        warnings.warn("another", stacklevel=1)
    own = str(Path(__file__).resolve().relative_to(PACK))
    assert found.pop("nodes/here.py:1") == 2
    assert [place.rpartition(":")[0] for place in found] == [own]


def test_a_part_runs_in_a_process_of_its_own():
    from elect_tino.bench.gpu.command import measured

    rows = dict(measured("memory", "tiny"))
    assert "8 candidates" in rows
    assert "FAILED" not in rows


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell script")
def test_a_part_that_fails_keeps_its_rows_and_says_so(tmp_path, monkeypatch):
    from elect_tino.bench.gpu import command

    script = tmp_path / "python"
    script.write_text("""#!/bin/sh\necho '["first", "1"]'; echo 'Broken: x' >&2; exit 3""")
    script.chmod(0o755)
    monkeypatch.setattr(command.sys, "executable", str(script))
    rows = list(command.measured("memory", "tiny"))
    assert rows == [("first", "1"), ("FAILED", "Broken: x")]
    text = command.as_text("Memory, tiny", rows)
    assert text == "### Memory, tiny\n\n- first: 1\n- FAILED: Broken: x\n"


def test_the_pages_two_writers_leave_each_others_part(tmp_path):
    from elect_tino.bench.system import _parts, write_gpu

    page = tmp_path / "page.md"
    page.write_text("# Costs\n\nby hand\n")
    write_gpu("first\n", page)
    write_gpu("second\n", page)
    assert page.read_text() == "# Costs\n\nby hand\n\n## On a GPU\n\nsecond\n"
    assert _parts(page)[0] == "# Costs\n\nby hand\n"
