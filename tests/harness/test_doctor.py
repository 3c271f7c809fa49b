"""dev.py doctor says what the host is, what is known of it, and whether it elects."""

import re
import subprocess
import sys

import pytest

from elect_tino.harness import doctor


def a_host(tmp_path, version: str, requirements: str = ""):
    (tmp_path / "comfyui_version.py").write_text(f'__version__ = "{version}"\n', encoding="utf-8")
    (tmp_path / "requirements.txt").write_text(requirements, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("version", doctor.TRIED)
def test_a_host_that_was_tried_has_nothing_against_it(tmp_path, version):
    assert list(doctor.incompatibilities(a_host(tmp_path, version))) == []


@pytest.mark.parametrize(
    ("version", "said"),
    [("0.3.40", "older than 0.3.52"), ("0.34.0", "newer than 0.33.0"), ("1.0", "newer than")],
)
def test_a_host_outside_what_was_tried_is_said(tmp_path, version, said):
    (line,) = doctor.incompatibilities(a_host(tmp_path, version))
    assert said in line


def test_the_hosts_own_packages_are_held_to_what_it_names(tmp_path):
    frontend = doctor.installed("comfyui-frontend-package")
    named = f"comfyui-frontend-package=={frontend}\ncomfy-nothing==9.9\ntorch\n# comfy-x==1\n"
    (line,) = doctor.missing_packages(a_host(tmp_path, "0.3.75", named))
    assert line == "comfy-nothing is not installed; this ComfyUI names 9.9"


@pytest.mark.server
def test_it_elects_on_the_host_at_hand(comfy_server):
    """`comfy_server` only sees to it that there is a host."""
    command = [sys.executable, "-m", "elect_tino.harness.doctor"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    version = comfy_server.system_stats()["system"]["comfyui_version"]
    assert re.search(rf"^ComfyUI +{re.escape(version)}$", done.stdout, re.MULTILINE)
    # 4 candidates stopped after 3 of 8 steps, and 5 more of the elected one.
    assert re.search(r"elected seed \d+ of 4 with 17 model steps", done.stdout)
