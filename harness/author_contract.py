"""Writes tests/contract.json, what saved workflows and scripts may count on of every node:

    python3 dev.py python -m elect_tino.harness.author_contract

Its inputs and outputs in their order, which is how a saved workflow knows their values and wires.
Run it for a release: what is new is then promised too. It refuses to forget what is promised.
"""

import json
import sys

from .server.comfy_server import PACK_LINK, PACK_ROOT, ComfyServer

CONTRACT = PACK_ROOT / "tests" / "contract.json"
Contract = dict[str, dict[str, list[str]]]


def contract_of(object_info: dict) -> Contract:
    """Names of inputs and kinds of outputs, by node of the pack."""
    return {
        name: {
            "inputs": [*info["input"].get("required", {}), *info["input"].get("optional", {})],
            "outputs": [str(kind) for kind in info["output"]],
        }
        for name, info in sorted(object_info.items())
        if info["python_module"].endswith(PACK_LINK)
    }


def broken(promised: Contract, now: Contract) -> list[str]:
    """What of the promised is gone or has another place; new ones may only follow."""
    found = []
    for name, parts in promised.items():
        if name not in now:
            found.append(f"{name} is gone")
            continue
        for part, known in parts.items():
            here = now[name][part]
            if here[: len(known)] != known:
                found.append(f"{name}: {part} were {known}, are {here}")
    return found


def read() -> Contract:
    return json.loads(CONTRACT.read_text(encoding="utf-8")) if CONTRACT.exists() else {}


def main() -> int:
    with ComfyServer() as server:
        now = contract_of(server.object_info())
    wrong = broken(read(), now)
    if wrong:
        print("Not written: saved workflows would break.", *wrong, sep="\n", file=sys.stderr)
        return 1
    lines = (f"{json.dumps(name)}: {json.dumps(parts)}" for name, parts in now.items())
    CONTRACT.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
