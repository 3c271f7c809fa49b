"""MGIE under ComfyUI's model management: loaded part by part, streamed where memory is short."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import comfy.model_management
import comfy.ops
import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor, nn

from ....edit_models.mgie import Imagined, Mgie
from ....edit_models.mgie_load import load_mgie


class _Embedding(comfy.ops.manual_cast.Embedding):
    """Word embeddings that come out in the dtype to compute in, whatever they are stored in."""

    def __init__(self, num: int, width: int, compute: torch.dtype, **options):
        super().__init__(num, width, **options)
        self.compute = compute

    def forward(self, tokens: Tensor) -> Tensor:
        return super().forward(tokens, out_dtype=self.compute)


def _twin(layer: nn.Module, compute: torch.dtype) -> nn.Module | None:
    """ComfyUI's layer in place of PyTorch's or transformers'; None where there is none."""
    ops = comfy.ops.manual_cast
    if isinstance(layer, nn.Linear):
        bias = layer.bias is not None
        return ops.Linear(layer.in_features, layer.out_features, bias=bias, device="meta")
    if isinstance(layer, nn.Embedding):
        sizes = (layer.num_embeddings, layer.embedding_dim)
        return _Embedding(*sizes, compute, padding_idx=layer.padding_idx, device="meta")
    epsilon = getattr(layer, "variance_epsilon", None)  # LlamaRMSNorm
    if epsilon is not None:
        return ops.RMSNorm(layer.weight.shape, eps=epsilon, device="meta")
    return None


def make_streamable(module: nn.Module, stored: torch.dtype, compute: torch.dtype) -> None:
    """Swap the layers for ComfyUI's, which may stay in RAM and are cast as they are called.

    stored, compute: dtypes of the matrices, and of what flows through them
    """
    for name, layer in list(module.named_modules()):
        twin = _twin(layer, compute)
        if twin is None:
            continue
        for key, weight in layer.named_parameters():
            kept = weight.detach().to(stored if isinstance(layer, nn.Linear) else weight.dtype)
            setattr(twin, key, nn.Parameter(kept, requires_grad=False))
        parent, _, child = name.rpartition(".")
        setattr(module.get_submodule(parent), child, twin)


def _dtypes(device: torch.device) -> tuple[torch.dtype, torch.dtype]:
    """What ComfyUI stores text encoders in, and what to compute in: processors are slow in half."""
    stored = comfy.model_management.text_encoder_dtype(device)
    if comfy.model_management.is_device_cpu(device):
        return stored, torch.float32
    return stored, stored if stored.itemsize > 1 else torch.float16


class ManagedMgie:
    """MGIE's parts, each of which ComfyUI loads when it is its turn, and frees like any model.

    name: for messages and metadata; patchers: of vision, language and head
    """

    def __init__(self, name: str, mgie: Mgie, stored: torch.dtype, compute: torch.dtype):
        make_streamable(mgie.language, stored, compute)
        self.name = name
        self.mgie = mgie
        device = comfy.model_management.text_encoder_device()
        offload = comfy.model_management.text_encoder_offload_device()
        self.patchers: dict[nn.Module, ModelPatcher] = {
            part: ModelPatcher(part, device, offload)
            for part in (mgie.vision, mgie.language, mgie.head)
        }

    def imagine(self, instruction: str, image: Tensor, on_token: Callable[[], None]) -> Imagined:
        """What it makes of an instruction and a picture (H, W, 3) in [0, 1]."""
        tokens = self.mgie.tokens(instruction)
        return self.mgie.imagine(tokens, image, self._place, on_token)

    def _place(self, part: nn.Module, memory: float) -> torch.device:
        patcher = self.patchers[part]
        # Only the language model can run from RAM layer by layer; the others are small.
        whole = part is not self.mgie.language
        comfy.model_management.load_models_gpu(
            [patcher], memory_required=memory, force_full_load=whole
        )
        for module in part.modules():  # a half-loaded model's buffers outside its layers stay put
            for key, buffer in module.named_buffers(recurse=False):
                setattr(module, key, buffer.to(patcher.load_device))
        return patcher.load_device


def load(llava: Path, vision: Path, mllm: Path) -> ManagedMgie:
    """MGIE from its files, in the dtype ComfyUI wants for text encoders. Raises as `load_mgie`."""
    stored, compute = _dtypes(comfy.model_management.text_encoder_device())
    readable = stored if stored.itemsize > 1 else torch.float16  # float8 is made layer by layer
    mgie = load_mgie(llava, vision, mllm, readable)
    return ManagedMgie(f"{llava.name} + {mllm.name}", mgie, stored, compute)
