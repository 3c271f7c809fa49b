"""Which editing model a MODEL is, and the schedule it wants."""

import comfy.samplers
from torch import Tensor

from ....edit_models.families import FAMILIES

# By the class of ComfyUI's model configuration. MagicBrush, InstructDiffusion and MGIE are
# InstructPix2Pix to the letter: no file says which it is.
_OF_CONFIG = {
    "SD15_instructpix2pix": "instruct_pix2pix",
    "InstructPix2PixConfig": "instruct_pix2pix",
    "UltraEditConfig": "ultraedit",
    "SDXL_instructpix2pix": "cosxl_edit",
    "Flux": "flux_kontext",
    "QwenImage": "qwen_image_edit",
    "QwenImage21": "qwen_image_21",
    "Omnigen2": "omnigen2",
    "HiDream": "hidream_e1",
    "Flux2": "flux2",
    "LongCatImage": "longcat_image_edit",
    "JoyImage": "joyai_image_edit",
    "Boogu": "boogu_image_edit",
    "HiDreamO1": "hidream_o1",
    "EmbeddedInstructPix2Pix": "embedded",
}
# Models whose files do not say which of several they are, as people would call them.
_UNTOLD = {
    "klein": ("FLUX.2 [klein]", ("flux2_klein", "flux2_klein_base", "flux2_klein_kv")),
    "MageFlow": ("Mage-Flow", ("mage_flow_edit", "mage_flow_edit_turbo")),
}


def _kind(config) -> str:
    """The configuration's class, or, where one serves two models, which of them it is."""
    name, unet = type(config).__name__, config.unet_config
    if name == "Flux2" and not unet.get("guidance_embed"):
        return "klein"
    if name == "QwenImage" and unet.get("default_ref_method") == "index_timestep_zero":
        return "qwen_image_edit_2511"
    return name


def possible_families(patcher) -> tuple[str, ...]:
    """Keys in `FAMILIES` of what a MODEL may be; ValueError where it is no editing model."""
    config = _kind(patcher.model.model_config)
    if config in _UNTOLD:
        return _UNTOLD[config][1]
    family = config if config in FAMILIES else _OF_CONFIG.get(config)
    if family == "embedded" and patcher.model.model_type.name == "FLOW":
        family = "embedded_flow"
    if family is None:
        raise ValueError(
            f"family: the MODEL is a {config}, which is no editing model this node knows. Choose "
            "its family by hand."
        )
    return (family,)


def detect_family(patcher) -> str:
    """Key in `FAMILIES` of what a MODEL is; ValueError where it is none of them or may be two."""
    families = possible_families(patcher)
    if len(families) == 1:
        return families[0]
    title, _ = _UNTOLD[_kind(patcher.model.model_config)]
    raise ValueError(
        f"family: the MODEL is a {title}, whose file does not say which one: choose "
        f"{' or '.join(families)} by hand."
    )


def sigmas_for(patcher, scheduler: str, steps: int, latent: dict | None) -> Tensor:
    """The whole schedule, (steps + 1,); `flux2` needs the LATENT, for the picture's size."""
    if scheduler != "flux2":
        sampling = patcher.get_model_object("model_sampling")
        return comfy.samplers.calculate_sigmas(sampling, scheduler, steps)
    if latent is None:
        raise ValueError(
            "latent_image: FLUX.2's schedule depends on the size of the picture; connect the "
            "LATENT that will be sampled."
        )
    try:
        from comfy_extras.nodes_flux import Flux2Scheduler
    except ImportError as error:
        raise ValueError(
            "family: this ComfyUI is older than FLUX.2 and lacks its schedule. Update ComfyUI, or "
            "choose another scheduler."
        ) from error
    height, width = (16 * side for side in latent["samples"].shape[-2:])
    return Flux2Scheduler.execute(steps, width, height).args[0]
