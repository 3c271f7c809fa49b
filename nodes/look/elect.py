"""The ELECT nodes as they are shown."""

from .look import Look, names

_CANDIDATES = {"candidates": "From Multi-Seed Partial Sampler."}
_SEEDS = ("best of n", "best seed", "candidates", "variations", "many seeds", "seed search")

LOOKS: dict[str, Look] = {
    "MultiSeedPartialSampler": Look(
        name="Try Many Seeds: Multi-Seed Partial Sampler (ELECT)",
        search=(*_SEEDS, "batch seeds", "multi seed"),
        advanced=names("candidates_per_batch stop_sigma ram_limit_mb text_jitter"),
        outputs=("All candidates at the stop, with what is needed to finish any of them.",),
    ),
    "TweedieEstimate": Look(
        name="Each Candidate's Picture: Tweedie Estimate (ELECT)",
        search=("preview candidates", "x0 estimate", "denoised"),
        inputs=_CANDIDATES,
        outputs=("LATENT batch: each candidate's estimate of its finished picture, by number.",),
    ),
    "RelevanceMapAggregate": Look(
        name="Where the Edit Is: Relevance Map Aggregate (ELECT)",
        search=("edit mask", "attention map", "what changes", "heat map"),
        advanced=names("window_start form"),
        inputs=_CANDIDATES,
        outputs=(
            "MASK at the picture's size: 1 is edited, 0 is background.",
            "The source picture with the mask laid over it in red.",
        ),
    ),
    "BISSelect": Look(
        name="Choose the Best Candidate: BIS Select (ELECT)",
        search=(*_SEEDS, "pick", "choose", "chooser", "image picker", "score", "rank", "select"),
        advanced=names(
            "space minimum_edit pick csv_prefix align zoom keep_place mask_from pick_seeds "
            "diversity"
        ),
        inputs=_CANDIDATES,
        outputs=(
            "The chosen candidates, or the top k, for Resume Denoise.",
            "Seed of the first of them; it fits any other sampler.",
            "The score table as text, best candidate first.",
            "LATENT batch of all estimates, best first.",
        ),
    ),
    "ResumeDenoise": Look(
        name="Finish the Chosen: Resume Denoise (ELECT)",
        advanced=names("candidates_per_batch sigmas sampler blend_mask feather source"),
        search=("finish candidate", "resume sampling", "continue"),
        outputs=(
            "The finished LATENT, a batch if several candidates come in.",
            "The model's last estimate, as SamplerCustomAdvanced gives it.",
        ),
    ),
    "ELECTSampler": Look(
        name="Best-of-N Seeds: ELECT Sampler",
        search=(*_SEEDS, "pick", "choose", "chooser", "score", "sampler custom advanced"),
        advanced=names(
            "candidates_per_batch window_start window_end form space minimum_edit stop_sigma "
            "ram_limit_mb align zoom keep_place mask_from pick_seeds consensus_until settled_from "
            "rungs stop_when_settled text_jitter"
        ),
        outputs=(
            "The finished LATENT of the chosen candidates, the best one's where none is chosen.",
            "The model's last estimate, as SamplerCustomAdvanced gives it.",
            "MASK of the edit that the election used: 1 is edited, 0 is background.",
            "Seed of the first finished candidate; it fits any other sampler.",
            "Candidates for the other ELECT nodes: all, or after a race those that are left.",
        ),
    ),
    "LayOnSource": Look(
        name="Undo a Zoom or Shift: Lay On Source (ELECT)",
        search=("zoom", "shift", "drift", "align", "pixel shift", "scale", "register", "offset"),
        outputs=(
            "IMAGE, laid on the source.",
            "By how much it was zoomed and moved, in words.",
        ),
    ),
    "AdvanceCandidates": Look(
        name="Run Candidates Further: Advance Candidates (ELECT)",
        search=("continue candidates", "later stop", "race"),
        advanced=names("candidates_per_batch stop_sigma ram_limit_mb"),
        outputs=("The same candidates, in the same order, further on.",),
    ),
    "ELECTRace": Look(
        name="Drop the Worst on the Way: ELECT Race",
        search=(*_SEEDS, "race", "successive halving", "tournament"),
        advanced=names(
            "consensus_until settled_from stop_sigma candidates_per_batch ram_limit_mb "
            "window_start window_end form space minimum_edit align zoom keep_place mask_from "
            "pick_seeds"
        ),
        outputs=(
            "The chosen one, or the best, then the others that are left, for Resume Denoise.",
            "Seed of the first of them; it fits any other sampler.",
            "Who stands where, and who left after which step, as text.",
            "MASK of the edit that was used last: 1 is edited, 0 is background.",
        ),
    ),
    "SaveCandidates": Look(
        name="Keep Candidates in a File: Save Candidates (ELECT)",
        search=("save candidates", "resume tomorrow", "store"),
        outputs=("Name of the file, for saved of Load Candidates.",),
    ),
    "LoadCandidates": Look(
        name="Candidates from a File: Load Candidates (ELECT)",
        search=("load candidates", "resume tomorrow"),
        advanced=names("saved"),
        outputs=(
            "The candidates, as if they had just been sampled.",
            "The table of scores that was saved with them.",
            "A small picture of each candidate.",
        ),
    ),
    "PoolCandidates": Look(
        name="Elect Among Several Runs: Pool Candidates (ELECT)",
        search=("several prompts", "compare prompts", "compare loras", "join candidates"),
        outputs=("The candidates of all runs, each with its own.",),
    ),
    "VarySeed": Look(
        name="More Like This One: Vary Seed (ELECT)",
        search=("variation seed", "subseed", "variations", "slerp noise"),
        advanced=names("candidates_per_batch"),
        outputs=("New candidates near the chosen one, stopped where it stopped.",),
    ),
    "RerollRegion": Look(
        name="Roll a Region Anew: Re-roll the Region (ELECT)",
        search=("inpaint", "regional seed", "fix region", "redo part"),
        advanced=names("candidates_per_batch"),
        outputs=("New candidates that differ only inside the mask.",),
    ),
    "FinishClean": Look(
        name="Keep the Source Around the Edit: Finish Clean (ELECT)",
        search=("paste back", "composite", "colour match", "color match", "feather", "seam"),
        outputs=(
            "IMAGE: the source outside the mask, the edit inside.",
            "IMAGE: the edit as it came in.",
        ),
    ),
}
