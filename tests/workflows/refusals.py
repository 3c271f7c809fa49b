"""What a bad choice from a list is answered with: by the node, or by a host that looks first.

ComfyUI 0.18 and newer hold a prompt to the lists of all nodes before anything runs.
"""


def not_in_list(name: str, message: str) -> str:
    """A pattern for the node's own message, or for the host's that names the same input."""
    return f"{message}|input '{name}': Value not in list"
