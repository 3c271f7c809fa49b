"""Editing models: what each wants, and what ComfyUI does not know of them.

    families   the table: loader, guidance, sampler, steps, stop and licence of every model
    sizes      picture sizes each takes, so that source and result lie on each other
    shapes     how a file's tensors differ from those that a model has
    layouts    what a file of weights is, by its keys and shapes
    files      a folder's JSON objects, and its weights whole or in shards
    folders    a diffusers folder: its denoiser and what its configurations say
    mgie       MGIE's language model: mgie_prompt -> mgie_llava -> mgie_head; mgie_load reads its
               files (mgie_files), mgie_embeddings keeps what comes out

Imports no ComfyUI: `nodes/host` builds its objects from what is said here.
"""
