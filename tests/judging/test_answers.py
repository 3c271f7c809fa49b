"""Answers: what can be read is read exactly; what leaves doubt is never a number."""

import pytest

from elect_tino.judging.answers import Unreadable, read_list, read_numbers, read_reason, read_yes
from elect_tino.judging.rubrics import PAPER, VIESCORE

PAPER_AXES = PAPER.parts[0].axes
SC = VIESCORE.parts[0].axes


@pytest.mark.parametrize(
    "text",
    [
        '{"reasoning": "x", "instruction_following": 1, "background_consistency": 0.5}',
        '```json\n{"instruction_following": "1", "background_consistency": "0.5",}\n```',
        'Sure! {"Instruction Following": 1.0, "background-consistency": 0.5} Hope that helps.',
        "<think>{'instruction_following': 0}</think>"
        '{"instruction_following": 1, "background_consistency": 0.5}',
        "Instruction following: 1\nBackground consistency: 0.5",
        "**Instruction following**: 1/1. The **background consistency** is 0.5 out of 1.",
        '{"score": [1, 0.5], "reasoning": "as VIEScore writes"}',
        '{"instruction_following": 1, "background_consistency": 0.5} and again '
        '{"instruction_following": 1, "background_consistency": 0.5}',
    ],
)
def test_forms_that_say_one_thing_are_read(text):
    assert read_numbers(text, PAPER_AXES) == {
        "instruction_following": 1.0,
        "background_consistency": 0.5,
    }


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        ("<think>hm, instruction_following: 1, background_consistency: 1", "it is empty"),
        ("The edit looks wonderful, ten out of ten!", "no clear value"),
        ('{"instruction_following": 1}', "no clear value"),
        ('{"instruction_following": 1, "background_consistency": 0.7}', "is 0.7, not one of"),
        ('{"instruction_following": 8, "background_consistency": 1}', "is 8, not one of"),
        ('{"instruction_following": -1, "background_consistency": 1}', "is -1, not one of"),
        ('{"instruction_following": NaN, "background_consistency": 1}', "is nan, not one of"),
        ('{"instruction_following": true, "background_consistency": 1}', "no clear value"),
        ('{"instruction_following": null, "background_consistency": 1}', "no clear value"),
        ('{"score": [1], "reasoning": ""}', "no clear value"),
        ("Instruction following: 8/10. Background consistency: 1", "no clear value"),
        ('{"instruction_following": "1/2", "background_consistency": "1/1"}', "no clear value"),
        ("Instruction following: 0. Instruction following: 1. Background consistency: 1", "no cl"),
        (
            '{"instruction_following": 0, "background_consistency": 0} no, '
            '{"instruction_following": 1, "background_consistency": 1}',
            "more than one set",
        ),
        ("{" * 3000, "no clear value"),
    ],
)
def test_doubt_is_no_number(text, why):
    with pytest.raises(Unreadable, match=why):
        read_numbers(text, PAPER_AXES)


def test_values_on_a_scale_may_be_fractions_and_have_a_decimal_comma():
    assert read_numbers("editing success: 7,5/10; restraint 9", SC) == {
        "editing_success": 7.5,
        "restraint": 9.0,
    }


def test_reasons_are_one_line_without_control_characters():
    assert read_reason('{"reasoning": "a\\n b\\u001b[31m"}') == "a b [31m"
    assert len(read_reason("word " * 500)) == 400


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Yes.", True),
        ("**no**, it is not", False),
        ('{"answer": "yes"}', True),
        ('{"answer": false}', False),
        ("<think>no no</think> yes", True),
        ("I would say yes", True),
        ("It could be yes or no", None),
        ("nothing at all", None),
        ("", None),
    ],
)
def test_yes_and_no(text, said):
    assert read_yes(text) is said


def test_lists_as_json_or_as_lines():
    wanted = ["make it red", "paint it red"]
    assert read_list('{"instructions": ["make it red", "paint it red"]}', 4) == wanted
    assert read_list('Here: ["make it red", "paint it red"]', 4) == wanted
    assert read_list("1. make it red\n- paint it red\n\n", 4) == wanted
    assert read_list('{"instructions": ["make it red", 3, ""]}', 4) == wanted[:1]
    assert read_list('["a", "b", "c"]', 2) == ["a", "b"]


@pytest.mark.parametrize(
    "text",
    [
        "Sure! Here are two others:\n\n1. paint it red\n2) make it red\n\nAnything else?",
        "Here you are:\n- paint it red\n- make it red",
        "Here you are:\npaint it red\nmake it red",
        "```\npaint it red\nmake it red\n```",
        '```json\n["paint it red", "make it red"]\n```',
    ],
)
def test_what_is_said_around_a_list_is_not_of_it(text):
    assert read_list(text, 4) == ["paint it red", "make it red"]
