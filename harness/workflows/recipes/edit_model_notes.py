"""The notes of the editing models' workflows, in Markdown, one for each of their five frames."""

from ....edit_models.families import FAMILIES
from .notes import ELECT, FINISH, TRY

_DUAL = """\
*Dual CFG Guider* (style *regular*) combines three conditions:

- `cond1`: the instruction and the picture,
- `cond2`: an empty text and the picture,
- `negative`: an empty text and no picture.
"""

_NULL = """\
The model is guidance-distilled and runs at `cfg` 1, so it never answers without the text. For the
relevance map the *Empty text* goes to `null` of *Multi-Seed Partial Sampler*: one more model call
in each of the first steps. It inherits the picture and the guidance from the instruction.
"""

_REFERENCE = """\
The picture is shown to the model as a **reference latent**. *Edit Size* gave it a size the model
takes, and the result has the same one, so that source and result can be compared.
"""

_LOAD = {
    "magicbrush": """\
**All files:**

- `models/diffusion_models/magicbrush-jul7.bin`: the UNet in diffusers' form, fetched by hand from
  `https://huggingface.co/vinesmsuic/magicbrush-jul7/resolve/main/unet/diffusion_pytorch_model.bin`
  and renamed. ComfyUI's dialog fetches `.safetensors` alone, and no such file of it is known here.
- `models/text_encoders/clip_l.safetensors` and
  `models/vae/vae-ft-mse-840000-ema-pruned.safetensors`: at a click in that dialog.

The whole diffusers folder in `models/diffusers` works too; then CLIP and VAE come from the same
node. Pickled files are read without running anything in them.
""",
    "instruct_diffusion": """\
**All files:** one, `models/checkpoints/v1-5-pruned-emaonly-adaption-task-humanalign.ckpt`, with
UNet, text encoder and VAE in it. Its authors publish it in six parts, which a script beside their
code fetches and joins:

- address: `https://github.com/TiankaiHang/storage-2023/releases/download/0924/`
- parts: `v1-5-pruned-emaonly-adaption-task-humanalign_aa`, `_ab`, `_ac`, `_ad`, `_ae`, `_af`
- joined: `cat v1-5-pruned-emaonly-adaption-task-humanalign_a? > (the file above)`

Its sister without `-humanalign`, published beside it, is the one that ELECT's authors name. *Load
Checkpoint* reads a `.ckpt` without running anything in it.
""",
    "mgie": """\
**All files:**

- `models/diffusion_models/mgie_unet.pt`: `unet.pt` out of the archive `mgie_7b.tar.gz` that Apple's
  page links to.
- `models/mgie/mllm.pt`: out of the same archive.
- `models/mgie/LLaVA-Lightning-7B-v1/`: `config.json`, the tokenizer (`tokenizer.model` and its
  `.json` files) and the weights (shards with their index), published as a delta over LLaMA-7B; the
  page says how to apply it.
- `models/mgie/clip-vit-large-patch14/`: `config.json` and `model.safetensors` of
  `openai/clip-vit-large-patch14`.
- `models/vae/vae-ft-mse-840000-ema-pruned.safetensors`: Stable Diffusion's VAE.

The weights are for **non-commercial** use. The language model takes about 14 GB; ComfyUI frees it
before the picture is made. Save its answer once, and *Load MGIE Embeddings* does without it.
""",
    "ultraedit": """\
**Model.** UltraEdit's transformer, which *Load Edit Model* reads: save it as
`models/diffusion_models/ultraedit_w_mask.safetensors`, and its VAE as
`models/vae/sd3_vae.safetensors`. The text encoders are those of Stable Diffusion 3.
""",
    "cosxl_edit": """\
**Model.** `cosxl_edit.safetensors` in `models/checkpoints`. Its address asks for an account.
""",
}

_SAY = {
    "instruct_diffusion": """\
**InstructDiffusion Guider** combines text and picture, the picture alone, and the text alone; the
last is made in the node.
""",
    "mgie": """\
**MGIE Conditioning** lets the language model imagine the edit. Its words are shown; what goes on
are eight hidden states, turned into the text condition. The *null* takes the place of an empty
text.

"""
    + _DUAL,
    "ultraedit": """\
**UltraEdit Conditioning** puts out all three conditions. Connect a mask to limit where the model
may edit; without one the edit is free-form.

"""
    + _DUAL,
    "flux_kontext": _REFERENCE + "\n" + _NULL,
    "flux2": _REFERENCE + "\n" + _NULL,
    **dict.fromkeys(("flux2_klein", "flux2_klein_kv"), _REFERENCE + "\n" + _NULL),
    "flux2_klein_base": _REFERENCE,
    **dict.fromkeys(
        ("qwen_image_edit_2509", "qwen_image_edit_2511", "firered_image_edit"),
        """\
*TextEncodeQwenImageEditPlus* shows up to three pictures to the text encoder and to the model:
`image1` is the one that is edited, and that candidates are compared with. Connect the others to
`image2` and `image3` of **both** texts, so that only the words differ.
""",
    ),
    **dict.fromkeys(
        (
            "longcat_image_edit",
            "joyai_image_edit",
            "boogu_image_edit",
            "mage_flow_edit",
            "mage_flow_edit_turbo",
        ),
        """\
The instruction's node shows the picture to the text encoder and to the model; the text without
words sees the same picture. *Edit Size* gave it a size the model takes as it is.
""",
    ),
    "hidream_o1": """\
The model works on pixels: its latent is the picture itself, and *VAE Decode* only brings it to the
usual range. The picture is shown to the model as an image, so *BIS Select* is given it too, as
`source_image`.
""",
    "chronoedit": """\
The model makes a video of five frames, from the picture to the edit; the last frame is the result.
*BIS Select* compares with the picture held still for five frames (`source_image`).
""",
    "capybara": """\
The model makes a video of one frame. The picture goes in as the start of the video, beside a mask,
and *BIS Select* is given it as `source_image`.
""",
    "qwen_image_edit": """\
*TextEncodeQwenImageEdit* shows the picture to the text encoder and to the model. Both texts see the
picture, so that only the words differ. *Edit Size* gave it a size the model takes.
""",
    "omnigen2": _REFERENCE + "\n" + _DUAL,
}

_TRY = """

**Edit Model Defaults** puts out the sampler, schedule, guidance, stop and relevance window that
suit the model.
"""


def notes_of(family: str) -> tuple[str, str, str, str, str]:
    """The notes of one family's workflow."""
    chosen = FAMILIES[family]
    load = _LOAD.get(
        family, "**Model.** Its files are offered for download when they are missing.\n"
    )
    about = (
        f"## ELECT with {chosen.title}\n\n{load}\n"
        f"Weights: {chosen.licence}. [Page]({chosen.url})\n\n"
        "**Picture.** Load your own; *Edit Size* brings it to a size the model takes.\n"
    )
    return about, _SAY.get(family, _DUAL), TRY.rstrip("\n") + _TRY, ELECT, FINISH
