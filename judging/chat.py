"""The OpenAI protocol's chat completions: what is sent, in forms from full to bare, and read."""

from __future__ import annotations

from dataclasses import dataclass

from .answers import one_line
from .pictures import data_url
from .question import Question

FORMS = (
    ("response_format", "reasoning_effort", "chat_template_kwargs", "temperature", "max_tokens"),
    ("response_format", "chat_template_kwargs", "temperature", "max_tokens"),
    ("response_format", "temperature", "max_tokens"),
    ("temperature", "max_tokens"),
    ("max_completion_tokens",),
    (),
)
"""Optional fields, full form first: a server that refuses one of them is asked in the next form.

Thinking aloud is turned off in two ways: Ollama hears reasoning_effort alone, vLLM and llama.cpp
chat_template_kwargs.
"""


@dataclass(frozen=True)
class Reply:
    """text: the answer, or what a thinking model thought where it gave none; cut: out of tokens."""

    text: str
    cut: bool


def body(model: str, question: Question, form: tuple[str, ...], max_pixels: int) -> dict:
    """The JSON of one request."""
    pictures = [
        {"type": "image_url", "image_url": {"url": data_url(picture, max_pixels)}}
        for picture in question.pictures
    ]
    content = [*pictures, {"type": "text", "text": question.text}]
    optional: dict[str, object] = {
        "reasoning_effort": "none",
        "chat_template_kwargs": {"enable_thinking": False},
        "temperature": 0,
        "max_tokens": question.max_tokens,
        "max_completion_tokens": question.max_tokens,
    }
    if question.schema is not None:
        named = {"name": "answer", "strict": True, "schema": question.schema}
        optional["response_format"] = {"type": "json_schema", "json_schema": named}
    message = {"role": "user", "content": content}
    wanted = {name: optional[name] for name in form if name in optional}
    return {"model": model, "messages": [message], "stream": False, **wanted}


def read_reply(answer: object) -> Reply:
    """The first choice's text. Raises ValueError where the answer is of another form."""
    try:
        choice = answer["choices"][0]  # type: ignore[index]
        message = choice["message"]
        content = message.get("content")
    except (KeyError, IndexError, TypeError, AttributeError):
        raise ValueError("the answer is not a chat completion") from None
    if isinstance(content, list):
        parts = [part.get("text", "") for part in content if isinstance(part, dict)]
        content = "".join(part for part in parts if isinstance(part, str))
    text = content.strip() if isinstance(content, str) else ""
    for key in ("reasoning_content", "reasoning"):
        thought = message.get(key)
        if not text and isinstance(thought, str):
            text = thought.strip()
    return Reply(text, choice.get("finish_reason") == "length")


def read_models(answer: object) -> list[str]:
    """Model names of /v1/models; empty where the answer is of another form."""
    data = answer.get("data") if isinstance(answer, dict) else None
    listed = data if isinstance(data, list) else []
    names = [one.get("id") for one in listed if isinstance(one, dict)]
    return [name for name in names if isinstance(name, str)]


def complaint(text: str, secret: str) -> str:
    """What a server said of an error, in one short line without the key."""
    if secret:
        text = text.replace(secret, "***")
    return one_line(text, 240)
