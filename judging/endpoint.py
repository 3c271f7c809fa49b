"""Any OpenAI-compatible server as a model that sees: Ollama, llama.cpp, vLLM, LM Studio, hosted."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from . import chat
from .address import Address, check_near, literal, parse, read_key
from .answers import read_yes
from .question import Question, Unanswered

LARGEST = 4 * 2**20
MOST_TOKENS = 8192
_AGAIN = {408, 409, 425, 429, 500, 502, 503, 504, 529}
_POLL = 0.05


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


class _Refused(Exception):
    """The server did not take the form of the request."""


class _Retry(Exception):
    """Worth another try; after: seconds that the server asks to wait."""

    def __init__(self, why: str, after: float = 0.0):
        super().__init__(why)
        self.after = after


class _Near(AbstractResolver):
    """Resolves names as usual, and refuses those that lead outside private networks."""

    def __init__(self) -> None:
        self.inner = ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        found = await self.inner.resolve(host, port, family)
        for one in found:
            check_near(one["host"], host)
        return found

    async def close(self) -> None:
        await self.inner.close()


def run_waiting(work: Coroutine[Any, Any, Any], on_wait: Callable[[], None]) -> Any:
    """Run a coroutine in a loop of its own while `on_wait` is called; what that raises ends it.

    ComfyUI runs nodes inside a loop, in which no other can be started.
    """
    loop = asyncio.new_event_loop()
    task = loop.create_task(work)
    thread = threading.Thread(target=_until_done, args=(loop, task), daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(_POLL)
            on_wait()
    except BaseException:
        if thread.is_alive():
            loop.call_soon_threadsafe(task.cancel)
            thread.join()
        raise
    finally:
        if not thread.is_alive():
            loop.close()
    return task.result()


def _until_done(loop: asyncio.AbstractEventLoop, task: asyncio.Task) -> None:
    asyncio.set_event_loop(loop)
    loop.run_until_complete(asyncio.wait([task]))


@dataclass
class Endpoint:
    """A model behind a URL; `on_wait` is called while it thinks, and may raise to stop."""

    settings: Settings
    on_wait: Callable[[], None] = lambda: None
    num_pictures: int = 8
    _form: int = field(default=0, repr=False)
    _model: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        self.address: Address = parse(self.settings.base_url)
        key = read_key(self.settings.key_variable)
        fixed = literal(self.address.host)
        if fixed is not None and not self.settings.allow_public:
            check_near(fixed, self.address.host)
        if key and self.settings.allow_public and not self.address.secure:
            raise ValueError("base_url: a key is only sent over https where allow_public is set.")

    @property
    def name(self) -> str:
        """The model and where it is."""
        return f"{self._model or self.settings.model or 'the model'} at {self.address.host}"

    def ask(self, question: Question) -> str:
        """Its answer. Raises Unanswered."""
        most = max(question.max_tokens, self.settings.max_tokens)
        return run_waiting(self._ask(replace(question, max_tokens=most)), self.on_wait)

    def yes(self, question: Question) -> float | None:
        """1 for yes, 0 for no: a server's probabilities are seldom to be had."""
        said = read_yes(self.ask(question))
        return None if said is None else float(said)

    def models(self) -> list[str]:
        """What the server offers. Raises Unanswered."""
        return run_waiting(self._alone(self._models), self.on_wait)

    def free(self) -> bool:
        """Ask Ollama to take the model out of memory; False where that is not understood."""
        return run_waiting(self._alone(self._free), self.on_wait)

    def _session(self) -> aiohttp.ClientSession:
        key = read_key(self.settings.key_variable)
        resolver = ThreadedResolver() if self.settings.allow_public else _Near()
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=resolver),
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=aiohttp.ClientTimeout(total=self.settings.timeout),
        )

    async def _alone(self, work: Callable[[aiohttp.ClientSession], Coroutine]) -> Any:
        async with self._session() as session:
            return await work(session)

    async def _ask(self, question: Question) -> str:
        why, tries = "", self.settings.retries + 1
        async with self._session() as session:
            for turn in range(tries):
                try:
                    self._model = self._model or await self._which(session)
                    reply = await self._post(session, question)
                except _Retry as problem:
                    why = str(problem)
                    if turn + 1 < tries:
                        await asyncio.sleep(max(problem.after, self.settings.pause * 2**turn))
                    continue
                if reply.text and not reply.cut:
                    return reply.text
                more = min(2 * question.max_tokens, MOST_TOKENS)
                question = replace(question, max_tokens=more)
                why = _no_text(reply)
        raise Unanswered(f"{self.name}: {why} (tried {tries} times). {_CURE}")

    async def _which(self, session: aiohttp.ClientSession) -> str:
        """The model that is asked for, else the first one that the server lists."""
        if self.settings.model.strip():
            return self.settings.model.strip()
        names = await self._models(session)
        if not names:
            raise Unanswered(f"model: {self.address.host} lists no models; type a name.")
        return names[0]

    async def _post(self, session: aiohttp.ClientSession, question: Question) -> chat.Reply:
        url = f"{self.address.api}/chat/completions"
        while True:
            form = chat.FORMS[self._form]
            made = chat.body(self._model, question, form, self.settings.max_pixels)
            try:
                text = await self._call(session, "POST", url, made)
            except _Refused as refusal:
                if self._form + 1 == len(chat.FORMS):
                    raise Unanswered(f"{self.name} refuses the question: {refusal}") from None
                self._form += 1
                continue
            try:
                return chat.read_reply(json.loads(text))
            except ValueError as problem:
                raise _Retry(f"{problem}: {self._quoted(text)}") from None

    async def _models(self, session: aiohttp.ClientSession) -> list[str]:
        try:
            text = await self._call(session, "GET", f"{self.address.api}/models")
            return chat.read_models(json.loads(text))
        except (_Refused, json.JSONDecodeError):
            return []

    async def _free(self, session: aiohttp.ClientSession) -> bool:
        made = {"model": self._model or self.settings.model, "keep_alive": 0}
        try:
            await self._call(session, "GET", f"{self.address.root}/api/version")
            await self._call(session, "POST", f"{self.address.root}/api/generate", made)
        except (_Refused, _Retry, Unanswered):
            return False
        return True

    async def _call(
        self, session: aiohttp.ClientSession, method: str, url: str, made: dict | None = None
    ) -> str:
        """The body of a good answer; every failure as _Refused, _Retry or Unanswered."""
        try:
            async with session.request(method, url, json=made, allow_redirects=False) as answer:
                text = await _limited(answer)
                status, after = answer.status, answer.headers.get("Retry-After", "")
        except (asyncio.TimeoutError, TimeoutError):
            raise _Retry(f"no answer within {self.settings.timeout:g} s") from None
        except aiohttp.ClientError as error:
            cause = error.__cause__
            if isinstance(cause, ValueError):  # an address that is not near
                raise cause from None
            raise _Retry(self._quoted(f"no connection ({error})")) from None
        if status < 300:
            return text
        said = f"HTTP {status}: {self._quoted(text)}"
        if status in _AGAIN:
            raise _Retry(said, min(float(after), 30.0) if after.isdecimal() else 0.0)
        if status in (400, 415, 422):
            raise _Refused(said)
        raise Unanswered(f"{self.name} {_because(status)} ({said})")

    def _quoted(self, text: str) -> str:
        return chat.complaint(text, read_key(self.settings.key_variable))


_CURE = "Is the server running, is base_url right, is timeout long enough?"


async def _limited(answer: aiohttp.ClientResponse) -> str:
    """The body, of at most LARGEST bytes."""
    data = bytearray()
    async for chunk in answer.content.iter_chunked(65536):
        data += chunk
        if len(data) > LARGEST:
            raise _Retry("the answer is too long to be one")
    return data.decode("utf-8", "replace")


def _no_text(reply: chat.Reply) -> str:
    if reply.cut:
        return (
            "the answer was cut off (finish_reason length): raise max_tokens, or take a model that "
            "does not think aloud"
        )
    return "the answer is empty, as of a model that only thinks: take one that does not"


def _because(status: int) -> str:
    if status in (401, 403):
        return "wants another key: name its environment variable in key_variable"
    if status == 404:
        return "does not know this address or model: check base_url and model"
    if 300 <= status < 400:
        return "sends on to another address, which is not followed: give the final base_url"
    return "failed"
