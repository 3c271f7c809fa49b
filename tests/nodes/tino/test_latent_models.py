"""The loaders of LatentCLIP and LatentVGG: which file, which latent space, whose memory."""

import pickle
from copy import copy
from pathlib import Path

import pytest
import torch

from .small_edit import LATENT_CLIP


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A models/latent_clip folder of our own."""
    import folder_paths

    from elect_tino.nodes.tino import latent_models

    latent_models.register_folder("latent_clip", {".safetensors", ".pt"})
    paths, extensions = folder_paths.folder_names_and_paths["latent_clip"]
    monkeypatch.setitem(
        folder_paths.folder_names_and_paths, "latent_clip", ([str(tmp_path)], extensions)
    )
    folder_paths.filename_list_cache.pop("latent_clip", None)
    return tmp_path


def clip(name, space="from the file"):
    from elect_tino.nodes.tino.latent_models import LatentCLIPLoader

    with torch.inference_mode():
        return LatentCLIPLoader.execute(name, space).args[0]


def openai_state(latents: int = 4) -> dict:
    """A small state dict with the authors' key names."""
    state = {
        "conv1.weight": torch.randn(64, latents, 9, 9),
        "class_embedding": torch.randn(64),
        "positional_embedding": torch.randn(50, 64),
        "proj": torch.randn(64, 16),
    }
    for name in ("ln_pre", "ln_post"):
        state |= {f"{name}.weight": torch.ones(64), f"{name}.bias": torch.zeros(64)}
    block = "transformer.resblocks.0"
    shapes = {
        "attn.in_proj_weight": (192, 64),
        "attn.in_proj_bias": (192,),
        "attn.out_proj.weight": (64, 64),
        "attn.out_proj.bias": (64,),
        "ln_1.weight": (64,),
        "ln_1.bias": (64,),
        "ln_2.weight": (64,),
        "ln_2.bias": (64,),
        "mlp.c_fc.weight": (128, 64),
        "mlp.c_fc.bias": (128,),
        "mlp.c_proj.weight": (64, 128),
        "mlp.c_proj.bias": (64,),
    }
    return state | {f"{block}.{name}": torch.randn(shape) for name, shape in shapes.items()}


def test_our_file_says_its_space(folder):
    from elect_tino.tino_core.latent_clip import LatentCLIP

    LatentCLIP(LATENT_CLIP, "SDXL").save(folder / "ours.safetensors")
    loaded = clip("ours.safetensors")
    assert loaded.space == "SDXL"
    with torch.inference_mode():
        assert loaded.features(torch.randn(2, 4, 12, 9)).shape == (2, 16)
    loaded.require("SDXL")
    with pytest.raises(ValueError, match="ours.safetensors: .*latents of SDXL, .* uses SD15"):
        loaded.require("SD15")
    with pytest.raises(ValueError, match="trained on latents of SDXL"):
        clip("ours.safetensors", "SD15")


def test_the_authors_file_needs_its_space_named(folder):
    torch.save(openai_state(), folder / "authors.pt")
    assert clip("authors.pt", "SDXL").space == "SDXL"
    with pytest.raises(ValueError, match="latent_space: authors.pt does not say"):
        clip("authors.pt")


@pytest.mark.parametrize("kind", ["truncated", "pickle", "missing", "other architecture"])
def test_what_is_no_latent_clip_is_refused(folder, kind):
    from elect_tino.tino_core.latent_clip import LatentCLIP

    if kind == "truncated":
        LatentCLIP(LATENT_CLIP, "SDXL").save(folder / "x.safetensors")
        whole = (folder / "x.safetensors").read_bytes()
        (folder / "x.safetensors").write_bytes(whole[:-100])
    elif kind == "pickle":
        (folder / "x.pt").write_bytes(pickle.dumps(print))
    elif kind == "other architecture":
        torch.save({"weight": torch.zeros(3)}, folder / "x.pt")
    name = {"truncated": "x.safetensors", "missing": "y.pt"}.get(kind, "x.pt")
    with pytest.raises((ValueError, FileNotFoundError), match=name):
        clip(name, "SDXL")


def test_it_is_loaded_by_comfyuis_model_management(folder):
    import comfy.model_management

    from elect_tino.tino_core.latent_clip import LatentCLIP

    LatentCLIP(LATENT_CLIP, "SDXL").save(folder / "ours.safetensors")
    (patcher,) = clip("ours.safetensors").patchers
    with torch.inference_mode():
        comfy.model_management.load_models_gpu([patcher])
    assert any(one.model is patcher for one in comfy.model_management.current_loaded_models)


@pytest.mark.parametrize("known", [{".bin"}, [".bin"], (".bin",), None], ids=str)
@pytest.mark.parametrize("container", [list, tuple])
@pytest.mark.parametrize("ours", [set(), {".pt"}], ids=str)
def test_what_another_pack_registered_stays(monkeypatch, known, container, ours):
    import folder_paths

    from elect_tino.nodes.host.model_folders import register_folder

    before = copy(known)
    theirs = (container(["/theirs"]), known)
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "LLM", theirs)
    for _ in range(2):
        register_folder("LLM", ours)
    paths, extensions = folder_paths.folder_names_and_paths["LLM"]
    assert paths == ["/theirs", str(Path(folder_paths.models_dir, "LLM"))]
    assert known == before
    if ours:
        assert extensions == {*(known or ()), ".pt"}
    else:
        assert extensions is known


def test_the_extensions_that_comfyuis_kinds_share_stay(monkeypatch):
    import folder_paths

    from elect_tino.nodes.host.model_folders import register_folder

    shared = folder_paths.supported_pt_extensions
    before = set(shared)
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "LLM", ([], shared))
    register_folder("LLM", {".of_ours"})
    assert shared == before
    assert folder_paths.folder_names_and_paths["LLM"][1] == {*before, ".of_ours"}


def test_the_pack_loads_beside_one_that_lists_its_extensions(monkeypatch):
    import folder_paths

    from elect_tino.nodes.edit_models.mgie import MGIELoader

    theirs = (["/theirs"], [".safetensors"])
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "LLM", theirs)
    assert MGIELoader.define_schema().node_id == "MGIELoader"
