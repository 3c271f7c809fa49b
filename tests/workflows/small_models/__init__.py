"""A node pack of the tests: editing models of today, small and random, in a real server.

Their files are gigabytes and ComfyUI's loaders fix their widths, so this node stands where a
workflow has its loaders. Model and VAE are ComfyUI's own classes; texts come from the embedded
encoder.
"""

import importlib.util
import sys
import tempfile
from pathlib import Path

import torch
from comfy_api.latest import ComfyExtension, io

from elect_tino.embedded.model.comfyui import load_embedded
from elect_tino.embedded.model.text import PROJECTION_DIM, WIDTH


def _reference_models():
    path = Path(__file__).resolve().parents[2] / "nodes" / "reference_models.py"
    spec = importlib.util.spec_from_file_location("small_reference_models", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


MODELS = _reference_models()
_CAPTIONS = {"caption_channels": [WIDTH, WIDTH], "text_emb_dim": PROJECTION_DIM}
_SDXL_TEXT = {"context_dim": WIDTH, "adm_in_channels": PROJECTION_DIM + 6 * 256}
SETTINGS = {
    "flux_kontext": MODELS.FLUX | {"context_in_dim": WIDTH, "vec_in_dim": PROJECTION_DIM},
    "flux2": MODELS.FLUX2 | {"context_in_dim": WIDTH},
    "qwen_image_edit": MODELS.QWEN | {"joint_attention_dim": WIDTH},
    "omnigen2": MODELS.OMNIGEN2 | {"text_feat_dim": WIDTH},
    "hidream_e1": MODELS.HIDREAM | _CAPTIONS,
    "cosxl_edit": MODELS.COSXL | _SDXL_TEXT,
}
"""Small architectures that read texts as wide as the embedded text encoder gives them."""
VAES = {
    "qwen_image_edit": MODELS.wan_vae,
    "flux2": lambda folder: MODELS.kl_vae(128, 16),
    **dict.fromkeys(
        ("flux_kontext", "omnigen2", "hidream_e1", "ultraedit"),
        lambda folder: MODELS.kl_vae(16, 8),
    ),
}


class WithExtras:
    """The embedded CLIP with what larger encoders give besides: a mask, Llama's features."""

    def __init__(self, clip):
        self.clip = clip

    def __getattr__(self, name: str):
        return getattr(self.clip, name)

    def encode_from_tokens_scheduled(self, tokens, **kwargs):
        encoded = self.clip.encode_from_tokens_scheduled(tokens, **kwargs)
        return [[text, {**extra, **self.extras(text)}] for text, extra in encoded]

    @staticmethod
    def extras(text: torch.Tensor) -> dict[str, torch.Tensor]:
        mask = torch.ones(text.shape[:2], dtype=torch.long)
        return {"attention_mask": mask, "conditioning_llama3": torch.stack([text, text], 1)}


class SmallEditModel(io.ComfyNode):
    """MODEL, CLIP and VAE of a family, small; the embedded ones where a family has none here."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SmallEditModel",
            inputs=[io.String.Input("family")],
            outputs=[io.Model.Output(), io.Clip.Output(), io.Vae.Output()],
        )

    @classmethod
    def execute(cls, family: str) -> io.NodeOutput:
        model, clip, vae = load_embedded()
        with tempfile.TemporaryDirectory() as folder:
            if family in SETTINGS:
                model = MODELS.build(SETTINGS[family], Path(folder))
            if family in VAES:
                vae = VAES[family](Path(folder))
        return io.NodeOutput(model, WithExtras(clip), vae)


class SmallModels(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [SmallEditModel]


async def comfy_entrypoint() -> SmallModels:
    return SmallModels()
