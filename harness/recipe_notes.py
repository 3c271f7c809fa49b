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

With *N* candidates, *K* steps and a stop after *s* of them that is *N·s + (K − s)* guider calls in
all; running every seed to its end takes *N·K*.
"""

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

NOTES = {
    "elect_embedded_demo": (
        """\
## ELECT, with nothing to download

One instruction, sixteen seeds. Each seed is run a little way, the one that keeps the background
best is elected, and only that one is finished.

The **embedded model** is tiny: 128×128 pictures of coloured shapes, so all of this takes seconds to
minutes on a CPU. *Embedded Example* gives a picture and an instruction it has not seen in training.
Try the others too: where the seeds disagree, the election matters most.
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
best one is kept. Compare the result, the scores and the time with *elect_embedded_demo*, which has
the same picture, instruction and seeds.
""",
        GUIDANCE,
        """\
With `stop` at **1.0** no candidate is paused: all *N·K* guider calls are made here. Lower it to 0.4
and this is ELECT.
""",
        ELECT,
        "**Resume Denoise** has nothing left to run: it passes on the elected candidate.\n",
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
        "## ELECT with your own mask\n\nPaint what may change: right-click *Source picture*, "
        "**Open in MaskEditor**. The picture's own transparency counts as a mask too.\n\n"
        + CHECKPOINT,
        GUIDANCE,
        TRY + ANCESTRAL,
        """\
Your mask goes to `mask` of **BIS Select**: white is what may be edited, the rest is background. No
relevance map is needed, and none is used.

The mask only decides which candidate is elected. It does not limit where the model paints.
""",
        FINISH,
    ),
}
