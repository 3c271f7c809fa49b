"""The pages hang together: links lead somewhere, the index is whole, the README is short."""

import os
import re
import subprocess
import sys
from urllib.parse import unquote

import pytest

from .test_boundaries import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
PAGES += sorted((ROOT / "docs").rglob("*.md"))
LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(text: str) -> set[str]:
    """As GitHub makes them of headings."""
    heads = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path) if path else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), f"{page.name}: {link}"


def test_every_page_is_in_the_index():
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    docs = ROOT / "docs"
    pages = {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")} - {"index.md"}
    assert pages == {link for link in LINK.findall(index) if link.endswith(".md")}


def test_the_site_builds_with_every_link_and_the_api_of_both_cores(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    for core, name in (("elect_core", "background_inconsistency"), ("tino_core", "LatentCLIP")):
        assert name in (tmp_path / "api" / f"{core}.html").read_text(encoding="utf-8")


def test_the_readme_wins_in_one_screen():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) < 150
    assert any(line.startswith("![") for line in lines[:25])
    assert "docs/index.md" in "\n".join(lines)


@pytest.mark.parametrize("page", ["README.md", "docs/judges.md", "web/docs/VLMEndpoint.md"])
def test_ollama_is_connected_in_three_lines(page):
    """Two commands, and the node's address and model, as the node has the address by default."""
    told = (ROOT / page).read_text(encoding="utf-8")
    start = told.index("ollama pull ")
    model = told[start:].split()[2]
    first, second, *rest = told[start:].splitlines()
    assert (first, second.split("#")[0].strip()) == (f"ollama pull {model}", "ollama serve")
    node = (ROOT / "nodes" / "judging" / "endpoint.py").read_text(encoding="utf-8")
    address = node.partition('default="')[2].partition('"')[0]
    third = next(line for line in rest if "base_url" in line)
    assert address == "http://127.0.0.1:11434/v1"
    assert address in third
    assert model in third
