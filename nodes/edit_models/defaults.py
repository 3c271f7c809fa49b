"""EditModelDefaults: sampler, schedule, guidance, stop and window of an editing model."""

from __future__ import annotations

import comfy.samplers
from comfy_api.latest import io

from ...edit_models.families import FAMILIES
from ..host.edit_models.families import detect_family, sigmas_for
from ..menu import EDIT_MODELS

AUTO, DEFAULT = "auto", "default"


class EditModelDefaults(io.ComfyNode):
    """What an editing model wants, ready to be wired to guider and sampler."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="EditModelDefaults",
            display_name="Edit Model Defaults",
            category=EDIT_MODELS,
            description="The sampler, schedule, guidance, stop and relevance window that suit an "
            "editing model, told from the MODEL or chosen by hand.",
            inputs=[
                io.Model.Input(
                    "model", tooltip="The model that will be sampled, patches included."
                ),
                io.Combo.Input(
                    "family",
                    options=[AUTO, *FAMILIES],
                    default=AUTO,
                    tooltip="auto tells it from the MODEL. Models whose files look alike are "
                    "chosen by hand: MagicBrush, InstructDiffusion, MGIE; Qwen-Image-Edit 2509, "
                    "FireRed; klein; Mage-Flow; ChronoEdit, Capybara.",
                ),
                io.Int.Input(
                    "steps",
                    default=0,
                    min=0,
                    max=10000,
                    tooltip="Steps of the whole schedule; 0 takes the family's.",
                ),
                io.Combo.Input(
                    "sampler_name",
                    options=[DEFAULT, *comfy.samplers.SAMPLER_NAMES],
                    default=DEFAULT,
                    tooltip="default takes the family's.",
                ),
                io.Combo.Input(
                    "scheduler",
                    options=[DEFAULT, *comfy.samplers.SCHEDULER_NAMES],
                    default=DEFAULT,
                    tooltip="default takes the family's.",
                ),
                io.Latent.Input(
                    "latent_image",
                    optional=True,
                    tooltip="What will be sampled: FLUX.2's schedule depends on its size. Others "
                    "do not need it.",
                ),
            ],
            outputs=[
                io.Sampler.Output(),
                io.Sigmas.Output(),
                io.Float.Output(display_name="cfg"),
                io.Float.Output(display_name="image cfg"),
                io.Float.Output(display_name="guidance"),
                io.Float.Output(display_name="stop"),
                io.Float.Output(display_name="relevance window"),
                io.String.Output(display_name="family"),
            ],
        )

    @classmethod
    def execute(
        cls, model, family, steps, sampler_name, scheduler, latent_image=None
    ) -> io.NodeOutput:
        name = detect_family(model) if family == AUTO else family
        chosen = FAMILIES[name]
        schedule = chosen.scheduler if scheduler == DEFAULT else scheduler
        sampler = chosen.sampler if sampler_name == DEFAULT else sampler_name
        steps = steps or chosen.steps
        return io.NodeOutput(
            comfy.samplers.sampler_object(sampler),
            sigmas_for(model, schedule, steps, latent_image),
            chosen.cfg,
            1.0 if chosen.image_cfg is None else chosen.image_cfg,
            0.0 if chosen.guidance is None else chosen.guidance,
            chosen.stop_of(steps),
            chosen.window_of(steps),
            name,
        )


NODES: list[type[io.ComfyNode]] = [EditModelDefaults]
