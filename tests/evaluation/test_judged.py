"""VIEScore within the evaluation, by a server that judges as the test can recompute; the tables."""

import base64
import io
import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from elect_tino.evaluation import published, world
from elect_tino.evaluation.__main__ import main
from elect_tino.evaluation.ledger import Ledger
from elect_tino.evaluation.results import no_edit, pasted_back

from ..judging.chat_server import Answer, ChatServer, Handler, completion, fails

PAPER = """\
IP2P      vanilla (1 seed)  248.5 162.4 20.73 24.38 3.43
IP2P      best of 5 (BIS)   146.2 113.8 22.95 24.68 3.57
IP2P      ELECT             127.5 103.3 23.33 24.97 3.67
InsDiff   vanilla (1 seed)  372.5 154.0 20.25 24.09 3.53
InsDiff   ELECT             180.5 104.5 22.85 24.75 3.82
MGIE      vanilla (1 seed)  341.4 145.5 21.16 24.44 3.68
MGIE      ELECT             185.1 102.5 23.61 24.73 3.95
UltraEdit vanilla (1 seed)   87.5 115.4 22.93 25.20 4.47
UltraEdit ELECT              63.8  92.3 24.49 25.36 4.70
"""
"""The paper's table, typed a second time."""
GREY = np.full((128, 128, 3), 102, np.uint8)


def seen(body: dict) -> list[np.ndarray]:
    content = body["messages"][0]["content"]
    coded = [part["image_url"]["url"] for part in content if part["type"] == "image_url"]
    files = [io.BytesIO(base64.b64decode(one.partition(",")[2])) for one in coded]
    return [np.asarray(Image.open(file).convert("RGB")).astype(float) for file in files]


def success_of(source: np.ndarray, edited: np.ndarray) -> float:
    """What the server says of a pair: the more it changed, the better, to a tenth."""
    return min(10.0, round(float(np.abs(edited.astype(float) - source).mean()), 1))


def cleanness_of(edited: np.ndarray) -> float:
    return round(float(edited.astype(float).mean()) / 25.5, 1)


def judges(handler: Handler, body: dict) -> None:
    """Restraint and naturalness are high, so the other scale of each two is the smaller."""
    pictures = seen(body)
    if len(pictures) == 2:
        values = {"editing_success": success_of(*pictures), "restraint": 10}
    else:
        values = {"naturalness": 10, "cleanness": cleanness_of(pictures[0])}
    handler.send_json(200, completion(json.dumps({"reasoning": "so", **values})))


def of_grey(said: str, finish: str = "stop") -> Answer:
    """As `judges`, but of a grey picture this is said."""

    def answer(handler: Handler, body: dict) -> None:
        if any((picture == GREY).all() for picture in seen(body)):
            return handler.send_json(200, completion(said, finish))
        return judges(handler, body)

    return answer


NO_NUMBERS = {
    "prose": of_grey("A lovely picture, who could put it in numbers?"),
    "empty": of_grey(""),
    "no end of words": of_grey("I see", finish="length"),
}


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with ChatServer(judges) as running:
        yield running


@pytest.fixture
def truths(tmp_path: Path) -> Path:
    """The true edits of two samples, as somebody's results."""
    (tmp_path / "truth").mkdir()
    for one in world.read(2):
        Image.fromarray(one.target).save(tmp_path / "truth" / f"{one.name}.png")
    return tmp_path / "truth"


def command(chat: ChatServer, truths: Path, data: str = "world:2") -> list[str]:
    out = ["--out", str(truths.parent / "out"), "--page", "0"]
    return [data, "--import", f"truth={truths}", "--vlm", chat.url, *out]


def ledger(truths: Path) -> Ledger:
    return Ledger(truths.parent / "out" / "ledger.jsonl")


def test_viescore_is_the_root_of_the_smaller_ones(chat: ChatServer, truths: Path, capsys):
    assert main(command(chat, truths)) == 0
    records = ledger(truths).records
    for one in world.read(2):
        pasted = pasted_back(lambda sample: sample.target)(one)
        assert pasted is not None
        results = {"truth": one.target, "no edit": no_edit(one), "truth, pasted back": pasted}
        for name, result in results.items():
            expected = math.sqrt(success_of(one.source, result) * cleanness_of(result))
            assert records[one.name, name]["VIEScore"] == pytest.approx(expected)
    assert records["test_00000", "truth"]["VIEScore"] > 0
    assert records["test_00000", "no edit"]["VIEScore"] == 0  # nothing was done
    header = next(line for line in capsys.readouterr().out.splitlines() if "| method |" in line)
    assert "VIEScore" in header
    # Of every result two questions: source and edit, the edit alone; each names the instruction.
    assert len(chat.questions) == 2 * 2 * 3
    told = [body["messages"][0]["content"][-1]["text"] for body in chat.questions]
    assert sum(json.dumps(next(world.read(1)).instruction) in text for text in told) == 3


def test_what_was_judged_is_not_asked_again(chat: ChatServer, truths: Path):
    assert main(command(chat, truths)) == 0
    asked = len(chat.questions)
    assert main(command(chat, truths)) == 0
    assert len(chat.questions) == asked


def test_another_models_scores_are_not_taken_for_its_own(chat: ChatServer, truths: Path, capsys):
    assert main([*command(chat, truths), "--vlm-model", "tiny-vlm"]) == 0
    asked = len(chat.questions)
    assert main([*command(chat, truths), "--vlm-model", "other"]) == 2
    assert "are of tiny-vlm, not of other. Take another --out" in capsys.readouterr().err
    assert main([*command(chat, truths), "--vlm-model", "tiny-vlm"]) == 0
    assert len(chat.questions) == asked


@pytest.mark.parametrize("answer", NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_an_answer_without_numbers_is_no_number(
    answer: Answer, chat: ChatServer, truths: Path, capsys
):
    name = next(world.read(1)).name
    Image.fromarray(GREY).save(truths / f"{name}.png")
    chat.answers = [answer]
    assert main(command(chat, truths)) == 0
    records = ledger(truths).records
    assert math.isnan(records[name, "truth"]["VIEScore"])
    assert math.isfinite(records[name, "truth"]["L1"])
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("| truth "))
    assert row.rstrip(" |").endswith("(1)")  # VIEScore, the last column, is of the other sample


def test_a_server_that_dies_stops_the_run_which_then_goes_on(
    chat: ChatServer, truths: Path, capsys
):
    """Two results judged, then nothing but errors: what was judged stays, what was not is asked."""
    chat.answers = [*[judges] * 4, fails(500)]
    assert main(command(chat, truths)) == 2
    assert "evaluate: tiny-vlm at 127.0.0.1" in capsys.readouterr().err
    kept = dict(ledger(truths).records)
    assert len(kept) == 2
    chat.answers, chat.turns = [judges], 0
    asked = len(chat.questions)
    assert main(command(chat, truths)) == 0
    assert len(chat.questions) - asked == 2 * (6 - 2)
    assert {key: ledger(truths).records[key] for key in kept} == kept


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def test_the_papers_table_holds_its_published_numbers_and_ours_below(
    chat: ChatServer, truths: Path, capsys
):
    """PIE-Bench's form of two samples; the printed table is read back."""
    samples = list(world.read(2))
    pie = truths.parent / "pie"
    (pie / "annotation_images").mkdir(parents=True)
    entry = {"original_prompt": "x", "editing_prompt": "y", "editing_type_id": "1"}
    index = {}
    for one in samples:
        Image.fromarray(one.source).save(pie / "annotation_images" / f"{one.name}.png")
        inside = np.flatnonzero(one.mask)
        runs = [number for place in inside.tolist() for number in (place, 1)]
        told = {"image_path": f"{one.name}.png", "editing_instruction": one.instruction}
        index[one.name] = {**entry, **told, "blended_word": "", "mask": runs}
    (pie / "mapping_file.json").write_text(json.dumps(index))
    assert main(command(chat, truths, f"pie:{pie}")) == 0
    lines = capsys.readouterr().out.splitlines()
    start = lines.index(published.HEAD)
    table = [cells(line) for line in lines[start:] if line.startswith("|")]
    assert table[0][2:] == ["MSE x10^4", "LPIPS x10^3", "PSNR", "CLIP-T", "VIEScore"]
    for row, typed in zip(table[2:11], PAPER.splitlines(), strict=True):
        assert row[0] == typed.split()[0]
        assert typed.split(maxsplit=1)[1].startswith(row[1])
        assert [float(cell) for cell in row[2:]] == [float(word) for word in typed.split()[-5:]]
    ours = {row[1]: row[2:] for row in table[11:]}
    assert list(ours) == ["no edit", "truth", "truth, pasted back"]
    records = ledger(truths).records
    for name, (mse, lpips, psnr, clip, vie) in ours.items():
        assert (lpips, clip) == ("-", "-")  # no weights were given
        judged = np.mean([records[one.name, name]["VIEScore"] for one in samples])
        assert float(vie) == pytest.approx(judged, rel=1e-3)
        of_each = [records[one.name, name]["MSE x10^4"] for one in samples]
        assert float(mse) == pytest.approx(np.mean(of_each), rel=1e-3)
        # PSNR is infinite where nothing changed outside; such a sample is not in the mean.
        finite = [v for one in samples if math.isfinite(v := records[one.name, name]["PSNR"])]
        assert float(psnr) == pytest.approx(np.mean(finite), rel=1e-3) if finite else psnr == "inf"
