"""Files made to harm, at every loader of the pack: nothing in them runs, nothing is written."""

import json
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from .payload import Payload

pytestmark = [
    pytest.mark.comfy,
    pytest.mark.filterwarnings("ignore:Detected pickle protocol"),
]


def plain_pickle(left: Path) -> bytes:
    return pickle.dumps({"weight": Payload(left)})


def torch_pickle(left: Path) -> bytes:
    path = left.with_suffix(".made")
    torch.save({"weight": torch.zeros(1), "x": Payload(left)}, path)
    return path.read_bytes()


def header(text: bytes, claims: int | None = None, data: bytes = b"") -> Callable[[Path], bytes]:
    """A safetensors file of this header, which claims to be so many bytes long."""
    length = len(text) if claims is None else claims
    return lambda left: struct.pack("<Q", length) + text + data


def described(**tensors: tuple[list[int], list[int]]) -> bytes:
    """A header: name -> shape and offsets."""
    made = {n: {"dtype": "F32", "shape": s, "data_offsets": o} for n, (s, o) in tensors.items()}
    return json.dumps(made).encode()


HUGE = 2**40
HOSTILE: dict[str, tuple[str, Callable[[Path], bytes]]] = {
    "a pickle with a payload": (".bin", plain_pickle),
    "torch's archive with a payload": (".pt", torch_pickle),
    "a payload in a checkpoint": (".ckpt", torch_pickle),
    "a pickle named safetensors": (".safetensors", plain_pickle),
    "an empty file": (".safetensors", lambda left: b""),
    "a header longer than the file": (".safetensors", header(b"{}", claims=10**6)),
    "a header of terabytes": (".safetensors", header(b"{}", claims=2**63)),
    "a header that is no JSON": (".safetensors", header(b"[" * 5000)),
    "a shape of terabytes": (
        ".safetensors",
        header(described(w=([HUGE, HUGE], [0, 8])), data=bytes(8)),
    ),
    "offsets beyond the end": (".safetensors", header(described(w=([2], [0, 8])), data=bytes(4))),
    "offsets before the start": (
        ".safetensors",
        header(described(w=([2], [-8, 0])), data=bytes(8)),
    ),
    "tensors over each other": (
        ".safetensors",
        header(described(a=([2], [0, 8]), b=([2], [4, 12])), data=bytes(12)),
    ),
    "names that climb": (
        ".safetensors",
        header(described(**{"../../climbed": ([2], [0, 8])}), data=bytes(8)),
    ),
    "an archive of nothing": (".pt", lambda left: b"PK\x05\x06" + bytes(18)),
}


def edit_model(name: str) -> object:
    from elect_tino.nodes.edit_models.loader import EditModelLoader

    return EditModelLoader.execute(name)


def latent_clip(name: str) -> object:
    from elect_tino.nodes.tino.latent_models import LatentCLIPLoader

    return LatentCLIPLoader.execute(name, "SDXL", "default")


def latent_vgg(name: str) -> object:
    from elect_tino.nodes.tino.latent_models import LatentVGGLoader

    return LatentVGGLoader.execute(name, "SDXL")


LOADERS = {
    "diffusion_models": edit_model,
    "latent_clip": latent_clip,
    "latent_vgg": latent_vgg,
}


@pytest.fixture(params=list(LOADERS))
def loader(request, tmp_path, monkeypatch):
    """A loader's call and the folder in which it looks."""
    import folder_paths

    from elect_tino.nodes.tino.latent_models import LatentCLIPLoader, LatentVGGLoader

    LatentCLIPLoader.define_schema()  # registers its folder, as a server's start does
    LatentVGGLoader.define_schema()
    folder = tmp_path / "models"
    folder.mkdir()
    kind = request.param
    _, known = folder_paths.folder_names_and_paths[kind]
    monkeypatch.setitem(folder_paths.folder_names_and_paths, kind, ([str(folder)], known))
    folder_paths.filename_list_cache.pop(kind, None)
    yield LOADERS[kind], folder
    folder_paths.filename_list_cache.pop(kind, None)


def everything(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused_by_its_name(case, loader, tmp_path):
    load, folder = loader
    suffix, make = HOSTILE[case]
    left = tmp_path / "left behind"
    (folder / f"hostile{suffix}").write_bytes(make(left))
    before = everything(tmp_path)
    with pytest.raises(ValueError, match="hostile"):
        load(f"hostile{suffix}")
    assert not left.exists()
    assert everything(tmp_path) == before


@pytest.mark.parametrize("name", ["../outside.safetensors", "/etc/passwd", "a/../../outside.pt"])
def test_a_name_that_climbs_is_not_followed(name, loader, tmp_path):
    load, _ = loader
    (tmp_path / "outside.safetensors").write_bytes(header(described(w=([1], [0, 4])))(tmp_path))
    torch.save({"w": torch.zeros(1)}, tmp_path / "outside.pt")
    with pytest.raises((ValueError, FileNotFoundError)):
        load(name)


def test_a_folder_that_brings_code_runs_none_of_it(loader, tmp_path):
    """`auto_map` is how such folders ask for their own Python to be run."""
    import folder_paths

    from elect_tino.nodes.edit_models.loader import EditModelLoader

    left = tmp_path / "left behind"
    folder = Path(folder_paths.get_folder_paths("diffusers")[0]) / "brings_code"
    (folder / "unet").mkdir(parents=True, exist_ok=True)
    code = f"from pathlib import Path\nPath({str(left)!r}).touch()\n"
    for place in ("pipeline.py", "unet/model.py", "unet/__init__.py"):
        (folder / place).write_text(code, encoding="utf-8")
    index = {"_class_name": ["pipeline", "Own"], "unet": ["model", "Own"]}
    (folder / "model_index.json").write_text(json.dumps(index), encoding="utf-8")
    config = {"_class_name": "Own", "auto_map": {"AutoModel": "model.Own"}}
    (folder / "unet" / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ValueError, match="^name: .*brings_code"):
        EditModelLoader.execute("brings_code/")
    assert not left.exists()
