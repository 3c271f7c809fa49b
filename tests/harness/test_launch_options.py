"""The demo under ComfyUI's options that change how models are held and run. Only ``-m slow``."""

import pytest

from elect_tino.harness.server.comfy_server import ComfyServer, has_gpu
from elect_tino.harness.workflows.workflow import DEMO, load_workflow, to_prompt

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(0)]

OPTIONS = {
    "none": (),
    "lowvram": ("--lowvram",),
    "novram": ("--novram",),
    "cache none": ("--cache-none",),
    "cache lru": ("--cache-lru", "2"),
    "cache ram": ("--cache-ram",),
    "no smart memory": ("--disable-smart-memory",),
    "half": ("--fp16-unet",),
    "fast": ("--fast",),
    "deterministic": ("--deterministic",),
}
_ROUNDED = {"half", "fast"}
"""Options under which numbers may differ in their last places, and so the elected seed."""
_INSTEAD_OF_CPU = {"lowvram", "novram"}
"""Options that ComfyUI takes in place of --cpu, not beside it."""


def elected(options: tuple[str, ...]) -> tuple[int, list[float]]:
    with ComfyServer(extra_args=options) as server:
        prompt = to_prompt(load_workflow(DEMO), server.object_info())
        for node in prompt.values():
            if node["class_type"] == "MultiSeedPartialSampler":
                node["inputs"]["num_candidates"] = 4
        entry = server.run(prompt, timeout=900)
        (facts,) = [out["elect"][0] for out in entry["outputs"].values() if "elect" in out]
        assert any("images" in out for out in entry["outputs"].values())
        return facts["elected_seed"], facts["scores"]


@pytest.fixture(scope="module")
def plain() -> tuple[int, list[float]]:
    return elected(())


@pytest.mark.parametrize("name", OPTIONS)
def test_the_demo_gives_its_picture(name: str, plain):
    if name in _INSTEAD_OF_CPU and not has_gpu():
        pytest.skip("without a GPU, ComfyUI takes --cpu in its place")
    seed, scores = elected(OPTIONS[name])
    assert scores == pytest.approx(plain[1], rel=0.05 if name in _ROUNDED else 1e-4)
    assert seed == plain[0] or name in _ROUNDED
