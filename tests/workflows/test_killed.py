"""ComfyUI killed in any node of a run: what it had written is whole, and it starts again.

In every run of the tests one such kill is in `test_saved_candidates.py`.
"""

import contextlib
from pathlib import Path

import pytest
import requests

from elect_tino.harness.server.comfy_server import ComfyServer

from .killing import all_whole, election, kill_in

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(0)]


def kill_in_each(demo: dict, base: Path, places: list[str]) -> None:
    """Kill a server in each of these nodes; the next one starts, and elects."""
    for number, where in enumerate(places):
        server = ComfyServer(base)
        with contextlib.ExitStack() as stack:
            stack.callback(server.stop)
            server.start()
            kill_in(server, election(demo, 100 * number), where)
            with pytest.raises(requests.ConnectionError):
                server.system_stats()
        all_whole(base)
    with ComfyServer(base) as server:
        assert not list((base / "temp").rglob("*.part"))
        before = all_whole(base)
        entry = server.run(election(demo, 7))
        assert entry["outputs"]["kept"]["text"]
        assert all_whole(base) >= before + 2  # candidates and their table


def test_the_next_server_goes_on_after_a_kill_in_any_node(demo: dict, tmp_path: Path):
    kill_in_each(demo, tmp_path, sorted(election(demo, 0)))
