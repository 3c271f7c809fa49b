"""What is said of one editing model: a row of the table in `families`."""

from __future__ import annotations

from dataclasses import dataclass

DIFFUSION_STOP, FLOW_STOP = 0.3, 0.4
"""ELECT's stops: 30 % of the steps for most diffusion models, 40 % for rectified flow."""


@dataclass(frozen=True)
class Family:
    """How one editing model is run.

    loader, guider: the nodes for it; conditioning: the node that shows it the source picture
    prediction: what the model predicts, a key of `elect_core.estimate.TWEEDIE`
    cfg: scale of the text; image_cfg: scale of the picture, None where the rule has none
    guidance: embedded guidance of distilled models (FluxGuidance), None for the others
    stop, window: fractions of the steps, for MultiSeedPartialSampler
    stop_steps, window_steps: the same in steps, for models of so few steps that a fraction says
    little; None for the others
    scheduler: ComfyUI's name; "flux2" is FLUX.2's own, which depends on the picture's size
    licence: of the weights; url: where their authors put them
    """

    title: str
    loader: str
    conditioning: str
    guider: str
    prediction: str
    sampler: str
    scheduler: str
    steps: int
    cfg: float
    image_cfg: float | None = None
    guidance: float | None = None
    stop: float = FLOW_STOP
    window: float = 0.2
    licence: str = ""
    url: str = ""
    stop_steps: int | None = None
    window_steps: int | None = None

    def stop_of(self, steps: int) -> float:
        """Where candidates stop in a schedule of `steps`, as a fraction."""
        return self.stop if self.stop_steps is None else min(1.0, self.stop_steps / steps)

    def window_of(self, steps: int) -> float:
        """Where the relevance window of a schedule of `steps` ends, as a fraction."""
        return self.window if self.window_steps is None else min(1.0, self.window_steps / steps)

    def when(self) -> str:
        """Stop and window, for a table."""
        if self.stop_steps is None:
            return f"{self.stop:.0%}, {self.window:.0%}"
        return f"{self.stop_steps} steps, {self.window_steps} of them"
