"""Linking a folder is idempotent and never removes what a user put there."""

from pathlib import Path

import pytest

from elect_tino.harness.server.links import link_folder


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "pack-with-dash"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    return folder


def test_link_leads_to_the_target(target: Path, tmp_path: Path):
    assert link_folder(target, tmp_path / "nodes" / "link")
    assert (tmp_path / "nodes" / "link" / "__init__.py").exists()


def test_second_call_changes_nothing(target: Path, tmp_path: Path):
    link_folder(target, tmp_path / "link")
    assert not link_folder(target, tmp_path / "link")


def test_link_to_elsewhere_is_replaced(target: Path, tmp_path: Path):
    other = tmp_path / "other"
    other.mkdir()
    link_folder(other, tmp_path / "link")
    assert link_folder(target, tmp_path / "link")
    assert (tmp_path / "link").resolve() == target
    assert other.exists()


def test_dangling_link_is_replaced(target: Path, tmp_path: Path):
    (tmp_path / "link").symlink_to(tmp_path / "gone", target_is_directory=True)
    assert link_folder(target, tmp_path / "link")
    assert (tmp_path / "link").resolve() == target


def test_a_real_folder_is_left_alone(target: Path, tmp_path: Path):
    (tmp_path / "link").mkdir()
    with pytest.raises(FileExistsError, match="in the way"):
        link_folder(target, tmp_path / "link")
