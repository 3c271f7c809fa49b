"""The ELECT nodes as they are shown."""

from .look import Look, names

_CANDIDATES = {"candidates": "From Multi-Seed Partial Sampler."}
_SEEDS = ("best of n", "best seed", "candidates", "variations", "many seeds", "seed search")

LOOKS: dict[str, Look] = {
    "MultiSeedPartialSampler": Look(
        name="Try Many Seeds: Multi-Seed Partial Sampler (ELECT)",
        search=(*_SEEDS, "batch seeds", "multi seed"),
        advanced=names("candidates_per_batch stop_sigma ram_limit_mb"),
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
        advanced=names("space minimum_edit pick csv_prefix align mask_from pick_seeds"),
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
            "ram_limit_mb align mask_from pick_seeds"
        ),
        outputs=(
            "The finished LATENT of the chosen candidates, the best one's where none is chosen.",
            "The model's last estimate, as SamplerCustomAdvanced gives it.",
            "MASK of the edit that the election used: 1 is edited, 0 is background.",
            "Seed of the first finished candidate; it fits any other sampler.",
        ),
    ),
}
