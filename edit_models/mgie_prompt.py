"""MGIE's prompt, its tokens, and the words of the answer that say what it imagined."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from tokenizers import normalizers, pre_tokenizers

NUM_IMAGES = 8
PATCH, START, END = "<im_patch>", "<im_start>", "<im_end>"
IMAGES = tuple(f"[IMG{index}]" for index in range(NUM_IMAGES))

_SYSTEM = (
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives "
    "helpful, detailed, and polite answers to the user's questions."
)


def load_tokenizer(folder: Path) -> Any:
    """LLaVA's tokenizer of a folder, with MGIE's [IMG0] .. [IMG7] added.

    Raises ValueError where the folder has none, or one that does not know LLaVA's picture tokens.
    """
    from transformers import LlamaTokenizerFast

    _require_readable(folder)
    tokenizer = LlamaTokenizerFast.from_pretrained(
        str(folder), local_files_only=True, add_bos_token=True, add_eos_token=False
    )
    vocabulary = tokenizer.get_vocab()
    absent = [token for token in (PATCH, START, END) if token not in vocabulary]
    if absent:
        raise ValueError(
            f"llava: the tokenizer of {folder.name} lacks {', '.join(absent)}. MGIE wants "
            "LLaVA-Lightning-7B-v1, not a bare LLaMA or a later LLaVA."
        )
    # LLaVA's own are known as plain words in its files, which the splitting below would break up.
    tokenizer.add_tokens([*IMAGES, PATCH, START, END], special_tokens=True)
    # LLaMA's own splitting, on which LLaVA and MGIE were trained: every stretch between special
    # tokens opens with a space. Later releases of transformers do so for the first one only.
    tokenizer.backend_tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]
    )
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence([])
    return tokenizer


def _require_readable(folder: Path) -> None:
    """Raise ValueError where there is no tokenizer, or none that can be read here."""
    if (folder / "tokenizer.json").is_file():
        return
    if not (folder / "tokenizer.model").is_file():
        raise ValueError(
            f"llava: {folder.name} has no tokenizer: expected tokenizer.json or tokenizer.model."
        )
    try:
        importlib.import_module("google.protobuf")
    except ImportError as error:
        raise ValueError(
            f"llava: the tokenizer.model of {folder.name} is read with the package protobuf, which "
            "is not installed. Install this pack's requirements.txt, or put a tokenizer.json there."
        ) from error


def prompt(instruction: str, num_patches: int) -> str:
    """LLaVA's conversation (vicuna_v1_1) that asks what the picture would be like.

    Raises ValueError for an instruction that is empty or holds tokens with a meaning of their own.
    """
    instruction = instruction.strip()
    if not instruction:
        raise ValueError("instruction: it is empty. Say what to change in the picture.")
    for token in (PATCH, START, END, *IMAGES, "<s>", "</s>"):
        if token in instruction:
            raise ValueError(
                f"instruction: {token} has a meaning of its own for the model. Leave it out."
            )
    picture = f"{START}{PATCH * num_patches}{END}"
    question = f"what will this image be like if '{instruction}'\n{picture}"
    return f"{_SYSTEM} USER: {question} ASSISTANT:"


def expressive_instruction(answer: str) -> str:
    """What the model says it imagined: the first two sentences before its [IMG] tokens.

    Cut at the end of the text, and where it starts to offer alternatives. Empty where the model
    said nothing.
    """
    for end in ("</s>", IMAGES[0]):
        answer = answer.partition(end)[0]
    at = answer.lower().find("alternative")
    if at >= 0:
        answer = answer[:at]
    sentences = [sentence.strip() for sentence in answer.split(".")[:2]]
    said = ". ".join(filter(None, sentences))
    return f"{said}." if said else ""
