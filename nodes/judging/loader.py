"""VLMLoader: a vision-language model in a folder, for hosts whose CLIP writes no text."""

from __future__ import annotations

from pathlib import Path

import folder_paths
from comfy_api.latest import io

from ..host.judging.local_vlm import load
from ..host.model_folders import register_folder
from ..menu import JUDGING
from .types import EditVlm

_KIND = "LLM"


def _folders() -> dict[str, Path]:
    """Folders with a config.json below models/LLM, by their names there."""
    register_folder(_KIND, set())
    found = {
        config.parent.relative_to(root).as_posix(): config.parent
        for root in map(Path, reversed(folder_paths.get_folder_paths(_KIND)))
        for config in [*root.glob("*/config.json"), *root.glob("*/*/config.json")]
    }
    return dict(sorted(found.items()))


class VLMLoader(io.ComfyNode):
    """A folder of transformers as a model that is asked."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="VLMLoader",
            display_name="Load VLM",
            category=JUDGING,
            description="A vision-language model in a folder (config.json, tokenizer, weights), "
            "by transformers, in memory that ComfyUI manages. Without network or code of its own.",
            inputs=[
                io.Combo.Input(
                    "name",
                    options=list(_folders()),
                    tooltip="A folder in models/LLM, such as Qwen2.5-VL-3B-Instruct.",
                )
            ],
            outputs=[EditVlm.Output(display_name="vlm")],
        )

    @classmethod
    def execute(cls, name) -> io.NodeOutput:
        folder = _folders().get(name)
        if folder is None:
            raise ValueError(
                f"name: there is no folder {name!r} with a config.json in models/LLM. Put it "
                "there, or choose another."
            )
        return io.NodeOutput(load(folder))


NODES: list[type[io.ComfyNode]] = [VLMLoader]
