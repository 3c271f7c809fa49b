"""CLIPJudge: CLIP-T, CLIP-I and directional CLIP of a batch of edits, without a server."""

from __future__ import annotations

from comfy_api.latest import io
from torch import Tensor

from ...judging.clip_scores import clip_i, clip_t, directional
from ..host.judging.clip_features import caption_features, check_one_space, picture_features
from ..menu import JUDGING
from .types import EditScores, one_source

CLIP_T, CLIP_I, DIRECTIONAL = "clip_t", "clip_i", "directional"


class CLIPJudge(io.ComfyNode):
    """Scores of edits by CLIP's features."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CLIPJudge",
            display_name="CLIP Judge",
            category=JUDGING,
            description="How well each edit fits a caption of the wanted result (CLIP-T), how like "
            "the source it is (CLIP-I), and whether it changed as the captions do (directional).",
            is_output_node=True,
            inputs=[
                io.Clip.Input("clip", tooltip="A CLIP with its text projection: clip_l, clip_g."),
                io.ClipVision.Input(
                    "clip_vision", tooltip="The picture half of the same CLIP: ViT-L for clip_l."
                ),
                io.Image.Input("source", tooltip="The picture before the edit, one."),
                io.Image.Input("edited", tooltip="The edits to score, a batch of any size."),
                io.String.Input(
                    "target_caption",
                    multiline=True,
                    tooltip="What the result should show, as a caption: 'a red car in a street'.",
                ),
                io.String.Input(
                    "source_caption",
                    multiline=True,
                    default="",
                    tooltip="What the source shows, for directional; may be empty otherwise.",
                ),
                io.Combo.Input(
                    "score_by",
                    options=[CLIP_T, DIRECTIONAL, CLIP_I],
                    default=CLIP_T,
                    tooltip="Which of the three is the score. clip_i alone is highest for no edit.",
                ),
            ],
            outputs=[
                EditScores.Output(display_name="scores"),
                io.String.Output(display_name="table"),
                io.Int.Output(display_name="best"),
                io.Image.Output(display_name="best edit"),
            ],
        )

    @classmethod
    def execute(
        cls, clip, clip_vision, source, edited, target_caption, source_caption, score_by
    ) -> io.NodeOutput:
        columns = _columns(
            clip, clip_vision, one_source(source), edited, target_caption, source_caption
        )
        if score_by not in columns:
            raise ValueError("source_caption: directional needs it; say what the source shows.")
        scores = columns[score_by].tolist()
        best = max(range(len(scores)), key=scores.__getitem__)
        table = _table(columns, best)
        picture = edited[best : best + 1]
        return io.NodeOutput(tuple(scores), table, best, picture, ui={"text": (table,)})


def _columns(clip, clip_vision, source, edited, target: str, origin: str) -> dict[str, Tensor]:
    """The scores (N,) by name."""
    if not target.strip():
        raise ValueError("target_caption: it is empty; say what the result should show.")
    before, after = picture_features(clip_vision, source), picture_features(clip_vision, edited)
    wanted = caption_features(clip, target)
    check_one_space(after, wanted)
    columns = {CLIP_T: clip_t(after, wanted), CLIP_I: clip_i(after, before)}
    if origin.strip():
        columns[DIRECTIONAL] = directional(after, before, wanted, caption_features(clip, origin))
    return columns


def _table(columns: dict[str, Tensor], best: int) -> str:
    lines = ["      " + "  ".join(f"{name:<11}" for name in columns)]
    for index in range(len(columns[CLIP_T])):
        row = "  ".join(f"{float(values[index]):<11.4f}" for values in columns.values())
        lines.append(f"{index + 1:<4}  {row}{'  best' if index == best else ''}")
    return "\n".join(lines)


NODES: list[type[io.ComfyNode]] = [CLIPJudge]
