"""The nodes of the editing models, and of the embedded one, as they are shown."""

from .look import Look, names

_MODEL = ("The model, for guiders and samplers.", "Its text encoder.", "Its VAE.")
_IMAGINED = (
    "Text condition of what the model imagines.",
    "The condition in the place of an empty text.",
    "What the model imagines, in words.",
)

LOOKS: dict[str, Look] = {
    "EditModelDefaults": Look(
        search=("edit settings", "recommended settings", "kontext settings", "edit model"),
        advanced=names("sampler_name scheduler"),
        outputs=(
            "The family's sampler.",
            "The whole schedule, the steps after the stop included.",
            "How strongly the text acts: cfg of the guider.",
            "How closely the picture is kept, where the guider asks for it; else 1.",
            "Embedded guidance for FluxGuidance, where the model has it; else 0.",
            "Fraction of the steps to run before the election.",
            "Fraction of the steps that the relevance map is made from.",
            "Name of the family that was used.",
        ),
    ),
    "EditModelLoader": Look(
        search=("load instructpix2pix", "load magicbrush", "load ultraedit", "diffusers loader"),
        advanced=names("weight_dtype"),
        outputs=_MODEL,
    ),
    "EditSize": Look(
        search=("resize for editing", "crop to model size", "scale picture"),
        advanced=names("megapixels"),
        outputs=(
            "The picture at a size that the model takes.",
            "Its width in pixels.",
            "Its height in pixels.",
        ),
    ),
    "UltraEditConditioning": Look(
        search=("ultraedit", "edit with mask"),
        outputs=(
            "Instruction, picture and mask: cond1 of Dual CFG Guider.",
            "Empty text, picture and mask: cond2 of Dual CFG Guider.",
            "Empty text alone: negative of Dual CFG Guider.",
            "An empty LATENT of the picture's size, for the sampler.",
        ),
    ),
    "InstructDiffusionGuider": Look(
        search=("instruct diffusion", "three way guidance"),
        outputs=("Guider for the samplers that take one.",),
    ),
    "MGIELoader": Look(
        search=("mgie", "llava", "multimodal edit"),
        outputs=("MGIE's language model, for MGIE Conditioning.",),
    ),
    "MGIEConditioning": Look(
        search=("mgie", "expressive instruction", "llava"),
        advanced=names("save_as"),
        outputs=_IMAGINED,
    ),
    "MGIEEmbeddings": Look(search=("mgie", "saved embeddings"), outputs=_IMAGINED),
    "EmbeddedModelLoader": Look(
        search=("tiny model", "demo model", "no download", "test model"), outputs=_MODEL
    ),
    "EmbeddedExample": Look(
        search=("demo picture", "example picture", "test picture", "no download"),
        outputs=(
            "The source picture, 128x128 pixels.",
            "What to change, as text.",
            "What the picture shows, as text.",
            "MASK of what the edit may change: 1 is edited.",
        ),
    ),
}
