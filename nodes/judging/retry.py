"""KeepOrRetry: a second branch that only runs where the first was not good."""

from __future__ import annotations

from comfy_api.latest import io

from ..menu import JUDGING


class KeepOrRetry(io.ComfyNode):
    """Passes the first on when it is good, else what the second branch makes."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeepOrRetry",
            display_name="Keep or Retry",
            category=JUDGING,
            description="Passes result on when it is good; only otherwise retry's branch runs.",
            inputs=[
                io.AnyType.Input("result", tooltip="The first try: a picture, a latent, anything."),
                io.Boolean.Input(
                    "good",
                    default=True,
                    tooltip="Whether the first is good: wire EditJudge's good to it.",
                ),
                io.AnyType.Input(
                    "retry",
                    lazy=True,
                    tooltip="The second try, of the same kind; runs only when good is off.",
                ),
            ],
            outputs=[io.AnyType.Output(display_name="kept")],
        )

    @classmethod
    def check_lazy_status(cls, result, good, retry=None) -> list[str]:
        """The inputs that must run."""
        return ["retry"] if not good and retry is None else []

    @classmethod
    def execute(cls, result, good, retry=None) -> io.NodeOutput:
        return io.NodeOutput(result if good else retry)


NODES: list[type[io.ComfyNode]] = [KeepOrRetry]
