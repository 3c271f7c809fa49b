"""HTTP with a server that may be anything: answers are bounded, every failure has a name."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from .address import check_near, read_key
from .chat import complaint
from .question import Unanswered

LARGEST = 4 * 2**20
HIDDEN, SHORTEST_KEY = "***", 8
"""What stands for a key in an answer; shorter ones are no secrets, and might be parts of words."""
_AGAIN = {408, 409, 425, 429, 500, 502, 503, 504, 529}


class Refused(Exception):
    """The server did not take the form of the request."""


class Retry(Exception):
    """Worth another try; after: seconds that the server asks to wait."""

    def __init__(self, why: str, after: float = 0.0):
        super().__init__(why)
        self.after = after


class Unknown(Unanswered):
    """The server has no such address or model."""


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


class Transport:
    """Calls to one server, which is called `name` in errors.

    timeout: seconds for one answer; key_variable: names the key, "" for none
    """

    def __init__(self, name: str, timeout: float, key_variable: str, allow_public: bool) -> None:
        self.name = name
        self.timeout = timeout
        self.key_variable = key_variable
        self.allow_public = allow_public

    def session(self) -> aiohttp.ClientSession:
        """Connections that lead where they may, with the key in their headers."""
        key = read_key(self.key_variable)
        resolver = ThreadedResolver() if self.allow_public else _Near()
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=resolver),
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=aiohttp.ClientTimeout(total=self.timeout),
        )

    async def call(
        self, session: aiohttp.ClientSession, method: str, url: str, made: dict | None = None
    ) -> str:
        """The body of a good answer, without the key.

        Raises Refused, Retry, ValueError, Unanswered; Unknown where there is no such address or
        model.
        """
        try:
            async with session.request(method, url, json=made, allow_redirects=False) as answer:
                text = await _limited(answer)
                status, after = answer.status, answer.headers.get("Retry-After", "")
        except (asyncio.TimeoutError, TimeoutError):
            raise Retry(f"no answer within {self.timeout:g} s") from None
        except aiohttp.ClientError as error:
            raise Retry(self.quoted(f"no connection ({error})")) from None
        if status < 300:
            return self.without_key(text)
        said = f"HTTP {status}: {self.quoted(text)}"
        if status in _AGAIN:
            raise Retry(said, min(float(after), 30.0) if after.isdecimal() else 0.0)
        if status in (400, 415, 422):
            raise Refused(said)
        failure = Unknown if status == 404 else Unanswered
        raise failure(f"{self.name} {_because(status)} ({said})")

    def without_key(self, text: str) -> str:
        """A server's words without the key that it was sent: answers are shown, and kept."""
        key = read_key(self.key_variable)
        return text.replace(key, HIDDEN) if len(key) >= SHORTEST_KEY else text

    def quoted(self, text: str) -> str:
        """A server's words for an error: short, and without the key."""
        return complaint(text, read_key(self.key_variable))


async def _limited(answer: aiohttp.ClientResponse) -> str:
    """The body, of at most LARGEST bytes."""
    data = bytearray()
    async for chunk in answer.content.iter_chunked(65536):
        data += chunk
        if len(data) > LARGEST:
            raise Retry("the answer is too long to be one")
    return data.decode("utf-8", "replace")


def _because(status: int) -> str:
    if status in (401, 403):
        return "wants another key: name its environment variable in key_variable"
    if status == 404:
        return "does not know this address or model: check base_url and model"
    if 300 <= status < 400:
        return "sends on to another address, which is not followed: give the final base_url"
    return "failed"
