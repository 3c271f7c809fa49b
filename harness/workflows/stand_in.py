"""The embedded model in the place of a checkpoint, so that every workflow can be run here."""

from pathlib import Path

from PIL import Image

from ..server.client import ComfyClient
from ..server.comfy_server import PACK_ROOT
from .summary import nodes_of
from .workflow import is_link

EXAMPLES = PACK_ROOT / "embedded" / "world" / "examples"
SOURCE, MASK = EXAMPLES / "example_3.png", EXAMPLES / "example_3_mask.png"
INSTRUCTION = "paint the blue square red"
TYPED = {
    "CLIPTextEncode": "text",
    "InstructionVariants": "instruction",
    "PrimitiveStringMultiline": "value",
}
"""Where an instruction is typed, by node."""
CFG = {"cfg_conds": 2.0, "cfg_cond2_negative": 1.5}
# 128 x 128 pixels in ComfyUI's megapixels of 1024 x 1024.
MEGAPIXELS = 128 * 128 / 1024**2


def stand_in(prompt: dict, picture: str) -> dict:
    """The prompt with the embedded model for its checkpoint and what suits that model.

    picture: name of the picture in ComfyUI's input folder that LoadImage is to load
    """
    changed = {key: {**node, "inputs": dict(node["inputs"])} for key, node in prompt.items()}
    if not any(nodes_of(prompt, "CheckpointLoaderSimple")):
        return changed
    for key, _ in nodes_of(prompt, "CheckpointLoaderSimple"):
        changed[key] = {"class_type": "EmbeddedModelLoader", "inputs": {}}
    settings = {
        "LoadImage": {"image": picture},
        "ImageScaleToTotalPixels": {"megapixels": MEGAPIXELS},
        "DualCFGGuider": CFG,
        "BasicScheduler": {"steps": 20},
        "KSamplerSelect": {"sampler_name": "euler"},
    }
    for kind, values in settings.items():
        for key, _ in nodes_of(prompt, kind):
            changed[key]["inputs"] |= values
    for kind, name in TYPED.items():
        for key, node in nodes_of(prompt, kind):
            if node["inputs"][name] and not is_link(node["inputs"][name]):
                changed[key]["inputs"][name] = INSTRUCTION
    return changed


def upload_picture(client: ComfyClient, folder: Path, masked: bool = True) -> str:
    """An example's source with its true mask as transparency, where LoadImage finds it.

    LoadImage's MASK is 1 where a picture is transparent: what the mask editor writes.
    """
    with Image.open(SOURCE) as source, Image.open(MASK) as mask:
        picture = source.convert("RGB")
        if masked:
            picture.putalpha(mask.convert("L").point(lambda value: 255 - value))
        path = folder / "elect_stand_in.png"
        picture.save(path)
    return client.upload(path)
