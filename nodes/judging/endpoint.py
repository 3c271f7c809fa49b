"""VLMEndpoint: a model behind an OpenAI-compatible URL."""

from __future__ import annotations

import comfy.model_management
from comfy_api.latest import io

from ...judging.endpoint import Endpoint, Settings
from ..menu import JUDGING
from .types import EditVlm


class VLMEndpoint(io.ComfyNode):
    """A vision-language model on a server: Ollama, llama.cpp, vLLM, LM Studio, or hosted."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="VLMEndpoint",
            display_name="VLM Endpoint",
            category=JUDGING,
            description="A model that sees, behind any OpenAI-compatible URL. Nothing is sent "
            "until a judge asks.",
            inputs=[
                io.String.Input(
                    "base_url",
                    default="http://127.0.0.1:11434/v1",
                    tooltip="Ollama: http://127.0.0.1:11434/v1, LM Studio: http://127.0.0.1:1234/v1"
                    ", llama.cpp: http://127.0.0.1:8080/v1, vLLM: http://127.0.0.1:8000/v1.",
                ),
                io.String.Input(
                    "model",
                    default="",
                    tooltip="The model's name on that server, such as qwen3-vl:4b-instruct; empty "
                    "takes the first that the server lists.",
                ),
                io.Float.Input(
                    "timeout",
                    default=120.0,
                    min=1.0,
                    max=3600.0,
                    step=1.0,
                    tooltip="Seconds to wait for one answer, the model's loading included.",
                ),
                io.Int.Input(
                    "retries",
                    default=2,
                    min=0,
                    max=10,
                    tooltip="How often a question that failed is asked again.",
                ),
                io.Float.Input(
                    "max_megapixels",
                    default=1.0,
                    min=0.05,
                    max=16.0,
                    step=0.05,
                    tooltip="Larger pictures are scaled down to this before they are sent, as PNG.",
                ),
                io.Int.Input(
                    "max_tokens",
                    default=512,
                    min=16,
                    max=8192,
                    tooltip="Longest answer, in tokens. Raise it for models that think aloud.",
                ),
                io.String.Input(
                    "key_variable",
                    default="",
                    tooltip="Name of the environment variable that holds the key, such as "
                    "OPENAI_API_KEY; never the key itself. Empty for local servers.",
                ),
                io.Boolean.Input(
                    "allow_public",
                    default=False,
                    tooltip="Allow a server outside this machine and private networks: pictures "
                    "and instruction then leave them.",
                ),
            ],
            outputs=[EditVlm.Output(display_name="vlm")],
        )

    @classmethod
    def execute(
        cls,
        base_url,
        model,
        timeout,
        retries,
        max_megapixels,
        max_tokens,
        key_variable,
        allow_public,
    ) -> io.NodeOutput:
        settings = Settings(
            base_url=base_url,
            model=model,
            timeout=timeout,
            retries=retries,
            max_pixels=round(max_megapixels * 1024 * 1024),
            max_tokens=max_tokens,
            key_variable=key_variable,
            allow_public=allow_public,
        )
        stop = comfy.model_management.throw_exception_if_processing_interrupted
        return io.NodeOutput(Endpoint(settings, on_wait=stop))


NODES: list[type[io.ComfyNode]] = [VLMEndpoint]
