"""A node pack of the tests: editing models of today, small and random, in a real server.

Their files are gigabytes and ComfyUI's loaders fix their widths, so this node stands where a
workflow has its loaders. Model and VAE are ComfyUI's own classes; texts come from the embedded
encoder.
"""

import importlib
import sys
import tempfile
import types
from pathlib import Path

import torch
from comfy_api.latest import ComfyExtension, io
from torch.nn.functional import pad

from elect_tino.embedded.model.comfyui import load_embedded
from elect_tino.embedded.model.text import PROJECTION_DIM, WIDTH


def _of_the_tests(name: str):
    """A module of `tests/nodes`, under a package of its own: pytest's are not here."""
    folder = Path(__file__).resolve().parents[2] / "nodes"
    if "small_reference" not in sys.modules:
        package = types.ModuleType("small_reference")
        package.__path__ = [str(folder)]
        sys.modules["small_reference"] = package
    return importlib.import_module(f"small_reference.{name}")


MODELS, NEWER = _of_the_tests("reference_models"), _of_the_tests("newer_models")
_CAPTIONS = {"caption_channels": [WIDTH, WIDTH], "text_emb_dim": PROJECTION_DIM}
_KLEIN = ("flux2_klein", "flux2_klein_base", "flux2_klein_kv")
_MAGE = ("mage_flow_edit", "mage_flow_edit_turbo")
_SDXL_TEXT = {"context_dim": WIDTH, "adm_in_channels": PROJECTION_DIM + 6 * 256}
SETTINGS = {
    "flux_kontext": MODELS.FLUX | {"context_in_dim": WIDTH, "vec_in_dim": PROJECTION_DIM},
    "flux2": MODELS.FLUX2 | {"context_in_dim": WIDTH},
    "qwen_image_edit": MODELS.QWEN | {"joint_attention_dim": WIDTH},
    "omnigen2": MODELS.OMNIGEN2 | {"text_feat_dim": WIDTH},
    "hidream_e1": MODELS.HIDREAM | _CAPTIONS,
    "cosxl_edit": MODELS.COSXL | _SDXL_TEXT,
    "qwen_image_edit_2509": MODELS.QWEN | {"joint_attention_dim": WIDTH},
    "qwen_image_edit_2511": NEWER.QWEN_2511 | {"joint_attention_dim": WIDTH},
    "firered_image_edit": MODELS.QWEN | {"joint_attention_dim": WIDTH},
    **dict.fromkeys(_KLEIN, NEWER.KLEIN | {"context_in_dim": WIDTH}),
    "longcat_image_edit": NEWER.LONGCAT | {"context_in_dim": WIDTH},
    "joyai_image_edit": NEWER.JOYAI | {"text_dim": WIDTH},
    "boogu_image_edit": NEWER.BOOGU | {"instruction_feat_dim": WIDTH},
    **dict.fromkeys(_MAGE, NEWER.MAGE | {"joint_attention_dim": WIDTH}),
    "capybara": NEWER.CAPYBARA | {"context_in_dim": WIDTH},
}
"""Small architectures that read texts as wide as the embedded text encoder gives them."""


class OneFrame:
    """A VAE of pictures in the place of one of videos, for videos of one frame."""

    def __init__(self, vae):
        self.vae = vae

    def __getattr__(self, name: str):
        return getattr(self.vae, name)

    def encode(self, pixels):
        return self.vae.encode(pixels)[:, :, None]

    def decode(self, latent):
        return self.vae.decode(latent[:, :, 0])


class Reduced:
    """A VAE that sees large pictures smaller: a text node scales its own to a megapixel, which
    takes half a minute to encode and to attend to."""

    LARGEST = 256

    def __init__(self, vae):
        self.vae = vae

    def __getattr__(self, name: str):
        return getattr(self.vae, name)

    def encode(self, pixels):
        stride = -(-max(pixels.shape[-3:-1]) // self.LARGEST)
        return self.vae.encode(pixels[..., ::stride, ::stride, :])


_QWENS = ("qwen_image_edit", "qwen_image_edit_2509", "qwen_image_edit_2511", "firered_image_edit")
VAES = {
    **dict.fromkeys((*_QWENS, "joyai_image_edit"), lambda folder: Reduced(MODELS.wan_vae(folder))),
    "chronoedit": MODELS.wan_vae,
    **dict.fromkeys(("flux2", *_KLEIN, *_MAGE), lambda folder: Reduced(MODELS.kl_vae(128, 16))),
    "capybara": lambda folder: OneFrame(MODELS.kl_vae(32, 16)),
    **dict.fromkeys(
        (
            "flux_kontext",
            "omnigen2",
            "hidream_e1",
            "ultraedit",
            "longcat_image_edit",
            "boogu_image_edit",
        ),
        lambda folder: Reduced(MODELS.kl_vae(16, 8)),
    ),
}


class WithExtras:
    """The embedded CLIP with what larger encoders give besides: a mask, Llama's features."""

    def __init__(self, clip, width: int = WIDTH, masked: bool = True):
        self.clip, self.width, self.masked = clip, width, masked

    def __getattr__(self, name: str):
        return getattr(self.clip, name)

    def encode_from_tokens_scheduled(self, tokens, **kwargs):
        encoded = self.clip.encode_from_tokens_scheduled(tokens, **kwargs)
        encoded = [[pad(text, (0, self.width - WIDTH)), extra] for text, extra in encoded]
        return [[text, {**extra, **self.extras(text)}] for text, extra in encoded]

    def extras(self, text: torch.Tensor) -> dict[str, torch.Tensor]:
        mask = torch.ones(text.shape[:2], dtype=torch.long)
        masks = {"attention_mask": mask} if self.masked else {}
        return {**masks, "conditioning_llama3": torch.stack([text, text], 1)}


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
            if family == "chronoedit":
                model = MODELS.build_wan(Path(folder), in_dim=36, model_type="i2v")
            if family in VAES:
                vae = VAES[family](Path(folder))
        width = 4096 if family == "chronoedit" else WIDTH  # Wan's loader fixes it
        # HunyuanVideo 1.5 takes a mask only of texts of several lengths.
        texts = WithExtras(clip, width, masked=family != "capybara")
        return io.NodeOutput(model, texts, vae)


class SmallModels(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [SmallEditModel]


async def comfy_entrypoint() -> SmallModels:
    return SmallModels()
