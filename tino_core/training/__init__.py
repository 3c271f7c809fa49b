"""Distillation of LatentCLIP and LatentVGG: a teacher sees pixels, its student latents.

    python -m elect_tino.tino_core.training --help
    accelerate launch -m elect_tino.tino_core.training clip ...

The modules, in the order the data flows:

    options     what was asked for
    pictures    folder or WebDataset shards   -> which pictures, in an order that can be taken up
    reading     a picture's file              -> pixels
    vae         pictures                      -> latents
    teachers    pictures                      -> features
    cache       latents with features, kept on the disk
    pairs       the same for every step: made on the way, or from the cache
    students    an untrained student, as much like its teacher as fits
    checkpoint  all that a run needs to go on after a kill
    distil      the run
"""
