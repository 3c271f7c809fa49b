"""ELECT (ICCV 2025): run many seeds part of the way, finish the one that keeps the background.

Shape letters used in every docstring of this package:

    N  candidates        C  latent channels       K  steps of the whole schedule
    S  recorded steps    h w  latent size         H W  image size

Latents are ``(N, C, h, w)``; video-shaped latents ``(N, C, T, h, w)`` pass through every kernel.

The stages, in the order the data flows (a stage imports only those above it):

    sampler     noise, sigmas      -> latent (two samplers for runs outside ComfyUI)
    schedule    fractions of steps -> step counts; what a run costs
    tape        model calls        -> Tape: recorded, stopped, pruned, replayed
    stored      Tape              <-> tensors by name, for a file
    estimate    x, prediction      -> denoised (Tweedie)
    relevance   cond, uncond       -> where the edit happens
    alignment   estimates, source  -> whole-picture shift of each, and undone
    placement   estimates, source  -> zoom and shift of each, and undone
    score       estimates, source  -> change of the background (BIS) and of the edit
    confidence  scores over steps  -> how sure the first is
    selection   scores             -> Ranking
    diversity   ranking, estimates -> an order of the good that differ
    race        rankings at rungs  -> who goes on, who is left
    mixing      noise, noise       -> noise between them: near a candidate, or inside a region
    blend       result, source     -> the source kept outside the edit
    elect       all of it as one function, outside ComfyUI
"""

from .alignment import common_view, global_shift, undo_shift
from .blend import colours_matched, edited_from, feathered, kept_outside
from .confidence import chances, fluctuation, moves_to_come
from .diversity import distances, diverse_order
from .elect import Election, classifier_free, elect, instruct_pix2pix
from .estimate import TWEEDIE
from .mixing import jittered, regional_mix, spherical_mix
from .placement import find_placements, move_back, off_source
from .race import Rung, Standing, from_here, halving, looks, parse_rungs, race_nfe, run_race
from .relevance import FORMS, aggregate, change_weight, raw_relevance, token_weight
from .sampler import euler, euler_ancestral
from .schedule import Cost, best_of_n_nfe, elect_nfe, step_count, step_of_sigma, window_steps
from .score import (
    CRITERIA,
    background_inconsistency,
    change_inside,
    composite,
    consensus,
    edit_ratio,
    edit_share,
    idle,
    median_estimate,
)
from .selection import Ranking, rank
from .stored import tape_of, tape_tensors
from .tape import Step, Stopped, Tape, TapeModel

__all__ = [
    "CRITERIA",
    "FORMS",
    "TWEEDIE",
    "Cost",
    "Election",
    "Ranking",
    "Rung",
    "Standing",
    "Step",
    "Stopped",
    "Tape",
    "TapeModel",
    "aggregate",
    "background_inconsistency",
    "best_of_n_nfe",
    "change_inside",
    "change_weight",
    "chances",
    "classifier_free",
    "colours_matched",
    "common_view",
    "composite",
    "consensus",
    "distances",
    "diverse_order",
    "edit_share",
    "edit_ratio",
    "edited_from",
    "elect",
    "elect_nfe",
    "euler",
    "euler_ancestral",
    "feathered",
    "find_placements",
    "fluctuation",
    "from_here",
    "global_shift",
    "halving",
    "idle",
    "instruct_pix2pix",
    "jittered",
    "kept_outside",
    "looks",
    "median_estimate",
    "move_back",
    "moves_to_come",
    "off_source",
    "parse_rungs",
    "race_nfe",
    "rank",
    "raw_relevance",
    "regional_mix",
    "run_race",
    "spherical_mix",
    "step_count",
    "step_of_sigma",
    "tape_of",
    "tape_tensors",
    "token_weight",
    "undo_shift",
    "window_steps",
]
