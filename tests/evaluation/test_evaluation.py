"""Evaluation on small folders in the data sets' own forms, against independent computations."""

import json
import math

import numpy as np
import pytest
from PIL import Image

from elect_tino.evaluation import pie_bench, world
from elect_tino.evaluation.__main__ import main
from elect_tino.evaluation.data import samples_of
from elect_tino.evaluation.ledger import Ledger
from elect_tino.evaluation.measuring import methods_of
from elect_tino.evaluation.pixels import l1, l2, mse, psnr, ssim
from elect_tino.evaluation.results import imported, no_edit, pasted_back
from elect_tino.evaluation.sample import Sample
from elect_tino.evaluation.tables import as_text, interval, mean_cell, paired


@pytest.fixture(scope="module")
def samples():
    return list(world.read(3))


def runs_of(mask):
    """A mask as start, length, ...; written apart from the code under test."""
    runs, inside = [], False
    for place, value in enumerate([*mask.flatten().tolist(), False]):
        if value != inside:
            runs.append(place) if value else runs.append(place - runs[-1])
            inside = value
    return runs


@pytest.fixture
def pie(samples, tmp_path):
    """The world's edits as PIE-Bench stores its own."""
    folder = tmp_path / "pie"
    (folder / "annotation_images").mkdir(parents=True)
    index = {}
    for number, one in enumerate(samples):
        Image.fromarray(one.source).save(folder / "annotation_images" / f"{number}.png")
        index[f"{number:012}"] = {
            "image_path": f"{number}.png",
            "original_prompt": f"[{one.source_caption}]",
            "editing_prompt": one.target_caption,
            "editing_instruction": one.instruction,
            "editing_type_id": str(number),
            "blended_word": "",
            "mask": runs_of(one.mask),
        }
    (folder / "mapping_file.json").write_text(json.dumps(index))
    return folder


def test_pie_masks_are_decoded_with_their_frame_and_cut_at_the_end():
    mask = pie_bench.decode_mask([5, 2, 34, 99], 6, 6)
    inner = mask[1:-1, 1:-1]
    assert not inner.any()
    assert mask[0].all()
    assert mask[:, -1].all()
    np.testing.assert_array_equal(pie_bench.decode_mask("14 2", 6, 6)[2, 1:5], [0, 1, 1, 0])
    with pytest.raises(ValueError, match="pairs"):
        pie_bench.decode_mask([1, 2, 3])


def test_pie_bench_is_read_as_it_is_stored(pie, samples):
    for read, one in zip(samples_of(f"pie:{pie}"), samples, strict=True):
        np.testing.assert_array_equal(read.source, one.source)
        np.testing.assert_array_equal(read.mask[1:-1, 1:-1], one.mask[1:-1, 1:-1])
        assert (read.instruction, read.source_caption) == (one.instruction, one.source_caption)
    assert read.group == "add object"


def test_columns_agree_with_scikit_image_and_numpy(samples):
    from skimage import metrics

    one = samples[0]
    result = np.clip(one.source.astype(int) + 7, 0, 255).astype(np.uint8)
    keep = 1.0 - one.mask[..., None]
    a, b = one.source / 255 * keep, result / 255 * keep
    assert psnr(one, result) == pytest.approx(metrics.peak_signal_noise_ratio(a, b, data_range=1))
    assert mse(one, result) == pytest.approx(1e4 * metrics.mean_squared_error(a, b))
    assert l1(one, one.target) == l2(one, one.target) == 0
    difference = np.abs(result.astype(float) - one.target) / 255
    assert l1(one, result) == pytest.approx(difference.mean())
    assert l2(one, result) == pytest.approx((difference**2).mean())
    assert ssim(one, one.source) == pytest.approx(100)


def test_the_unedited_parts_columns_are_those_of_pie_benchs_own_library(samples):
    pytest.importorskip("torchmetrics", reason="torchmetrics is not installed")
    import torch
    from torchmetrics import MeanSquaredError
    from torchmetrics.functional.image import structural_similarity_index_measure as whole
    from torchmetrics.image import PeakSignalNoiseRatio

    one = samples[1]
    noise = np.random.default_rng(0).normal(0, 20, one.source.shape)
    result = np.clip(one.source + noise, 0, 255).astype(np.uint8)
    keep = 1.0 - one.mask[..., None]
    given = (p / 255 * keep for p in (result, one.source))
    pair = [torch.from_numpy(p).movedim(2, 0)[None].contiguous() for p in given]
    assert psnr(one, result) == pytest.approx(float(PeakSignalNoiseRatio(data_range=1.0)(*pair)))
    assert mse(one, result) == pytest.approx(1e4 * float(MeanSquaredError()(*pair)))
    every = whole(pair[0], pair[1], data_range=1.0, return_full_image=True)[1]
    inner = float(every[..., 5:-5, 5:-5].mean())  # all that the library counted until 2024
    assert ssim(one, result) == pytest.approx(100 * inner, rel=1e-6)


def test_no_edit_is_perfect_by_background_and_pasting_back_makes_any_result_so(samples):
    one = samples[0]
    spoilt = np.full_like(one.source, 99)
    pasted = pasted_back(lambda _: spoilt)(one)
    for result in (no_edit(one), pasted):
        assert psnr(one, result) == math.inf
        assert mse(one, result) == 0
    assert psnr(one, spoilt) < 40
    assert l1(one, no_edit(one)) > 0


def test_an_all_edit_mask_and_a_missing_target_give_no_number():
    grey = np.full((8, 8, 3), 9, np.uint8)
    one = Sample("x", grey, "x", mask=np.ones((8, 8), bool))
    assert all(math.isnan(column(one, grey)) for column in (mse, psnr, ssim, l1, l2))


def test_a_killed_ledger_goes_on_and_holds_nothing_twice(tmp_path):
    path = tmp_path / "ledger.jsonl"
    Ledger(path).add("a", "m", {"PSNR": math.inf, "L1": math.nan})
    with path.open("ab") as file:
        file.write(b'{"sample": "b", "meth')  # killed here
    again = Ledger(path)
    assert list(again.records) == [("a", "m")]
    assert again.records["a", "m"]["PSNR"] == math.inf
    again.add("b", "m", {"PSNR": 1.0})
    assert list(Ledger(path).records) == [("a", "m"), ("b", "m")]
    with pytest.raises(ValueError, match="already"):
        again.add("b", "m", {})


def test_the_ledger_takes_new_columns_and_measures_a_new_picture_anew(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.add("a", "m", {"L1": 1.0}, "one")
    ledger.add("a", "m", {"L2": 2.0}, "one")
    with pytest.raises(ValueError, match="already"):
        ledger.add("a", "m", {"L2": 3.0}, "one")
    assert Ledger(ledger.path).known("a", "m", "one") == {"L1", "L2"}
    assert Ledger(ledger.path).known("a", "m", "two") == set()
    ledger.add("a", "m", {"L1": 5.0}, "two")
    assert Ledger(ledger.path).records["a", "m"] == {"L1": 5.0}


def test_a_plain_folder_with_a_table(samples, tmp_path):
    Image.fromarray(samples[0].source).save(tmp_path / "a.png")
    Image.fromarray(samples[0].mask).save(tmp_path / "m.png")
    (tmp_path / "t.csv").write_text("picture,instruction,mask\na.png,make it red,m.png\n")
    (one,) = samples_of(f"csv:{tmp_path / 't.csv'}")
    np.testing.assert_array_equal(one.mask, samples[0].mask)
    assert (one.name, one.instruction, one.target) == ("a", "make it red", None)
    (tmp_path / "t.csv").write_text("picture,instruction\n../a.png,x\n")
    with pytest.raises(ValueError, match="in the table's folder"):
        list(samples_of(f"csv:{tmp_path / 't.csv'}"))


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("picture\na.png\n", "expected lines with the columns picture, instruction"),
        ("picture,instruction\n", "expected lines"),
        ("picture,instruction\na.png,x\nb/a.png,y\n", "'a' stands there twice"),
    ],
)
def test_a_table_that_cannot_be_is_told(tmp_path, lines, why):
    (tmp_path / "t.csv").write_text(lines)
    with pytest.raises(ValueError, match=why):
        list(samples_of(f"csv:{tmp_path / 't.csv'}"))


def test_a_result_of_another_size_is_brought_to_the_sources():
    source = np.full((8, 12, 3), 100, np.uint8)
    one = Sample("x", source, "x", mask=np.zeros((8, 12), bool), target=source)
    assert mse(one, np.full((16, 24, 3), 100, np.uint8)) == 0
    assert l1(one, np.full((4, 4, 3), 151, np.uint8)) == pytest.approx(51 / 255)


def test_magicbrush_is_read_turn_by_turn(samples, tmp_path):
    one = samples[0]
    pictures = tmp_path / "images" / "7"
    pictures.mkdir(parents=True)
    Image.fromarray(one.source).save(pictures / "7-input.png")
    Image.fromarray(one.target).save(pictures / "7-output1.png")
    alpha = np.where(one.mask, 0, 255).astype(np.uint8)
    Image.fromarray(np.dstack([one.source, alpha])).save(pictures / "7-mask1.png")
    turn = {"input": "7-input.png", "mask": "7-mask1.png", "output": "7-output1.png"}
    turns = {"7": [{**turn, "instruction": one.instruction}]}
    (tmp_path / "edit_turns.json").write_text(json.dumps(turns))
    (tmp_path / "local_captions.json").write_text(json.dumps({"7": {"7-output1.png": "a star"}}))
    (read,) = samples_of(f"magicbrush:{tmp_path}")
    np.testing.assert_array_equal(read.mask, one.mask)
    np.testing.assert_array_equal(read.target, one.target)
    assert (read.name, read.target_caption, read.group) == ("7_inde_1", "a star", "final turn")


def test_the_command_measures_once_and_goes_on(samples, tmp_path, capsys):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    for one in samples[:2]:
        Image.fromarray(one.target).save(theirs / f"{one.name}.png")
    command = ["world:3", "--import", f"truth={theirs}", "--out", str(tmp_path / "out")]
    main(command)
    told = capsys.readouterr().out
    rows = {line.split(" | ")[0].strip("| "): line for line in told.splitlines() if "|" in line}
    assert "0 ± 0 (2)" in rows["truth"]  # L1 to itself, of the two pictures that are there
    assert "(3)" in rows["no edit"]
    assert "truth, pasted back" in rows
    before = (tmp_path / "out" / "ledger.jsonl").read_bytes()
    main(command)
    assert (tmp_path / "out" / "ledger.jsonl").read_bytes() == before
    Image.fromarray(samples[2].target).save(theirs / f"{samples[2].name}.png")
    main(command)
    assert len(Ledger(tmp_path / "out" / "ledger.jsonl").records) == 9


def test_paired_differences_are_over_the_samples_both_have():
    records = {("a", "x"): {"L1": 3.0}, ("b", "x"): {"L1": 5.0}, ("a", "y"): {"L1": 1.0}}
    assert paired(records, "x", "y", "L1") == "L1: +2 [+2, +2] over 1"
    mean, low, high = interval(np.arange(50.0))
    assert low < mean == 24.5 < high


def test_an_infinite_psnr_is_in_no_mean_and_is_said():
    records = {("a", "x"): {"PSNR": math.inf}, ("b", "x"): {"PSNR": 20.0}, ("c", "x"): {}}
    records |= {("a", "y"): {"PSNR": math.inf}, ("a", "z"): {"PSNR": math.nan}}
    rows = as_text(records, ["x", "y", "z"], ["PSNR"]).splitlines()[2:]
    assert rows == ["| x | 20 ± 0 (1, 1 more are inf) |", "| y | inf (1) |", "| z | - |"]
    assert [mean_cell(records, name, "PSNR") for name in "xyz"] == ["20", "inf", "-"]


def test_bad_arguments_say_what_is_wanted(tmp_path):
    with pytest.raises(ValueError, match="expected pie:"):
        samples_of("elsewhere")
    with pytest.raises(ValueError, match="NAME=DIR"):
        methods_of(["x"])
    with pytest.raises(ValueError, match="there is no folder"):
        imported(tmp_path / "none")
