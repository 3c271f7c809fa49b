"""What the template browser shows: file names are titles there, in the order of the alphabet.

Those that run at once come first, then those whose models are downloaded.
"""

_NO_DOWNLOAD = {
    "elect_embedded_demo": "ELECT demo",
    "elect_own_mask": "ELECT with your own mask",
    "best_of_n_by_bis": "Every seed to its end (best of N)",
    "elect_save_and_resume": "ELECT today, finish tomorrow",
    "tino_text": "TiNO-Edit by text",
    "tino_reference": "TiNO-Edit towards a picture",
    "tino_strokes": "TiNO-Edit from strokes",
    "tino_composition": "TiNO-Edit of a collage",
    "tino_compounded": "TiNO-Edit twice",
    "elect_race": "ELECT race",
    "elect_seed_and_prompt": "ELECT over seeds and wordings",
}
_DOWNLOAD = {
    "instruct_pix2pix_all_in_one": "InstructPix2Pix, one node",
    "instruct_pix2pix_step_by_step": "InstructPix2Pix, step by step",
    "elect_each_picture": "InstructPix2Pix, many pictures",
    "flux_kontext": "FLUX.1 Kontext",
    "qwen_image_edit": "Qwen-Image-Edit",
    "omnigen2": "OmniGen2",
    "hidream_e1": "HiDream-E1.1",
    "flux2": "FLUX.2",
    "cosxl_edit": "CosXL-Edit",
    "ultraedit": "UltraEdit",
    "magicbrush": "MagicBrush",
    "instruct_diffusion": "InstructDiffusion",
    "mgie": "MGIE",
    "qwen_image_edit_2509": "Qwen-Image-Edit 2509",
    "qwen_image_edit_2511": "Qwen-Image-Edit 2511",
    "flux2_klein": "FLUX.2 klein",
    "flux2_klein_base": "FLUX.2 klein base",
    "flux2_klein_kv": "FLUX.2 klein 9B, KV-cached",
    "firered_image_edit": "FireRed-Image-Edit",
    "longcat_image_edit": "LongCat-Image-Edit",
    "joyai_image_edit": "JoyAI-Image-Edit",
    "boogu_image_edit": "Boogu-Image-Edit",
    "mage_flow_edit": "Mage-Flow-Edit",
    "mage_flow_edit_turbo": "Mage-Flow-Edit Turbo",
    "hidream_o1": "HiDream-O1",
    "chronoedit": "ChronoEdit",
    "capybara": "Capybara",
    "elect_prompt_by_model": "InstructPix2Pix, seeds and a model's words",
    "elect_judge_retry": "InstructPix2Pix, elect, judge, retry",
}
_NAMED = {
    **{name: f"{title}, no download" for name, title in _NO_DOWNLOAD.items()},
    **_DOWNLOAD,
}
TITLES = {
    name: f"{place:02} {title}" for place, (name, title) in enumerate(_NAMED.items(), start=1)
}
"""File names without their ends, by the names of the recipes."""


def title_of(name: str) -> str:
    """A recipe's file name without its end; a recipe without a title goes by its own name."""
    return TITLES.get(name, name)


LARGER = {
    "chronoedit": "a video model's: six nodes more than a picture's",
    "elect_judge_retry": "two elections, two judges, and what lies between them",
}
"""Templates that cannot be seen as a whole with texts that can be read, and why."""


NODE_TITLES = {
    "MultiSeedPartialSampler": "Try many seeds",
    "TweedieEstimate": "Estimates",
    "RelevanceMapAggregate": "Where the edit is",
    "BISSelect": "Choose the best candidate",
    "ResumeDenoise": "Finish the chosen",
    "ELECTSampler": "Try, choose, finish",
    "ELECTRace": "Drop the worst on the way",
    "SaveCandidates": "Save candidates",
    "LoadCandidates": "Load candidates",
    "InstructionVariants": "Wordings",
    "PoolCandidates": "All candidates",
    "VLMEndpoint": "Model that sees",
    "EditJudge": "Judge",
    "KeepOrRetry": "Keep or retry",
    "TiNOMask": "What may change",
    "TiNOOptimize": "Optimise the noise",
}
"""Titles that fit above the narrow nodes of a template, by node id."""
