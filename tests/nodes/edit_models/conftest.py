"""Editing models as real diffusers folders in ComfyUI's own model folders."""

import functools
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from .small_models import (
    UltraEditModules,
    pix2pix_pipeline,
    pix2pix_unet,
    save_pix2pix,
    ultraedit_parts,
    ultraedit_transformer,
)

PROMPT = "make it red"


@dataclass(frozen=True)
class Saved:
    """A folder in ComfyUI's models/diffusers, and the modules that were saved there."""

    name: str
    folder: Path
    modules: Any


def models(kind: str) -> Path:
    """ComfyUI's folder of a kind, made if need be."""
    import folder_paths

    folder = Path(folder_paths.get_folder_paths(kind)[0])
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def picture(height: int = 64, width: int = 48) -> torch.Tensor:
    """An IMAGE (1, H, W, 3) that is not square."""
    return torch.rand(1, height, width, 3, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="session")
def instruct_pix2pix() -> Saved:
    """As its authors publish it: safetensors, 8 heads."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        pipe = pix2pix_pipeline(heads=8)
    folder = models("diffusers") / "instruct-pix2pix"
    save_pix2pix(pipe, folder)
    return Saved("instruct-pix2pix/", folder, pipe)


@pytest.fixture(scope="session")
def magicbrush(instruct_pix2pix: Saved) -> Saved:
    """The same architecture with a UNet of its own, in pickles, below a folder of the author's."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        unet = pix2pix_unet(heads=4)
    pipe = type(instruct_pix2pix.modules)(
        **{**instruct_pix2pix.modules.components, "unet": unet}, requires_safety_checker=False
    )
    pipe.set_progress_bar_config(disable=True)
    folder = models("diffusers") / "author" / "magicbrush"
    shutil.copytree(
        instruct_pix2pix.folder,
        folder,
        ignore=shutil.ignore_patterns("unet"),
        copy_function=lambda a, b: Path(b).symlink_to(a),
    )
    unet.save_config(folder / "unet")
    torch.save(unet.state_dict(), folder / "unet/diffusion_pytorch_model.bin")
    return Saved("author/magicbrush/", folder, pipe)


@pytest.fixture(scope="session")
def shared() -> dict[str, Any]:
    """VAE and text encoders of both UltraEdits."""
    with torch.random.fork_rng():
        torch.manual_seed(2)
        return ultraedit_parts()


@pytest.fixture(scope="session")
def free_form(shared: dict[str, Any]) -> Saved:
    """UltraEdit with 32 input channels."""
    return _saved_ultraedit("ultraedit-free", 32, "10GB", shared)


@pytest.fixture(scope="session")
def masked(shared: dict[str, Any]) -> Saved:
    """UltraEdit with 48 input channels, its transformer in shards."""
    return _saved_ultraedit("ultraedit-mask", 48, "1MB", shared)


def _saved_ultraedit(name: str, in_channels: int, shard: str, parts: dict[str, Any]) -> Saved:
    with torch.random.fork_rng():
        torch.manual_seed(in_channels)
        modules = UltraEditModules(ultraedit_transformer(in_channels), **parts)
    folder = models("diffusers") / name
    modules.save(folder, shard)
    return Saved(f"{name}/", folder, modules)


@pytest.fixture(scope="session")
def load():
    """EditModelLoader's `execute`, in inference mode as ComfyUI runs it."""
    from elect_tino.nodes.edit_models.loader import EditModelLoader

    @torch.inference_mode()
    def run(name: str, weight_dtype: str = "fp32") -> tuple:
        return EditModelLoader.execute(name, weight_dtype).args

    return run


@pytest.fixture(scope="session")
def loaded(load):
    """As `load`, but each name and dtype once: for folders that no test changes."""
    return functools.cache(load)


@pytest.fixture(scope="session")
def encode():
    """CLIPTextEncode."""

    @torch.inference_mode()
    def run(clip, text: str) -> list:
        return clip.encode_from_tokens_scheduled(clip.tokenize(text))

    return run


@pytest.fixture
def copy_of(tmp_path):
    """Makes a folder whose files are links to a saved one's, to be put in their place anew."""
    made = []

    def make(saved: Saved) -> tuple[str, Path]:
        name = f"copy-{len(made)}-of-{saved.folder.name}-{tmp_path.name}"
        folder = models("diffusers") / name
        made.append(folder)
        shutil.copytree(saved.folder, folder, copy_function=lambda a, b: Path(b).symlink_to(a))
        return f"{name}/", folder

    yield make
    for folder in made:
        shutil.rmtree(folder)


@pytest.fixture
def file_of(tmp_path):
    """Puts tensors into a file of models/diffusion_models; gives its name."""
    made = []

    def make(state, ending: str = ".safetensors") -> str:
        path = models("diffusion_models") / f"{tmp_path.name}-{len(made)}{ending}"
        made.append(path)
        save_file(state, path) if ending == ".safetensors" else torch.save(state, path)
        return path.name

    yield make
    for path in made:
        path.unlink()
