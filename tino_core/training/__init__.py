"""Distillation of LatentCLIP and LatentVGG: a teacher sees pixels, its student latents.

    python -m elect_tino.tino_core.training --help
    accelerate launch -m elect_tino.tino_core.training clip ...

The modules, in the order the data flows:

    options     what was asked for
    pictures    folder or WebDataset shards   -> pictures, in an order that a step number fixes
    vae         pictures                      -> latents
    teachers    pictures                      -> features
    pairs       latents with features, made on the way or kept on the disk
    students    an untrained student, as much like its teacher as fits
    checkpoint  all that a run needs to go on after a kill
    distil      the run
"""
