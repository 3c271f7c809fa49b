"""The events ComfyUI sends over its websocket, collected in a list that tests can wait on."""

import json
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import websocket

PREVIEW_IMAGE = 1
TEXT = 3
PREVIEW_IMAGE_WITH_METADATA = 4


@dataclass(frozen=True)
class Event:
    """One message: ComfyUI's own type ("progress", "executing", "executed", ...) or "preview"."""

    type: str
    data: dict = field(default_factory=dict)
    image: bytes | None = field(default=None, repr=False)

    @property
    def prompt_id(self) -> str | None:
        return self.data.get("prompt_id")

    @property
    def node(self) -> str | None:
        return self.data.get("node") or self.data.get("node_id")


ODD = "not understood"
"""Type of a message that is none of ComfyUI's: other packs send what they like."""


def decode(message: str | bytes) -> Event:
    """Any message of the websocket as an event, of type ODD where it is none of ComfyUI's."""
    try:
        return decode_binary(message) if isinstance(message, bytes) else decode_text(message)
    except (struct.error, UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        return Event(ODD)


def decode_text(message: str) -> Event:
    """What ComfyUI sends as JSON: a type and data by name; else ODD."""
    body = json.loads(message)
    if not isinstance(body, dict) or not isinstance(body.get("type"), str):
        return Event(ODD)
    data = body.get("data")
    return Event(body["type"], data if isinstance(data, dict) else {})


def decode_binary(message: bytes) -> Event:
    """A preview in either of ComfyUI's binary forms, or a node's line of text; else "binary"."""
    (kind,) = struct.unpack(">I", message[:4])
    if kind == PREVIEW_IMAGE:
        return Event("preview", {}, message[8:])
    if kind == PREVIEW_IMAGE_WITH_METADATA:
        (length,) = struct.unpack(">I", message[4:8])
        told = json.loads(message[8 : 8 + length])
        return Event("preview", told if isinstance(told, dict) else {}, message[8 + length :])
    if kind == TEXT:
        (length,) = struct.unpack(">I", message[4:8])
        node, text = message[8 : 8 + length].decode(), message[8 + length :].decode()
        return Event("text", {"node": node, "text": text})
    return Event("binary", {"kind": kind}, message[4:])


class EventLog:
    """Listens on a thread of its own and keeps every event, in order, until closed."""

    def __init__(self, ws_url: str) -> None:
        self._events: list[Event] = []
        self._changed = threading.Condition()
        self._socket = websocket.create_connection(ws_url, timeout=30)
        self._socket.settimeout(None)
        # Without this ComfyUI sends previews that do not say which node they belong to.
        flags = {"type": "feature_flags", "data": {"supports_preview_metadata": True}}
        self._socket.send(json.dumps(flags))
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            try:
                message = self._socket.recv()
            except (websocket.WebSocketException, OSError):
                return
            if not message:
                return
            with self._changed:
                self._events.append(decode(message))
                self._changed.notify_all()

    def mark(self) -> int:
        """A place in the log, for `since` and `wait_for`."""
        with self._changed:
            return len(self._events)

    def since(self, mark: int = 0, type: str | None = None) -> list[Event]:
        """Events after the mark, of one type if given."""
        with self._changed:
            return [e for e in self._events[mark:] if type is None or e.type == type]

    def of_prompt(self, prompt_id: str, type: str | None = None) -> list[Event]:
        return [e for e in self.since(0, type) if e.prompt_id == prompt_id]

    def wait_for(
        self, wanted: Callable[[Event], bool], timeout: float = 60, mark: int = 0
    ) -> Event:
        """The first event after the mark that `wanted` accepts; TimeoutError if none comes."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                for event in self._events[mark:]:
                    if wanted(event):
                        return event
                mark = len(self._events)
                remaining = deadline - time.monotonic()
                if remaining <= 0 or not self._changed.wait(remaining):
                    seen = sorted({event.type for event in self._events})
                    raise TimeoutError(f"no such event in {timeout:g} s; seen so far: {seen}")

    def close(self) -> None:
        self._socket.close()
        self._thread.join(timeout=5)
