"""The judging nodes' own rules: what is refused, what is put out."""

import math

import pytest
import torch
import torch.nn.functional as F

pytestmark = pytest.mark.comfy

SOURCE = torch.zeros(1, 8, 8, 3)
EDITED = torch.rand(3, 8, 8, 3, generator=torch.Generator().manual_seed(0))
RULES = {
    "rubric": "paper",
    "both_orders": False,
    "break_ties": True,
    "good_from": 0.5,
    "on_failure": "stop",
    "free_after": False,
}


NAMES = ("scores", "good", "reasons", "best", "edit", "complaint")


class Says:
    """A model with ready answers."""

    name = "a model"
    num_pictures = 4

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)

    def ask(self, question):
        from elect_tino.judging.question import Unanswered

        if not self.answers:
            raise Unanswered("a model is gone")
        return self.answers.pop(0)

    def yes(self, question):
        return float(self.ask(question))


def paper(following, background, why="fine"):
    return (
        f'{{"reasoning": "{why}", "instruction_following": {following}, '
        f'"background_consistency": {background}}}'
    )


def judged(model, **given):
    from elect_tino.nodes.judging.edit_judge import EditJudge

    out = EditJudge.execute(SOURCE, EDITED, "make it red", **{**RULES, **given}, vlm=model)
    return dict(zip(NAMES, out.result, strict=True))


def test_the_best_is_put_out_with_reasons():
    from comfy_execution.graph_utils import ExecutionBlocker

    out = judged(Says(paper(0.5, 0.5), paper(1, 0.5), paper(1, 0)))
    assert out["scores"] == (0.5, 0.75, 0.5)
    assert (out["good"], out["best"]) == (True, 1)
    assert isinstance(out["complaint"], ExecutionBlocker)  # nothing behind it runs
    torch.testing.assert_close(out["edit"], EDITED[1:2])
    assert "rejected" in out["reasons"].splitlines()[-2]


def test_a_rejected_best_is_not_good_and_says_why():
    out = judged(Says(*[paper(1, 0, "the sky changed")] * 3), break_ties=False)
    assert (out["good"], out["best"]) == (False, 0)
    assert out["complaint"] == "the sky changed"


def test_ties_meet_in_pairs():
    out = judged(Says(*[paper(1, 1)] * 3, "B", "A", "A", "B"))
    assert out["best"] == 1


def test_a_dead_model_is_an_error_or_leaves_all_unjudged_as_chosen():
    from elect_tino.judging.question import Unanswered

    with pytest.raises(Unanswered, match="a model is gone"):
        judged(Says())
    out = judged(Says(), on_failure="unjudged")
    assert all(math.isnan(score) for score in out["scores"])
    assert (out["good"], out["best"]) == (False, 0)
    assert out["reasons"].count("unscored: a model is gone") == 3


def test_yes_no_makes_its_questions_once():
    model = Says('{"questions": ["Is it red?"]}', "1", "0.9", "0.2", "0.3", "0.8", "0.8")
    out = judged(model, rubric="yes_no", break_ties=False)
    assert out["scores"] == pytest.approx((0.95, 0.25, 0.8))
    assert not model.answers


def test_exactly_one_judge_is_wanted():
    with pytest.raises(ValueError, match="^vlm: connect"):
        judged(None)


def test_a_clip_that_only_reads_is_refused_by_name():
    from elect_tino.embedded.model.comfyui import load_embedded
    from elect_tino.nodes.host.judging.speaking_clip import SpeakingClip

    with pytest.raises(ValueError, match="^clip: "):
        SpeakingClip(load_embedded()[1])


def test_variants_are_the_original_then_own_lines_then_the_models():
    from elect_tino.nodes.judging.variants import InstructionVariants

    made = Says('{"instructions": ["paint it red", "red now"]}')
    out = InstructionVariants.execute("make it red", "paint it red\n", 2, vlm=made)
    assert out.result[0] == ["make it red", "paint it red", "red now"]
    with pytest.raises(ValueError, match="^instruction: it is empty"):
        InstructionVariants.execute(" ", "", 0)
    silent = object()  # a CLIP that cannot write
    assert InstructionVariants.execute("make it red", "red", 0, clip=silent)[0][1:] == ["red"]


def test_retry_is_wanted_only_when_the_first_is_not_good():
    from elect_tino.nodes.judging.retry import KeepOrRetry

    assert KeepOrRetry.check_lazy_status("a", True) == []
    assert KeepOrRetry.check_lazy_status("a", False) == ["retry"]
    assert KeepOrRetry.execute("a", True, None).result == ("a",)
    assert KeepOrRetry.execute("a", False, "b").result == ("b",)


def small_vision(width: int, tmp_path):
    """ComfyUI's CLIP vision model with random weights."""
    import json

    import comfy.clip_vision

    config = {
        "image_size": 32,
        "patch_size": 8,
        "num_channels": 3,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "hidden_act": "quick_gelu",
        "projection_dim": width,
        "model_type": "clip_vision_model",
    }
    path = tmp_path / "vision.json"
    path.write_text(json.dumps(config))
    vision = comfy.clip_vision.ClipVisionModel(str(path))
    generator = torch.Generator().manual_seed(1)
    for parameter in vision.model.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.2
    return vision


def test_clip_judge_scores_as_its_kernels_do_and_refuses_another_space(tmp_path):
    from elect_tino.embedded.model.comfyui import load_embedded
    from elect_tino.nodes.host.judging.clip_features import caption_features, picture_features
    from elect_tino.nodes.judging.clip_judge import CLIPJudge

    clip = load_embedded()[1]
    width = caption_features(clip, "a red circle").shape[-1]
    vision = small_vision(width, tmp_path)
    with torch.inference_mode():
        captions = ("a red circle", "a blue circle")
        before, after = picture_features(vision, SOURCE), picture_features(vision, EDITED)
        wanted, was = (caption_features(clip, caption) for caption in captions)
        change = F.normalize(after) - F.normalize(before)
        expected = {
            "clip_t": F.cosine_similarity(after, wanted),
            "clip_i": F.cosine_similarity(after, before),
            "directional": F.cosine_similarity(change, F.normalize(wanted) - F.normalize(was)),
        }
        for name, scores in expected.items():
            out = CLIPJudge.execute(clip, vision, SOURCE, EDITED, *captions, name)
            torch.testing.assert_close(torch.tensor(out.result[0]), scores, atol=1e-5, rtol=1e-5)
            best = int(scores.argmax())
            assert out.result[2] == best
            torch.testing.assert_close(out.result[3], EDITED[best : best + 1])
        assert out.result[1].splitlines()[0].split() == ["clip_t", "clip_i", "directional"]
        other = small_vision(width + 8, tmp_path)
        with pytest.raises(ValueError, match="^clip_vision: its features have"):
            CLIPJudge.execute(clip, other, SOURCE, EDITED, *captions, "clip_t")
        with pytest.raises(ValueError, match="^source_caption: directional needs it"):
            CLIPJudge.execute(clip, vision, SOURCE, EDITED, "x", "", "directional")
