"""A process that is killed at any model call of TiNOOptimize; `test_faults.py` runs this."""

import pytest

from ...killed import is_killed, kill
from .test_faults import CALLS, FEW, inject  # noqa: F401

pytestmark = pytest.mark.comfy


@pytest.mark.parametrize("call", range(CALLS))
def test_a_kill_leaves_no_file(call, optimize, inject, tmp_path, monkeypatch):  # noqa: F811
    import folder_paths

    for name in ("output", "temp", "input"):
        monkeypatch.setattr(folder_paths, f"get_{name}_directory", lambda: str(tmp_path))
    inject(kill, call)
    assert is_killed(lambda: optimize(**FEW))
    assert not list(tmp_path.iterdir())
