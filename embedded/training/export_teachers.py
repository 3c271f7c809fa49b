"""Writes the trained teachers: float16 weights that ship, and what the training script reads."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image

from ...tino_core.latent_vgg import LatentVGG
from ..data.teacher_pictures import load_pictures, render_pairs
from ..model.observers import Observer, build_clip_tower
from ..model.shipped import WEIGHTS, shipped, shipped_latents
from .clip import ClipTeacher
from .export import LICENCE, write

NUM_TRAIN, NUM_VAL = 6_000, 300
_ON = "of elect_tino.embedded.world (training split); python -m elect_tino.embedded.train_teachers"


def export_clip(teacher: ClipTeacher, steps: int, stage: str, folder: Path = WEIGHTS) -> None:
    """The image tower, and apart from it the projection that the embedded CLIP needs too."""
    before = "" if stage == "clip" else "on from the teacher before, "
    trained = f"{before}{steps} steps on captioned pictures and wrong answers {_ON} {stage}"
    title = "Embedded CLIP-like teacher: image tower (transformers keys, 64x64 pixels)"
    write(folder / "teacher_clip.safetensors", teacher.tower.state_dict(), {
        "title": title, "trained": trained,
    })  # fmt: skip
    title = "Embedded text encoder: projection into the space of the CLIP-like teacher"
    write(
        folder / "text_projection.safetensors",
        {f"text_projection.{k}": v for k, v in teacher.text_projection.state_dict().items()},
        {"title": title, "trained": trained},
    )


def export_observer(observer: Observer, steps: int, folder: Path = WEIGHTS) -> None:
    title = "Embedded observer: self-supervised features, used by no loss"
    trained = f"{steps} steps on pictures without captions {_ON} observer"
    state = observer.state_dict()
    write(folder / "observer.safetensors", state, {"title": title, "trained": trained})


def export_vgg(vgg: LatentVGG, steps: int, folder: Path = WEIGHTS) -> None:
    """A LatentVGG file of a network of pictures, which the training script takes as a teacher."""
    title = "Embedded VGG-like teacher: names what 128x128 pictures show"
    notes = {**LICENCE, "title": title, "trained": f"{steps} steps on labelled pictures {_ON} vgg"}
    vgg.save(folder / "teacher_vgg.safetensors", torch.float16, notes)


def clip_folder(folder: Path) -> Path:
    """The shipped CLIP-like teacher as a folder of transformers."""
    tower = build_clip_tower()
    tower.load_state_dict(shipped("teacher_clip.safetensors"))
    tower.save_pretrained(folder)
    return folder


def vae_folder(folder: Path) -> Path:
    """The shipped VAE's encoder as an AutoencoderTiny whose latents are the model's own.

    ComfyUI encodes, scales and shifts all channels alike, then `EmbeddedLatent.process_in`
    normalises each: three linear maps that go into the last convolution. The decoder starts with a
    tanh, into which the way back does not go; it is left as it is and means nothing.
    """
    from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny

    vae, state, wide = AutoencoderTiny(), {}, shipped("vae.safetensors")
    for key in vae.state_dict():
        part, _, rest = key.partition(".layers.")
        state[key] = wide[f"taesd_{part}.{_comfyui_number(part, rest)}"]
    latent = shipped_latents("unet.safetensors")
    mean, std = torch.tensor(latent["mean"]), torch.tensor(latent["std"])
    last = max(int(key.split(".")[2]) for key in state if key.startswith("encoder"))
    weight, bias = f"encoder.layers.{last}.weight", f"encoder.layers.{last}.bias"
    scale, shift = wide["vae_scale"], wide["vae_shift"]
    state[weight] = state[weight] / (scale * std).view(-1, 1, 1, 1)
    state[bias] = (state[bias] / scale + shift - mean) / std
    vae.load_state_dict(state)
    vae.save_pretrained(folder)
    return folder


def picture_folder(rendered: Path, folder: Path) -> None:
    """Edits and wrong answers to them as PNG files in train, edits of validation in val."""
    splits = {
        "train": load_pictures(rendered).flat().pictures[:NUM_TRAIN],
        "val": render_pairs("val", 0, NUM_VAL // 2).flat().pictures,
    }
    for split, pictures in splits.items():
        (folder / split).mkdir(parents=True, exist_ok=True)
        for number, picture in enumerate(pictures):
            path = folder / split / f"{number:05d}.png"
            if not path.exists():
                Image.fromarray(picture.permute(1, 2, 0).numpy()).save(path)


def _comfyui_number(part: str, key: str) -> str:
    """ComfyUI's decoder counts its clamp as a layer, diffusers' does not."""
    number, _, rest = key.partition(".")
    return f"{int(number) + (part == 'decoder')}.{rest}"
