"""Writes locales/en/nodeDefs.json and takes translations of it:

    python3 dev.py python -m elect_tino.harness.author_locales              English, from the nodes
    python3 dev.py python -m elect_tino.harness.author_locales --ask FILE   and what it leaves
    python3 dev.py python -m elect_tino.harness.author_locales --take FILE  that, translated

A language's nodeDefs.json has the English one's shape: the first command brings all of them into
it. A text counts as translated as long as its English stays as it is; one that is new or has
changed is left empty, and so asked for. FILE is {language: {English: translated}}; asked for, it
has the words that stood there before, to be brought up to date.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from .server.comfy_server import PACK_LINK, PACK_ROOT, ComfyServer

FOLDER = PACK_ROOT / "locales"
ENGLISH = "en"
Definitions = dict[str, dict]


def path_of(language: str) -> Path:
    return FOLDER / language / "nodeDefs.json"


def read(language: str) -> Definitions:
    """A language's definitions; none where it has no file."""
    path = path_of(language)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write(language: str, definitions: Definitions) -> None:
    path_of(language).parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(definitions, indent=1, ensure_ascii=False) + "\n"
    path_of(language).write_text(text, encoding="utf-8")


def _told(name: str, tooltip: str | None) -> dict[str, str]:
    return {"name": name, **({"tooltip": tooltip} if tooltip else {})}


def definition(info: dict) -> dict:
    """What a person reads of a node, as ComfyUI's frontend keys it, from its `/object_info`."""
    inputs = {}
    for kind in ("required", "optional"):
        for name, (_, *rest) in info["input"].get(kind, {}).items():
            options = rest[0] if rest else {}
            inputs[name] = _told(options.get("display_name") or name, options.get("tooltip"))
    tooltips = info.get("output_tooltips") or [None] * len(info["output"])
    outputs = {
        str(k): _told(name, tooltip)
        for k, (name, tooltip) in enumerate(zip(info["output_name"], tooltips, strict=True))
    }
    made = {"display_name": info["display_name"], "description": info["description"]}
    return {**made, "inputs": inputs, "outputs": outputs}


def english(object_info: dict) -> Definitions:
    """The definitions of this pack's nodes."""
    ours = (n for n, i in object_info.items() if i["python_module"].endswith(PACK_LINK))
    return {name: definition(object_info[name]) for name in sorted(ours)}


def texts(definitions: dict) -> Iterator[str]:
    """Every text, in order, with repetitions."""
    for value in definitions.values():
        yield from texts(value) if isinstance(value, dict) else (value,)


def known(language: str) -> dict[str, str]:
    """English texts and their translations, empty where there is none yet."""
    return dict(zip(texts(read(ENGLISH)), texts(read(language)), strict=True))


def carried(new: dict, english: dict, said: dict, elsewhere: dict[str, str]) -> dict:
    """The shape of `new`, translated: a text that stands where it stood keeps its words.

    english, said: the texts before and their translations, one shape; elsewhere: how other texts
    are said, "" where nobody knows
    """
    made = {}
    for key, value in new.items():
        was, now = english.get(key), said.get(key)
        if isinstance(value, dict):
            made[key] = carried(value, was or {}, now or {}, elsewhere)
        else:
            made[key] = (now if was == value else "") or elsewhere.get(value, "")
    return made


def wanting(english: dict, said: dict, before: dict) -> dict[str, str]:
    """English texts that nobody has said yet, and the words that stood in their places before."""
    found = {}
    for key, value in english.items():
        if isinstance(value, dict):
            found |= wanting(value, said[key], before.get(key) or {})
        elif not said[key]:
            found[value] = before.get(key, "")
    return found


def write_english(definitions: Definitions) -> dict[str, dict[str, str]]:
    """Write the English, and bring every language into its shape with what it has translated.

    Returns what is `wanting` in each language where something is.
    """
    before = read(ENGLISH)
    languages = [path.parent.name for path in FOLDER.glob("*/nodeDefs.json")]
    translations = {one: (read(one), known(one)) for one in languages if one != ENGLISH}
    write(ENGLISH, definitions)
    asked = {}
    for language, (said, table) in translations.items():
        made = carried(definitions, before, said, table)
        write(language, made)
        asked[language] = wanting(definitions, made, said)
    return {language: texts for language, texts in asked.items() if texts}


def take(translated: dict[str, dict[str, str]]) -> None:
    """Put the words of each language in their places."""
    for language, said in translated.items():
        write(language, carried(read(ENGLISH), read(ENGLISH), read(language), said))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ask", metavar="FILE", type=Path, help="write what is untranslated")
    parser.add_argument("--take", metavar="FILE", type=Path, help="take translations")
    arguments = parser.parse_args()
    if arguments.take:
        take(json.loads(arguments.take.read_text(encoding="utf-8")))
        return 0
    with ComfyServer() as server:
        asked = write_english(english(server.object_info()))
    if arguments.ask:
        arguments.ask.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asked, indent=1, ensure_ascii=False) + "\n"
        arguments.ask.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
