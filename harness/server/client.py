"""ComfyUI's HTTP API as a person uses it: upload, queue a prompt, wait, look, interrupt."""

import io
import json
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import requests
from PIL import Image

from .events import Event, EventLog

POLL_SECONDS = 0.1
ENDS = {"execution_success", "execution_error", "execution_interrupted"}


class NotUnderstood(RuntimeError):
    """An address answers otherwise than ComfyUI does: a login page, another program."""


def told_by(answer: requests.Response) -> dict:
    """The JSON object that an answer holds; NotUnderstood where it holds none."""
    try:
        body = answer.json()
    except (requests.JSONDecodeError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise NotUnderstood(
            f"{answer.url}: expected ComfyUI's answer, an object in JSON, got "
            f"{answer.text[:40]!r}. Is this ComfyUI's address, and nothing before it?"
        )
    return body


class PromptRejected(ValueError):
    """ComfyUI refused the prompt before running it; the message names every node and input."""

    def __init__(self, body: dict) -> None:
        self.body = body
        self.node_errors: dict = body.get("node_errors") or {}
        super().__init__(describe_rejection(body))


class ExecutionFailed(RuntimeError):
    """A node raised; the message names it."""

    def __init__(self, data: dict) -> None:
        self.data = data
        self.node_id = str(data.get("node_id"))
        self.node_type = data.get("node_type")
        self.exception_type = data.get("exception_type")
        self.exception_message = str(data.get("exception_message", "")).strip()
        super().__init__(
            f"node {self.node_id} ({self.node_type}) raised {self.exception_type}: "
            f"{self.exception_message}"
        )


class ExecutionInterrupted(RuntimeError):
    """The run was interrupted, in the node that the message names."""

    def __init__(self, data: dict) -> None:
        self.data = data
        self.node_id = str(data.get("node_id"))
        super().__init__(f"interrupted in node {self.node_id} ({data.get('node_type')})")


def describe_rejection(body: dict) -> str:
    error = body.get("error") or {}
    if isinstance(error, str):
        error = {"message": error}
    lines = [" ".join(filter(None, (error.get("message"), error.get("details"))))]
    for node_id, node in (body.get("node_errors") or {}).items():
        for problem in node.get("errors", []):
            name = (problem.get("extra_info") or {}).get("input_name", "")
            lines.append(
                f"node {node_id} ({node.get('class_type')}), input {name!r}: "
                f"{problem.get('message')}: {problem.get('details')}"
            )
    return "\n".join(line for line in lines if line)


def raise_on_failure(entry: dict) -> None:
    """Turn a failed history entry into the exception that names its node."""
    messages = {kind: data for kind, data in entry["status"]["messages"]}
    if "execution_interrupted" in messages:
        raise ExecutionInterrupted(messages["execution_interrupted"])
    if "execution_error" in messages:
        raise ExecutionFailed(messages["execution_error"])
    if entry["status"]["status_str"] != "success":
        raise RuntimeError(f"the run ended as {entry['status']}")


class ComfyClient:
    """Talks to one ComfyUI server; `events` listens to its websocket from the first use on."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.client_id = uuid.uuid4().hex
        self._http = requests.Session()
        self._http.trust_env = False  # the server is local: no proxy
        self._events: EventLog | None = None

    @property
    def events(self) -> EventLog:
        if self._events is None:
            ws = self.url.replace("http", "ws", 1)
            self._events = EventLog(f"{ws}/ws?clientId={self.client_id}")
        return self._events

    def get(self, path: str, timeout: float = 60, **params) -> dict:
        """The JSON object that a GET of `path` answers. Raises NotUnderstood for anything else."""
        answer = self._http.get(self.url + path, params=params, timeout=timeout)
        answer.raise_for_status()
        return told_by(answer)

    def post(self, path: str, body: dict) -> requests.Response:
        """The answer to a body as JSON, with NaN and infinity as Python writes them."""
        headers = {"Content-Type": "application/json"}
        return self._http.post(
            self.url + path, data=json.dumps(body).encode(), headers=headers, timeout=60
        )

    def upload(self, path: str | Path, name: str | None = None, subfolder: str = "") -> str:
        """Put a picture into ComfyUI's input folder; returns the name LoadImage takes."""
        path = Path(path)
        return self.upload_bytes(path.read_bytes(), name or path.name, subfolder)

    def upload_bytes(self, data: bytes, name: str, subfolder: str = "", type: str = "input") -> str:
        """The same of bytes, into the folder of that type: input, temp or output."""
        answer = self._http.post(
            f"{self.url}/upload/image",
            files={"image": (name, data)},
            data={"overwrite": "true", "subfolder": subfolder, "type": type},
            timeout=60,
        )
        answer.raise_for_status()
        stored = answer.json()
        return "/".join(filter(None, (stored["subfolder"], stored["name"])))

    def submit(self, prompt: dict, workflow: dict | None = None) -> str:
        """Queue an API prompt and return its id; raises PromptRejected on any invalid node."""
        self.events  # noqa: B018  (connected before the first event can be sent)
        return self.queue(prompt, workflow)

    def queue(self, prompt: dict, workflow: dict | None = None) -> str:
        """The same, without listening to the run's events."""
        body: dict = {"prompt": prompt, "client_id": self.client_id}
        if workflow is not None:
            body["extra_data"] = {"extra_pnginfo": {"workflow": workflow}}
        answer = self.post("/prompt", body)
        if answer.status_code == 400:
            raise PromptRejected(told_by(answer))
        answer.raise_for_status()
        queued = told_by(answer)
        if queued.get("node_errors"):
            # ComfyUI runs the valid outputs of a partly invalid prompt; a test wants to know.
            self.post("/queue", {"delete": [queued["prompt_id"]]})
            raise PromptRejected(queued)
        return queued["prompt_id"]

    def history(self, prompt_id: str) -> dict | None:
        """The entry of a finished run, or None while it is queued or running."""
        return self.get(f"/history/{prompt_id}").get(prompt_id)

    def wait(
        self,
        prompt_id: str,
        timeout: float = 300,
        on_event: Callable[[Event], None] | None = None,
    ) -> dict:
        """The history entry once the run has ended; raises if it failed or was interrupted.

        on_event: called with each of the run's events, in order
        """
        deadline = time.monotonic() + timeout
        seen = 0
        while time.monotonic() < deadline:
            self.check_alive()
            entry = self.history(prompt_id)
            if entry is not None:
                self._hear_out(prompt_id)
            events = self.events.of_prompt(prompt_id) if on_event else []
            for event in events[seen:]:
                on_event(event)  # type: ignore[misc]
            seen = len(events)
            if entry is not None:
                raise_on_failure(entry)
                return entry
            time.sleep(POLL_SECONDS)
        raise TimeoutError(f"prompt {prompt_id} has not ended in {timeout:g} s")

    def _hear_out(self, prompt_id: str) -> None:
        """Wait for the run's last event: on a busy machine the history knows of the end first."""
        if self._events is not None:
            with suppress(TimeoutError):  # another client's run tells this one nothing
                self._events.wait_for(lambda e: e.type in ENDS and e.prompt_id == prompt_id, 5)

    def run(self, prompt: dict, timeout: float = 300) -> dict:
        """Submit and wait."""
        return self.wait(self.submit(prompt), timeout)

    def check_alive(self) -> None:
        """Raise if the server is known to be gone; a plain client cannot know."""

    def interrupt(self) -> None:
        self.post("/interrupt", {}).raise_for_status()

    def free(self) -> None:
        """Unload all models and drop cached outputs, as the frontend's button does."""
        self.post("/free", {"unload_models": True, "free_memory": True}).raise_for_status()

    def object_info(self) -> dict:
        return self.get("/object_info")

    def system_stats(self) -> dict:
        return self.get("/system_stats")

    def view(self, file: dict) -> bytes:
        """The bytes of a file named as outputs name it: filename, subfolder, type."""
        params = {key: file.get(key, "") for key in ("filename", "subfolder", "type")}
        answer = self._http.get(f"{self.url}/view", params=params, timeout=60)
        answer.raise_for_status()
        return answer.content

    def picture(self, file: dict) -> Image.Image:
        """The same as a picture."""
        return Image.open(io.BytesIO(self.view(file)))

    def close(self) -> None:
        if self._events is not None:
            self._events.close()
            self._events = None
        self._http.close()
