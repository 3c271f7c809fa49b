"""ELECT: partial -> estimate, relevance -> select -> advance, resume; elect_sampler is all of it.

types       the candidates that flow between the nodes
sampling -> plan -> candidates   what is asked, checked; what will be run; run and kept
selection -> score -> shown      what is asked; what the kernels say; what a person sees of it:
table, pictures                  numbers and files
choice                           which candidates go on
placed, lay_on_source            zooms and shifts of the whole picture
kept, recorded                   what a changed choice takes up again
race_inputs -> racing -> raced   a race: what is asked; run, scored, thinned out; what is seen of it
vary, finish_clean               new candidates near a chosen one; the source around the edit
finishing                        how candidates are finished
pool_candidates -> pool, pooled  several runs: joined, told apart, elected among
saved -> stored, fit             candidates as a file; what is in it; whether a run is theirs
kept_scores                      the numbers that stay with candidates
"""

from . import (
    advance,
    elect_race,
    elect_sampler,
    estimate,
    finish_clean,
    lay_on_source,
    partial,
    pool_candidates,
    relevance,
    resume,
    saved,
    select,
    vary,
)

NODES = [
    *partial.NODES,
    *estimate.NODES,
    *relevance.NODES,
    *select.NODES,
    *advance.NODES,
    *elect_race.NODES,
    *resume.NODES,
    *elect_sampler.NODES,
    *lay_on_source.NODES,
    *saved.NODES,
    *pool_candidates.NODES,
    *finish_clean.NODES,
    *vary.NODES,
]
