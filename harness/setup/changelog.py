"""The changelog's section of a version, for a release; standard library only."""

import re

from .steps import ROOT, StepFailed


def pack_version() -> str:
    """As pyproject.toml says it."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r'^version = "(.+)"$', text, re.M)
    assert found is not None
    return found.group(1)


def release_notes(version: str) -> str:
    """What is new in a version; StepFailed unless pyproject and changelog know that one."""
    if version != pack_version():
        raise StepFailed(
            f"The tag says {version}, pyproject.toml says {pack_version()}.",
            "Set `version` in pyproject.toml and CITATION.cff, and tag again.",
        )
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(rf"^## \[{re.escape(version)}\][^\n]*\n(.*?)(?=^## \[|\Z)", text, re.M | re.S)
    if found is None or not found.group(1).strip():
        raise StepFailed(
            f"CHANGELOG.md has no section of {version}.",
            f"Rename its section [Unreleased] to [{version}] with today's date.",
        )
    return found.group(1).strip()
