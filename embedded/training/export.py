"""Writes trained weights as fp16 safetensors with metadata that says what they are."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor

from ...tensor_files import written_whole
from ..model.shipped import WEIGHTS
from ..model.vae import TinyVAE, widen
from .editor import Editor
from .variants import Variant, weights_of

LICENCE = {"license": "Apache-2.0", "format": "pt"}
_WORLD = "procedural 128x128 scenes of elect_tino.embedded.world (training split)"


def write(path: Path, state: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Half-precision safetensors, moved into place in one step."""
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    half = {k: v.detach().to(torch.float16).contiguous() for k, v in state.items()}
    with written_whole(path) as part:
        save_file(half, part, metadata={**LICENCE, **metadata})
        part.chmod(0o644)


def export_vae(vae: TinyVAE, steps: int, which: str = "", folder: Path = WEIGHTS) -> None:
    write(
        folder / "vae.safetensors",
        widen(vae),
        {
            "title": "Embedded tiny VAE (TAESD layout, f8, 4 channels)",
            "trained": f"{which}{steps} steps on crops of {_WORLD}; elect_tino.embedded.train vae",
        },
    )


def rgb_factors(editor: Editor, vae: TinyVAE, latents: Tensor) -> list[list[float]]:
    """Least-squares map from normalised latents and 1 to colours in [-1, 1], (C + 1, 3).

    latents (N, C, h, w): stored latents to fit on. ComfyUI draws its previews with this.
    """
    with torch.no_grad():
        colours = torch.nn.functional.avg_pool2d(vae.decode(latents), 8) * 2 - 1
        known = editor.normalise(latents).permute(0, 2, 3, 1).flatten(0, 2)
        known = torch.cat([known, torch.ones(len(known), 1)], 1)
        wanted = colours.permute(0, 2, 3, 1).flatten(0, 2)
        return torch.linalg.lstsq(known, wanted).solution.tolist()


def _latent_metadata(editor: Editor, factors: list[list[float]]) -> dict[str, str]:
    latent = {
        "mean": editor.latent_mean.flatten().tolist(),
        "std": editor.latent_std.flatten().tolist(),
        "rgb_factors": factors,
    }
    return {"prediction": editor.objective.description, "latent": json.dumps(latent)}


def export_editor(
    editor: Editor, steps: int, factors: list[list[float]], folder: Path = WEIGHTS
) -> None:
    """UNet and text encoder; the mask heads of the training stay behind."""
    trained = f"{steps} steps on {_WORLD}; python -m elect_tino.embedded.train unet"
    write(
        folder / "unet.safetensors",
        editor.unet.state_dict(),
        {
            "title": "Embedded tiny InstructPix2Pix UNet (LDM keys)",
            **_latent_metadata(editor, factors),
            "trained": trained,
        },
    )
    write(
        folder / "text_encoder.safetensors",
        editor.text.state_dict(),
        {"title": "Embedded tiny text encoder (CLIP keys, own vocabulary)", "trained": trained},
    )


def export_tuned(
    stage: str, variant: Variant, editor: Editor, steps: int, factors: list[list[float]],
    folder: Path = WEIGHTS,
) -> None:  # fmt: skip
    """A UNet tuned by a stage; text encoders are shared."""
    write(
        folder / f"{weights_of(stage)}.safetensors",
        editor.unet.state_dict(),
        {
            "title": f"Embedded tiny UNet {variant.title} (LDM keys)",
            **_latent_metadata(editor, factors),
            "trained": f"{variant.start}.safetensors, {steps} more steps on {_WORLD}; "
            f"python -m elect_tino.embedded.train {stage}",
        },
    )
