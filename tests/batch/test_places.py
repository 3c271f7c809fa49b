"""Where a workflow's named places are, and what fills them."""

import pytest

from elect_tino.batch.places import find_places, key_of


def node(class_type: str, title: str = "", **inputs: object) -> dict:
    return {"class_type": class_type, "inputs": inputs, "_meta": {"title": title or class_type}}


@pytest.fixture
def prompt() -> dict:
    return {
        "1": node("LoadImage", image="example.png"),
        "2": node("CLIPTextEncode", "Instruction", text="make it red", clip=["9", 1]),
        "3": node("CLIPTextEncode", "Other", text="from {source_caption} to {target_caption}"),
        "4": node("MultiSeedPartialSampler", first_seed=3, num_candidates=4, guider=["8", 0]),
        "5": node("SaveImage", "Edited", images=["1", 0], filename_prefix="x"),
        "6": node("SaveImage", "Map", images=["1", 0], filename_prefix="y"),
    }


def test_places_that_are_plain_to_see_are_found(prompt):
    found = find_places(prompt)
    assert found.result == "5"
    assert found.inputs["picture"] == [("1", "image")]
    assert found.inputs["instruction"] == [("2", "text")]
    assert found.inputs["seed"] == [("4", "first_seed")]
    assert found.inputs["num_candidates"] == [("4", "num_candidates")]
    assert found.inputs["mask"] == []


def test_values_go_to_their_places_and_into_braces(prompt):
    captions = {"source_caption": "a {target_caption}", "target_caption": "dog"}
    filled = find_places(prompt).filled({"instruction": "new", "seed": 7, **captions})
    assert filled["2"]["inputs"]["text"] == "new"
    assert filled["4"]["inputs"]["first_seed"] == 7
    assert filled["3"]["inputs"]["text"] == "from a {target_caption} to dog"
    assert prompt["2"]["inputs"]["text"] == "make it red"


def test_named_places_and_settings_go_before_what_is_plain(prompt):
    named = ["instruction=Other.text", "result=Map", "seed=4.num_candidates"]
    found = find_places(prompt, named).fixed(["4.first_seed=11", "Instruction.text=a: b=c"])
    assert (found.result, found.inputs["instruction"]) == ("6", [("3", "text")])
    assert found.prompt["4"]["inputs"]["first_seed"] == 11
    assert found.prompt["2"]["inputs"]["text"] == "a: b=c"


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ("colour=1.image", "--place: expected picture"),
        ("picture=1.mask", "It has image"),
        ("picture=7.image", "no node has the id or title '7'"),
        ("result=CLIPTextEncode", "no node has"),
    ],
)
def test_a_place_that_is_not_there_is_told(prompt, named, why):
    with pytest.raises(ValueError, match=why):
        find_places(prompt, [named])


def test_a_value_without_a_place_is_told_with_the_cure(prompt):
    with pytest.raises(ValueError, match="--place mask=NODE.INPUT"):
        find_places(prompt).filled({"mask": "m.png"})


def test_no_picture_or_two_of_equal_right_are_refused(prompt):
    prompt["5"]["_meta"]["title"] = "One"
    with pytest.raises(ValueError, match="--place result=NODE"):
        find_places(prompt)


def test_the_key_knows_settings_and_result_and_no_titles(prompt):
    found = find_places(prompt)
    key = key_of(found.prompt, found.result)
    prompt["2"]["_meta"]["title"] = "renamed"
    assert key_of(prompt, "5") == key
    assert key_of(found.filled({"seed": 8}), "5") != key != key_of(prompt, "6")
