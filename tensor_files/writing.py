"""Files that are whole or not there, and tensors and text in one safetensors file."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from safetensors.torch import save_file
from torch import Tensor


@contextmanager
def written_whole(path: str | Path, scratch: str | Path | None = None) -> Iterator[Path]:
    """A path to write to, which is moved to `path` in one step once the block has ended well.

    scratch: a folder that is emptied now and then. Where it lies on the same disk the part is
        written there, so that a kill leaves nothing at all in the folder of `path`; else, and
        without it, the part lies beside `path` and ends with ".part".
    """
    path = Path(path)
    part = _place(path, scratch) / f"{uuid4().hex}.part"
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _place(path: Path, scratch: str | Path | None) -> Path:
    if scratch is None:
        return path.parent
    Path(scratch).mkdir(parents=True, exist_ok=True)
    return Path(scratch) if _disk(scratch) == _disk(path.parent) else path.parent


def _disk(folder: str | Path) -> int:
    return os.stat(folder).st_dev


def write_tensor_file(
    path: str | Path,
    tensors: Mapping[str, Tensor],
    metadata: Mapping[str, str],
    scratch: str | Path | None = None,
) -> None:
    """Write tensors and text, whole or not at all; scratch as in `written_whole`."""
    with written_whole(path, scratch) as part:
        save_file(dict(tensors), part, dict(metadata))
