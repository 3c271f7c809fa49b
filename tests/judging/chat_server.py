"""A real OpenAI-compatible server that answers as a test wants: right, late or wrong."""

import json
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[["Handler", dict], None]


class Handler(BaseHTTPRequestHandler):
    """Hands each request to the server's next behaviour; the last one stays."""

    server: "ChatServer"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def send_json(self, status: int, value: object, **headers: str) -> None:
        self.send(status, json.dumps(value).encode(), **headers)

    def do_GET(self) -> None:
        self.server.seen.append((self.path, dict(self.headers), {}))
        if self.path.endswith("/models"):
            self.send_json(200, {"data": [{"id": name} for name in self.server.models]})
        elif self.path == "/api/version" and self.server.is_ollama:
            self.send_json(200, {"version": "0.9"})
        else:
            self.send(404, b"not found")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((self.path, dict(self.headers), body))
        if self.path == "/api/generate":
            return self.send_json(200, {"done": True})
        turn = min(self.server.turns, len(self.server.answers) - 1)
        self.server.turns += 1
        return self.server.answers[turn](self, body)


class ChatServer(ThreadingHTTPServer):
    """seen: path, headers and body of every request, in order."""

    daemon_threads = True

    def __init__(self, *answers: Answer) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = list(answers)
        self.turns = 0
        self.models = ["tiny-vlm", "other"]
        self.is_ollama = True
        self.seen: list[tuple[str, dict, dict]] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who asked has gone meanwhile, as tests of slow servers want it: that is no news."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def questions(self) -> list[dict]:
        return [body for path, _, body in self.seen if path.endswith("/chat/completions")]

    def __enter__(self) -> "ChatServer":
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


def completion(text: str | None, finish: str = "stop", **message: object) -> dict:
    return {
        "choices": [
            {"finish_reason": finish, "message": {"role": "assistant", "content": text, **message}}
        ]
    }


def says(text: str | None, finish: str = "stop", **message: object) -> Answer:
    return lambda handler, body: handler.send_json(200, completion(text, finish, **message))


def fails(status: int, text: str = "no", **headers: str) -> Answer:
    return lambda handler, body: handler.send(status, text.encode(), **headers)


def refuses(field: str) -> Answer:
    """400 while a request has this field, then a right answer."""

    def answer(handler: Handler, body: dict) -> None:
        if field in body:
            handler.send_json(400, {"error": f"unknown field {field}"})
        else:
            handler.send_json(200, completion(RIGHT))

    return answer


def late(seconds: float) -> Answer:
    def answer(handler: Handler, body: dict) -> None:
        time.sleep(seconds)
        handler.send_json(200, completion(RIGHT))

    return answer


def hangs_up(handler: Handler, body: dict) -> None:
    handler.close_connection = True
    handler.connection.close()


def raw(body: bytes) -> Answer:
    return lambda handler, _: handler.send(200, body)


RIGHT = '{"reasoning": "done well", "instruction_following": 1, "background_consistency": 0.5}'
