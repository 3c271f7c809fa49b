"""The notes of the example workflows, in Markdown, one for each frame."""

GUIDANCE = """\
**InstructPix2Pix** reads three conditions, which *Dual CFG Guider* (style *regular*) combines:

- `cond1`: the instruction and the picture,
- `cond2`: an empty text and the picture,
- `negative`: an empty text that did **not** pass *InstructPixToPixConditioning*, so no picture.

`cfg_conds` says how strongly the text acts, `cfg_cond2_negative` how closely the picture is kept.
"""

TRY = """\
**Multi-Seed Partial Sampler** takes the place of *SamplerCustomAdvanced*. It runs every candidate
seed, but only the first part of the schedule (`stop`), and keeps what is needed to go on exactly.

`sigmas` is the whole schedule, the steps after the stop included. Candidate *k* is what
*SamplerCustomAdvanced* gives for seed `first_seed + k` alone.
"""

ELECT = """\
- **Tweedie Estimate**: the finished picture that each candidate points to.
- **Relevance Map Aggregate**: where the text makes a difference, averaged over all seeds. Red in
  the overlay is the edit; the rest is background, which should stay as it is.
- **BIS Select** measures how much each candidate changes that background (BIS, lower is better).
  Its table lists all of them, best first. `pick` overrides the choice: only this node and those
  after it run again.
"""

FINISH = """\
**Resume Denoise** runs the remaining steps of the elected candidate, and of no other.

With *N* candidates, *K* steps and a stop after *s* of them that is *N·s + (K \u2212 s)* guider calls in
all; running every seed to its end takes *N·K*.
"""  # noqa: E501

CHECKPOINT = """\
**Model.** `instruct-pix2pix-00-22000.safetensors` goes to `models/checkpoints` (about 7.7 GB;
ComfyUI offers the download when it is missing). Its authors release it under a permissive licence
and add that the terms of Stable Diffusion, from which it is fine-tuned, may restrict it further.

**Picture.** Load your own. It is scaled to about 512×512 pixels, which suits this model; its sides
are cut to multiples of 8.
"""

ANCESTRAL = """\

The authors of InstructPix2Pix use 100 steps of *euler_ancestral*; 50 take half the time.
"""

TINO_LOAD = """\
**With your own checkpoint** (SD 1.5, SD 2.1, SDXL): put *Load Checkpoint* in the place of *Load
Embedded Model*, *Load Image* in that of *Embedded Example*, and choose a LatentCLIP that was
trained for that VAE (`docs/latent_models.md`), or use *Pixel CLIP* in its place, which needs no
extra weights.
"""

TINO_WHERE = """\
**TiNO Mask** says what may change (1 = edited). Here it is the true mask of the example (*user*).
Other modes: *object* lets CLIPSeg find the words of the source prompt that the target prompt lacks,
*style* marks the whole picture, *difference* what was painted or pasted.

`target_prompt` goes to both the text conditioning and the loss.
"""

TINO_OPTIMISE = """\
**TiNO Optimize** denoises the picture in few steps, looks at the result with LatentCLIP, and moves
the noise and every timestep so that the loss falls; `iterations` times. The best result comes out.
Preview, loss and progress are shown at every iteration, and Cancel works at any of them.

`iterations` 0 is plain blended image to image with the same steps: compare with it.
"""

TINO_SAY = "`target_prompt` goes to both the text conditioning and the loss.\n"

TINO_SAVE = "The edit, and how its loss fell. The dot is the iteration that was taken.\n"

STOCK = (GUIDANCE, TRY, ELECT, FINISH, TINO_OPTIMISE, TINO_SAVE, TINO_SAY)
"""What the nodes' own help pages say too."""

NOTES = {
    "elect_embedded_demo": (
        """\
## ELECT, with nothing to download

One instruction, sixteen seeds. Each is run a little way, the one that keeps the background best is
elected, and only that one is finished.

1. Press **Run**. All sixteen appear on *Choose the Best Candidate*, best first.
2. **Click** another, then *Finish it*: only its remaining steps run.
3. **Double click** one to compare it with the source.

The embedded model is tiny (128×128 pictures of coloured shapes), so this takes seconds to minutes
on a CPU. *flow_mild* learned from partly spoilt pairs, as real editors did: its seeds disagree.
""",
        GUIDANCE,
        TRY,
        ELECT,
        FINISH,
    ),
    "best_of_n_by_bis": (
        """\
## Best-of-N by BIS

The costly method that ELECT stands in for: **every** seed is run to its end (`stop` is 1.0) and the
best one is kept. Compare the result, the scores and the time with the first template, which has the
same picture, instruction and seeds.
""",
        GUIDANCE,
        "At `stop` **1.0** no candidate is paused. Lower it to 0.4, and this is ELECT.\n",
        ELECT,
        "**Resume Denoise** has nothing left to run.\n",
    ),
    "instruct_pix2pix_step_by_step": (
        "## ELECT with InstructPix2Pix, node by node\n\n" + CHECKPOINT,
        GUIDANCE,
        TRY + ANCESTRAL,
        ELECT,
        FINISH,
    ),
    "instruct_pix2pix_all_in_one": (
        "## ELECT with InstructPix2Pix, in one node\n\n" + CHECKPOINT,
        GUIDANCE,
        """\
**ELECT Sampler** takes the place of *SamplerCustomAdvanced* in any workflow: guider, sampler,
sigmas and latent go in, the finished latent comes out. In between it runs every seed part of the
way, finds the background, elects the seed that keeps it best and finishes only that one.

`vae` is for the small pictures below the table. The `seed` that comes out fits any sampler.
"""
        + ANCESTRAL,
        "The result, decoded. The node's `relevance` output is the mask of the edit.\n",
    ),
    "elect_own_mask": (
        """\
## ELECT with your own mask

Here the mask is the true one of *Embedded Example*. With a picture of your own take *Load Image*
and its MASK: right-click it, **Open in MaskEditor**, paint what may change.

Your mask goes to `mask` of *Choose the Best Candidate*: white may be edited, the rest is
background, and no relevance map is needed. It only decides which candidate is elected; it does not
limit where the model paints. An empty mask is refused before anything is sampled.
""",
        GUIDANCE,
        TRY,
        "",
        FINISH,
    ),
    "elect_each_picture": (
        """\
## ELECT for each of many pictures

A batch of pictures is refused, since the candidates are the batch. **Rebatch Images** with
`batch_size` 1 makes a list of it: all that follows runs once for each picture, with its own
relevance map and its own election.

The two pictures stand for whatever gives you many: an animated file, the frames of a video, a
folder (*Load Image Dataset from Folder* gives such a list at once, without *Rebatch Images*).

"""
        + CHECKPOINT,
        GUIDANCE,
        TRY + ANCESTRAL,
        ELECT
        + """
There is one election a picture. `pick` and `pick_seeds` hold for all of them.
""",
        FINISH,
    ),
    "tino_text": (
        """\
## TiNO-Edit by text

One object becomes another by its words alone: the picture's change shall be as large as the text's.

"""
        + TINO_LOAD,
        TINO_WHERE,
        TINO_OPTIMISE,
        TINO_SAVE,
    ),
    "tino_reference": (
        """\
## TiNO-Edit with a reference picture

What is inside the mask shall come to resemble another picture.

"""
        + TINO_LOAD,
        """\
The object is cut out of another picture, brought to the size of the source and encoded. A reference
of another size is resized, and the log says so.
""",
        TINO_WHERE,
        TINO_OPTIMISE,
        TINO_SAVE,
    ),
    "tino_strokes": (
        """\
## TiNO-Edit with strokes

Paint roughly where and in which colour; the model makes an object of it.

"""
        + TINO_LOAD,
        """\
Here the stroke is one rectangle. With your own picture, paint in any program and load both
pictures.

`start` is what the noise is added to. The mask is where the two pictures differ.
""",
        TINO_SAY,
        TINO_OPTIMISE,
        TINO_SAVE,
    ),
    "tino_composition": (
        """\
## TiNO-Edit by composition

Paste a part of one picture into another; the model blends it in.

"""
        + TINO_LOAD,
        """\
The pasted part brings a box of its old background along. `start` is the pasted picture; the mask is
where the two pictures differ.
""",
        TINO_SAY,
        TINO_OPTIMISE,
        TINO_SAVE,
    ),
    "tino_compounded": (
        """\
## Several edits one after another

The LATENT of the first edit is the `source` of the second. Nothing outside the second mask changes
again.

"""
        + TINO_LOAD,
        TINO_WHERE,
        """\
The second edit has a mask of its own: a box around the star. Its source prompt is the first edit's
target prompt.
""",
        TINO_OPTIMISE,
        TINO_SAVE,
    ),
}
