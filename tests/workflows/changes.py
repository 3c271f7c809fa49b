"""Changes to a prompt in API form, and what a server has written."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer


Change = dict[str, dict]
"""Node name -> inputs to set, or a whole node where there is a class_type."""


def node(class_type: str, **inputs: object) -> dict:
    return {"class_type": class_type, "inputs": inputs}


def wired(new: dict, target: str, name: str) -> Change:
    """A new node whose first output goes to an input of another."""
    return {"new": new, target: {name: ["new", 0]}}


EMPTY_LATENT = node("EmptyLatentImage", width=128, height=128, batch_size=1)
WIDE_LATENT = node("EmptyLatentImage", width=256, height=128, batch_size=1)


def solid(value: float) -> dict:
    return node("SolidMask", value=value, width=128, height=128)


def changed(prompt: dict, change: Change) -> dict:
    """The prompt with inputs set (None takes one away) and nodes added or replaced."""
    for name, given in change.items():
        if "class_type" in given:
            prompt[name] = given
        else:
            inputs = prompt[name]["inputs"] | given
            prompt[name]["inputs"] = {k: v for k, v in inputs.items() if v is not None}
    return prompt


def files(server: "ComfyServer") -> set[str]:
    folders = (server.base / "output", server.base / "temp")
    paths = {path for folder in folders for path in folder.rglob("*") if path.is_file()}
    return {str(path) for path in paths if not path.name.startswith("elect_example_")}
