"""What the registry wants as addresses, written into pyproject.toml for a release.

The pack does not know where it is kept, so the files name pictures by their paths; a release knows.
"""

import re
from pathlib import Path

from .steps import StepFailed

PICTURES = ("Icon", "Banner")
FORM = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+)")


def with_addresses(text: str, repository: str, tag: str) -> str:
    """pyproject.toml's text with the repository, and with its pictures as the tag has them.

    repository: https://github.com/OWNER/NAME. Raises StepFailed for another, for no tag, and where
    there is nothing to write.
    """
    found = FORM.fullmatch(repository)
    if found is None or not tag:
        raise StepFailed(
            f"Expected https://github.com/OWNER/NAME and a tag, got {repository!r} and {tag!r}.",
            'Call `dev.py addresses "https://github.com/$GITHUB_REPOSITORY" "$GITHUB_REF_NAME"`.',
        )
    raw = f"https://raw.githubusercontent.com/{found[1]}/{tag}"
    for name in PICTURES:
        text, number = re.subn(rf'(?m)^{name} = "(?!https:)(.+)"$', rf'{name} = "{raw}/\1"', text)
        if number != 1:
            raise StepFailed(
                f"pyproject.toml has {number} lines of {name} with a path, expected one.",
                "Take it back to what is committed.",
            )
    urls = f'[project.urls]\nRepository = "{repository}"\n"Bug Tracker" = "{repository}/issues"\n\n'
    return text.replace("[tool.comfy]\n", urls + "[tool.comfy]\n", 1)


def write_addresses(path: Path, repository: str, tag: str) -> None:
    """The same in the file. Raises as `with_addresses`."""
    text = path.read_text(encoding="utf-8")
    path.write_text(with_addresses(text, repository, tag), encoding="utf-8")
