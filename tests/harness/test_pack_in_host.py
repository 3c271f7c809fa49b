"""The pack in a real ComfyUI: its nodes are offered and its demo workflow elects a seed.

The same checks run twice: on the default ComfyUI with the other tests, and under the mark
host_smoke on the version that `dev.py test --host` names.
"""

import json
from pathlib import Path

import pytest
from PIL import Image

from elect_tino.harness import demo
from elect_tino.harness.server.comfy_server import ComfyServer, comfy_path

pytestmark = pytest.mark.server

# Permanent: saved workflows name them.
NODE_IDS = {
    "MultiSeedPartialSampler",
    "TweedieEstimate",
    "RelevanceMapAggregate",
    "BISSelect",
    "ResumeDenoise",
    "ELECTSampler",
}


def check_nodes(server: ComfyServer) -> None:
    assert server.object_info().keys() >= NODE_IDS


def check_demo(server: ComfyServer, folder: Path) -> None:
    summary = demo.run_demo(server, demo.DEMO, folder)
    assert summary["elected_seed"] in summary["seeds"]
    assert len(summary["scores"]) == len(summary["seeds"]) > 1
    assert summary["nfe"] < summary["nfe_best_of_n"]
    assert {"edited", "relevance", "contact_sheet"} <= summary["files"].keys()
    for path in summary["files"].values():
        Image.open(path).verify()
    json.dumps(summary, allow_nan=False)


def test_nodes_are_offered(server: ComfyServer):
    check_nodes(server)


def test_demo_workflow_elects_a_seed(server: ComfyServer, tmp_path: Path):
    check_demo(server, tmp_path)


@pytest.mark.host_smoke
def test_smoke_on_this_host(server: ComfyServer, tmp_path: Path):
    running = server.system_stats()["system"]["comfyui_version"]
    assert running in comfy_path().joinpath("comfyui_version.py").read_text(encoding="utf-8")
    check_nodes(server)
    check_demo(server, tmp_path)
