"""What is released: the files users get need none of those they do not, and the papers agree."""

import re
import subprocess
import sys

import pytest

from .test_boundaries import ROOT, imports

FORMS = {
    ".github/workflows/ci.yml": "vendor.github-workflows",
    ".github/workflows/release.yml": "vendor.github-workflows",
    ".github/dependabot.yml": "vendor.dependabot",
    ".github/ISSUE_TEMPLATE/bug.yml": "vendor.github-issue-forms",
    ".github/ISSUE_TEMPLATE/idea.yml": "vendor.github-issue-forms",
    ".github/ISSUE_TEMPLATE/config.yml": "vendor.github-issue-config",
    "CITATION.cff": "vendor.citation-file-format",
}
LAYERS = r"(?:Linear|Conv[123]d|ConvTranspose[12]d|LayerNorm|GroupNorm|Embedding)"
REFUSED = re.compile(
    rf"""(?<![\w.])(?:torch\.)?nn\.{LAYERS}\s*\(|\.cuda\s*\(|\.to\(["']cuda|torch\.\S*autocast\s*\("""
)
LARGEST = 80
"""MB that an installation takes; most of it are the embedded model's weights."""


def listed(*options: str) -> set[str]:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    command = ["git", "ls-files", "-z", *options]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(found.stdout.split("\0")) - {""}


@pytest.fixture(scope="module")
def shipped() -> set[str]:
    """Files of the pack as the registry hands them out."""
    return listed() - listed("-ci", "--exclude-from=.comfyignore")


@pytest.mark.parametrize(("name", "schema"), FORMS.items())
def test_a_form_is_what_its_schema_says(name, schema):
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        schema,
        str(ROOT / name),
    ]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr


def test_every_workflow_and_issue_form_has_its_schema():
    found = {p.relative_to(ROOT).as_posix() for p in (ROOT / ".github").rglob("*.yml")}
    assert found <= set(FORMS)


def test_no_shipped_module_imports_one_that_is_not(shipped):
    modules = {name for name in shipped if name.endswith(".py")}
    assert "nodes/elect/select.py" in modules
    assert not {name for name in modules if name.startswith(("tests/", "bench/", "docs/"))}
    for name in modules:
        for wanted in imports(ROOT / name, everywhere=True):
            own = wanted.removeprefix("elect_tino.").replace(".", "/")
            known = [f"{own}.py", f"{own}/__init__.py"]
            here = [one for one in known if (ROOT / one).exists()]
            assert not here or set(here) & shipped, f"{name} imports {wanted}, which is left out"


def test_modules_hold_nothing_that_comfy_test_refuses():
    """Characters of cp1252 alone, else Windows cannot print them; devices and layers as it asks.

    Layers of torch, in modules that know no ComfyUI, go by their names alone (CONTRIBUTING.md).
    """
    for name in sorted(one for one in listed() if one.endswith(".py")):
        text = (ROOT / name).read_text(encoding="utf-8")
        text.encode("cp1252")
        assert [line for line in text.splitlines() if REFUSED.search(line)] == [], name


def test_the_frontend_puts_nothing_into_the_page_but_its_styles_and_the_large_view():
    scripts = {p.name: p.read_text(encoding="utf-8") for p in (ROOT / "web").rglob("*.js")}
    into = {
        name: re.findall(r"document\.(?:body|head|adopted\w+)", scripts[name]) for name in scripts
    }
    assert {name: found for name, found in into.items() if found} == {
        "gallery.js": ["document.body"],
        "style.js": ["document.adoptedStyleSheets"],
    }
    sheet = (ROOT / "web" / "gallery" / "gallery.css").read_text(encoding="utf-8")
    told = re.findall(r"([^{}]+)\{", re.sub(r"/\*.*?\*/", "", sheet, flags=re.S))
    selectors = [one.strip() for names in told for one in names.split(",")]
    assert len(selectors) > 50
    assert [one for one in selectors if ".elect-" not in one] == []


def test_the_offline_levels_of_comfy_test_pass():
    pytest.importorskip("comfy_test", reason="requirements-optional.txt is not installed")
    command = [sys.executable, "-m", "comfy_test", "lint", str(ROOT)]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr


def test_an_installation_is_as_small_as_said(shipped):
    """.comfyignore says how large, in all and of models; 80 MB are the limit whatever it says."""
    found = re.search(r"takes (\d+) MB .*, (\d+) of them", (ROOT / ".comfyignore").read_text())
    assert found is not None
    sizes = {name: (ROOT / name).stat().st_size / 1e6 for name in shipped}
    models = sum(size for name, size in sizes.items() if name.startswith("embedded/weights/"))
    assert sum(sizes.values()) == pytest.approx(int(found[1]), abs=2)
    assert models == pytest.approx(int(found[2]), abs=2)
    assert sum(sizes.values()) < LARGEST


def test_what_nodes_read_is_shipped(shipped):
    from elect_tino.harness.workflows.recipes.titles import title_of

    assert "web/docs/BISSelect.md" in shipped
    assert "embedded/weights/unet.safetensors" in shipped
    assert f"workflows/{title_of('elect_embedded_demo')}.json" in shipped


def test_versions_agree():
    from elect_tino.harness.setup.changelog import pack_version, release_notes

    version = pack_version()
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert release_notes(version)


def test_a_release_of_another_version_is_refused():
    from elect_tino.harness.setup.changelog import release_notes
    from elect_tino.harness.setup.steps import StepFailed

    with pytest.raises(StepFailed, match=r"tag says 9\.9\.9"):
        release_notes("9.9.9")


def test_a_version_without_a_section_is_refused(monkeypatch):
    from elect_tino.harness.setup import changelog
    from elect_tino.harness.setup.steps import StepFailed

    monkeypatch.setattr(changelog, "pack_version", lambda: "7.0.0")
    with pytest.raises(StepFailed, match=r"no section of 7\.0\.0"):
        changelog.release_notes("7.0.0")


def test_the_registry_gets_addresses_of_pictures_that_are_there_and_fit():
    from xml.etree import ElementTree

    import tomllib

    from elect_tino.harness.setup.registry import with_addresses

    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    told = tomllib.loads(with_addresses(text, "https://github.com/o-1/n.a", "v1.2.0"))
    assert told["project"]["urls"]["Repository"] == "https://github.com/o-1/n.a"
    raw = "https://raw.githubusercontent.com/o-1/n.a/v1.2.0/"
    sizes = {}
    for name in ("Icon", "Banner"):
        address = told["tool"]["comfy"][name]
        assert address.startswith(raw)
        picture = ElementTree.parse(ROOT / address.removeprefix(raw)).getroot()
        sizes[name] = int(picture.attrib["width"]), int(picture.attrib["height"])
    assert sizes == {"Icon": (400, 400), "Banner": (840, 360)}  # at most 400; 21 to 9


@pytest.mark.parametrize("given", [("", "v1"), ("https://elsewhere.org/a/b", "v1")])
def test_addresses_of_nowhere_are_refused(given):
    from elect_tino.harness.setup.registry import with_addresses
    from elect_tino.harness.setup.steps import StepFailed

    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    with pytest.raises(StepFailed, match=r"Expected https://github\.com/OWNER/NAME"):
        with_addresses(text, *given)
    done = with_addresses(text, "https://github.com/a/b", "v1")
    with pytest.raises(StepFailed, match="0 lines of Icon"):
        with_addresses(done, "https://github.com/a/b", "v1")


def test_hooks_and_checks_use_one_ruff():
    pins = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    ruff = next(line.partition("==")[2] for line in pins if line.startswith("ruff=="))
    assert f"rev: v{ruff}\n" in (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")


def test_workflows_call_the_one_command():
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert "python dev.py check" in text
    assert "python dev.py test" in text
