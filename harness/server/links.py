"""Links the pack's folder into another folder: a symlink, on Windows a directory junction."""

import os
from pathlib import Path


def link_folder(target: Path, link: Path) -> bool:
    """Make `link` lead to `target`; True if it had to be made.

    A link to elsewhere is replaced. A real folder or file in its place is left alone and raises
    FileExistsError, so that nothing of a user's is ever removed.
    """
    target = target.resolve()
    if is_link(link):
        if link.exists() and link.resolve() == target:
            return False
        remove_link(link)
    elif link.exists():
        raise FileExistsError(f"{link} is in the way: move it elsewhere and run this again")
    link.parent.mkdir(parents=True, exist_ok=True)
    make_link(target, link)
    return True


def is_link(path: Path) -> bool:
    """A symlink or a junction, whether or not it leads anywhere."""
    if path.is_symlink():
        return True
    try:
        return os.name == "nt" and bool(os.readlink(path))
    except OSError:
        return False


def make_link(target: Path, link: Path) -> None:
    if os.name == "nt":
        import _winapi

        _winapi.CreateJunction(str(target), str(link))  # type: ignore[attr-defined]
    else:
        link.symlink_to(target, target_is_directory=True)


def remove_link(link: Path) -> None:
    if os.name == "nt" and not link.is_symlink():
        link.rmdir()  # a junction: removes the link, not what it leads to
    else:
        link.unlink()
