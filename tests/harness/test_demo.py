"""The demo's summary and contact sheet, from a recorded kind of run; no server needed."""

import io
import json

import pytest
from PIL import Image

from elect_tino.harness import demo
from elect_tino.harness.pictures.contact_sheet import ELECTED, contact_sheet
from elect_tino.harness.workflows.summary import instruction_of, shown_images, summarise

OBJECT_INFO = {
    "EmbeddedLoader": {"output": ["MODEL", "CLIP", "VAE"]},
    "LoraLoader": {"output": ["MODEL", "CLIP"]},
    "CLIPTextEncode": {"output": ["CONDITIONING"]},
    "BISSelect": {"output": ["INT"]},
    "SaveImage": {"output": []},
}


def node(class_type: str, title: str = "", **inputs: object) -> dict:
    return {"class_type": class_type, "inputs": inputs, "_meta": {"title": title}}


PROMPT = {
    "1": node("LoraLoader", model=["2", 0], lora_name="x.safetensors"),
    "2": node("EmbeddedLoader", variant="edit"),
    "3": node("CLIPTextEncode", "Negative", clip=["2", 1], text="blurry"),
    "4": node("CLIPTextEncode", "Instruction", clip=["2", 1], text=" make it red "),
    "5": node("BISSelect"),
    "6": node("SaveImage", filename_prefix="elect/edited"),
    "7": node("PreviewImage", "Relevance map"),
    "8": node("PreviewImage"),
}

ELECTION = {
    "seeds": [10, 11, 12],
    "scores": [0.5, None, 0.25],
    "order": [2, 0, 1],
    "elected": 2,
    "elected_seed": 12,
    "num_steps": 20,
    "stop_step": 8,
    "stop_sigma": 1.5,
    "nfe": 36,
    "nfe_best_of_n": 60,
    "model_evaluations": 108,
}

THUMBNAILS = [{"filename": f"thumb_{rank}.png"} for rank in range(3)]
ENTRY = {
    "outputs": {
        "5": {"elect": [{**ELECTION, "pictures": {"candidates": THUMBNAILS}}]},
        "6": {"images": [{"filename": "edited_1.png"}]},
        "7": {"images": [{"filename": "temp_1.png", "type": "temp"}]},
    }
}


def test_summary_has_what_the_run_did():
    summary = summarise(PROMPT, ENTRY, OBJECT_INFO)
    assert summary["model"] == "EmbeddedLoader edit"
    assert summary["instruction"] == "make it red"
    assert (summary["seeds"], summary["elected_seed"]) == ([10, 11, 12], 12)
    assert (summary["steps"], summary["stop"]) == (20, 8)
    assert (summary["nfe"], summary["nfe_best_of_n"]) == (36, 60)


def test_instruction_may_come_from_an_example_node():
    wired = {
        "1": node("EmbeddedExample", example="2: remove the star"),
        "2": node("CLIPTextEncode", "Instruction", text=["1", 1]),
    }
    assert instruction_of(wired) == "remove the star"


def test_summary_survives_json_without_nan():
    outputs = {"5": {"elect": [{**ELECTION, "scores": [0.5, float("nan"), 0.25]}]}}
    summary = summarise(PROMPT, {"outputs": outputs}, OBJECT_INFO)
    assert json.loads(json.dumps(summary, allow_nan=False))["scores"] == [0.5, None, 0.25]


def test_a_run_without_election_is_an_error():
    with pytest.raises(ValueError, match="needs a BISSelect node"):
        summarise(PROMPT, {"outputs": {}}, OBJECT_INFO)


def test_saved_pictures_go_by_prefix_shown_ones_by_title():
    shown = shown_images(PROMPT, ENTRY)
    assert list(shown) == ["elect/edited", "Relevance map"]
    assert shown["elect/edited"]["filename"] == "edited_1.png"
    assert shown["Relevance map"]["type"] == "temp"


class RecordedClient:
    """Answers every request for a file with the same small picture."""

    def __init__(self, path) -> None:
        Image.new("RGB", (32, 32), "blue").save(path)
        self.bytes = path.read_bytes()

    def view(self, file: dict) -> bytes:
        return self.bytes

    def picture(self, file: dict) -> Image.Image:
        return Image.open(io.BytesIO(self.view(file)))


def test_all_files_are_written(tmp_path):
    client = RecordedClient(tmp_path / "any.png")
    files = demo.save_pictures(client, PROMPT, ENTRY, tmp_path)  # type: ignore[arg-type]
    assert sorted(files) == ["contact_sheet", "edited", "relevance"]
    for path in files.values():
        Image.open(path).verify()


def test_report_names_the_elected_seed_and_the_saving():
    summary = summarise(PROMPT, ENTRY, OBJECT_INFO)
    text = demo.report({**summary, "seconds": {"run": 3.0}, "files": {"edited": "e.png"}})
    assert "elected seed 12 of 3" in text
    assert "36 model steps instead of 60" in text


def colors(picture: Image.Image) -> set:
    return {color for _, color in picture.getcolors(1 << 20) or []}


def test_sheet_frames_only_the_elected():
    blue, red = Image.new("RGB", (64, 32), "blue"), Image.new("RGB", (64, 32), "red")
    assert ELECTED not in colors(contact_sheet([blue, red]))
    sheet = contact_sheet([blue, red], elected=1)
    assert ELECTED in colors(sheet)
    assert ELECTED not in colors(sheet.crop((0, 0, sheet.width // 2 - 6, sheet.height)))


def test_a_missing_picture_is_named(tmp_path):
    prompt = {"3": node("LoadImage", image="holiday.png")}
    with pytest.raises(FileNotFoundError, match="node 3 loads holiday.png, which is not in"):
        demo.upload_sources(RecordedClient(tmp_path / "x.png"), prompt, tmp_path)  # type: ignore[arg-type]


def test_missing_workflow_is_a_readable_failure(tmp_path, capsys: pytest.CaptureFixture):
    assert demo.main(["--workflow", str(tmp_path / "none.json")]) == 1
    assert "none.json" in capsys.readouterr().err
