"""A vision-language model in a folder, by transformers, under ComfyUI's model management."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import comfy.model_management
import torch
from comfy.model_patcher import ModelPatcher
from numpy import ndarray
from PIL import Image
from torch import Tensor, nn

from ....judging.answers import read_yes
from ....judging.pictures import at_most
from ....judging.question import Question

_WORDS = {True: ("yes", "Yes", " yes", " Yes"), False: ("no", "No", " no", " No")}
MAX_PIXELS = 1024 * 1024


def _check_folder(folder: Path) -> None:
    if not list(folder.glob("*.safetensors")):
        raise ValueError(
            f"name: the folder {folder.name} holds no .safetensors weights. Other formats can run "
            "code and are not read."
        )


def load(folder: Path) -> LocalVlm:
    """The model of a folder, without network or code of its own. Raises ValueError."""
    from transformers import AutoModelForImageTextToText, AutoProcessor

    _check_folder(folder)
    device = comfy.model_management.text_encoder_device()
    dtype = comfy.model_management.text_encoder_dtype(device)
    if dtype.itemsize == 1 or comfy.model_management.is_device_cpu(device):
        dtype = torch.float16 if not comfy.model_management.is_device_cpu(device) else torch.float32
    own = {"local_files_only": True, "trust_remote_code": False}
    try:
        processor = AutoProcessor.from_pretrained(folder, **own)
        model: Any = AutoModelForImageTextToText.from_pretrained(
            folder, use_safetensors=True, **own
        )
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise ValueError(
            f"name: transformers cannot load {folder.name} as a vision-language model: {error}"
        ) from error
    return LocalVlm(folder.name, model.to(dtype).eval(), processor)


class _Held(nn.Module):
    """transformers' models have a `device` that cannot be set, and ComfyUI sets it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model


class LocalVlm:
    """A model that is asked; loaded when it is its turn, and freed like any of ComfyUI's models."""

    num_pictures = 8

    def __init__(self, name: str, model: Any, processor: Any) -> None:
        self.name = name
        self.model = model
        self.processor = processor
        device = comfy.model_management.text_encoder_device()
        offload = comfy.model_management.text_encoder_offload_device()
        self.patcher = ModelPatcher(_Held(model), device, offload)

    def ask(self, question: Question) -> str:
        """Its likeliest answer."""
        given = self._inputs(question)
        with torch.inference_mode():
            ids = self.model.generate(
                **given,
                max_new_tokens=question.max_tokens,
                do_sample=False,
                stopping_criteria=[_cancelled],
            )
        new = ids[0, given["input_ids"].shape[1] :]
        return self.processor.decode(new, skip_special_tokens=True)

    def yes(self, question: Question) -> float | None:
        """Probability of yes against no as the next word."""
        words = {said: self._ids(forms) for said, forms in _WORDS.items()}
        if not words[True] or not words[False]:
            said = read_yes(self.ask(question))
            return None if said is None else float(said)
        with torch.inference_mode():
            logits = self.model(**self._inputs(question)).logits[0, -1].float()
        chances = logits.softmax(-1)
        for_yes, for_no = (float(chances[words[said]].sum()) for said in (True, False))
        return for_yes / (for_yes + for_no) if for_yes + for_no > 0 else None

    def _inputs(self, question: Question) -> dict[str, Any]:
        content = [{"type": "image", "image": _picture(one)} for one in question.pictures]
        content.append({"type": "text", "text": question.text})
        thinks = "enable_thinking" in str(getattr(self.processor, "chat_template", ""))
        silent = {"enable_thinking": False} if thinks else {}
        given = self.processor.apply_chat_template(
            [{"role": "user", "content": content}],
            tokenize=True,
            add_generation_prompt=True,
            return_dict=True,
            return_tensors="pt",
            **silent,
        )
        self._place(given["input_ids"].shape[1])
        dtype = next(self.model.parameters()).dtype
        device = self.patcher.load_device
        return {key: _moved(value, device, dtype) for key, value in given.items()}

    def _place(self, num_tokens: int) -> None:
        # Attention's and the cache's share, generously; the weights ComfyUI counts itself.
        memory = num_tokens * 2**20
        comfy.model_management.load_models_gpu(
            [self.patcher], memory_required=memory, force_full_load=True
        )

    def _ids(self, words: tuple[str, ...]) -> list[int]:
        tokenizer = getattr(self.processor, "tokenizer", self.processor)
        ids = [tokenizer(word, add_special_tokens=False)["input_ids"] for word in words]
        return sorted({one[0] for one in ids if len(one) == 1})


def _picture(picture: ndarray) -> Image.Image:
    return Image.fromarray(at_most(picture, MAX_PIXELS))


def _moved(value: Any, device: torch.device, dtype: torch.dtype) -> Any:
    if not isinstance(value, Tensor):
        return value
    return value.to(device, dtype) if value.is_floating_point() else value.to(device)


def _cancelled(ids: Tensor, scores: Any, **_: Any) -> Tensor:
    """Raises where the user cancels; else goes on."""
    comfy.model_management.throw_exception_if_processing_interrupted()
    return torch.zeros(len(ids), dtype=torch.bool, device=ids.device)
