"""Any OpenAI-compatible server as a model that sees: Ollama, llama.cpp, vLLM, LM Studio, hosted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

from . import chat
from .address import check_near, literal, parse, read_key
from .answers import one_line, read_yes
from .question import Question, Unanswered, Wordless
from .transport import Refused, Retry, Transport, Unknown
from .waiting import run_waiting

MOST_TOKENS = 8192
_CURE = "Is the server running, is base_url right, is timeout long enough?"


@dataclass(frozen=True)
class Settings:
    """Where a model is and how it is asked.

    timeout: seconds for one answer; retries: after a first failure; max_pixels: of each picture
    key_variable: the environment variable that holds the key, "" for none
    """

    base_url: str
    model: str = ""
    timeout: float = 120.0
    retries: int = 2
    max_pixels: int = 1024 * 1024
    max_tokens: int = 512
    key_variable: str = ""
    allow_public: bool = False
    pause: float = 0.5


@dataclass
class Endpoint:
    """A model behind a URL; `on_wait` is called while it thinks, and may raise to stop."""

    settings: Settings
    on_wait: Callable[[], None] = lambda: None
    num_pictures: int = 8
    _form: int = field(default=0, repr=False)
    _model: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        given = self.settings
        self.address = parse(given.base_url)
        key = read_key(given.key_variable)
        fixed = literal(self.address.host)
        if fixed is not None and not given.allow_public:
            check_near(fixed, self.address.host)
        if key and given.allow_public and not self.address.secure:
            raise ValueError("base_url: a key is only sent over https where allow_public is set.")
        self._model = given.model.strip()
        self.http = Transport(self.name, given.timeout, given.key_variable, given.allow_public)

    @property
    def name(self) -> str:
        """The model and where it is."""
        return f"{self._model or 'the model'} at {self.address.host}"

    def ask(self, question: Question) -> str:
        """Its answer. Raises Unanswered."""
        most = max(question.max_tokens, self.settings.max_tokens)
        return self._run(lambda session: self._ask(session, replace(question, max_tokens=most)))

    def yes(self, question: Question) -> float | None:
        """1 for yes, 0 for no: a server's probabilities are seldom to be had."""
        said = read_yes(self.ask(question))
        return None if said is None else float(said)

    def models(self) -> list[str]:
        """What the server offers. Raises Unanswered."""
        try:
            return self._run(self._models)
        except Retry as problem:
            raise Unanswered(f"{self.name}: {problem}. {_CURE}") from None

    def free(self) -> bool:
        """Ask Ollama to take the model out of memory; False where that is not understood."""
        try:
            self._run(self._free)
        except (Refused, Retry, Unanswered):
            return False
        return True

    def _run(self, work: Callable[[Any], Coroutine]) -> Any:
        async def alone() -> Any:
            async with self.http.session() as session:
                return await work(session)

        return run_waiting(alone(), self.on_wait)

    async def _ask(self, session: Any, question: Question) -> str:
        why, tries, kind = "", self.settings.retries + 1, Unanswered
        for turn in range(tries):
            try:
                self._model = self._model or await self._first(session)
                reply = await self._post(session, question)
            except Retry as problem:
                why, kind = str(problem), Unanswered
                if turn + 1 < tries:
                    await asyncio.sleep(max(problem.after, self.settings.pause * 2**turn))
                continue
            if reply.text and not reply.cut:
                return reply.text
            more = min(2 * question.max_tokens, MOST_TOKENS)
            question, why = replace(question, max_tokens=more), _no_text(reply)
            kind = Wordless
        cure = "" if kind is Wordless else f". {_CURE}"
        raise kind(f"{self.name}: {why} (tried {tries} times){cure}")

    async def _first(self, session: Any) -> str:
        """The first model that the server lists."""
        names = await self._models(session)
        if not names:
            raise Unanswered(f"model: {self.address.host} lists no models; type a name.")
        return names[0]

    async def _post(self, session: Any, question: Question) -> chat.Reply:
        """Its reply to the fullest form that it takes, which is kept for the next question."""
        url, refused = f"{self.address.api}/chat/completions", ""
        for number in range(self._form, len(chat.FORMS)):
            made = chat.body(self._model, question, chat.FORMS[number], self.settings.max_pixels)
            try:
                text = await self.http.call(session, "POST", url, made)
            except Refused as refusal:
                refused = str(refusal)
                continue
            except Unknown as problem:
                raise Unanswered(f"{problem}{await self._offered(session)}") from None
            self._form = number
            try:
                return chat.read_reply(json.loads(text))
            except (ValueError, RecursionError) as problem:
                raise Retry(f"{problem}: {self.http.quoted(text)}") from None
        raise Unanswered(f"{self.name} refuses the question: {refused}")

    async def _models(self, session: Any) -> list[str]:
        try:
            text = await self.http.call(session, "GET", f"{self.address.api}/models")
            return chat.read_models(json.loads(text))
        except (Refused, json.JSONDecodeError, RecursionError):
            return []

    async def _offered(self, session: Any) -> str:
        """What the server lists, for an error; nothing where it lists nothing."""
        try:
            names = await self._models(session)
        except (Retry, Unanswered):
            return ""
        return f". It has: {one_line(', '.join(names), 240)}" if names else ""

    async def _free(self, session: Any) -> None:
        made = {"model": self._model, "keep_alive": 0}
        await self.http.call(session, "GET", f"{self.address.root}/api/version")
        await self.http.call(session, "POST", f"{self.address.root}/api/generate", made)


def _no_text(reply: chat.Reply) -> str:
    if reply.cut:
        return (
            "the answer was cut off (finish_reason length): raise max_tokens, or take a model that "
            "does not think aloud (often called -instruct)"
        )
    return "the answer is empty, as of a model that only thinks: take one called -instruct"
