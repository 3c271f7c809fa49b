"""Editing models: what each wants, and what ComfyUI does not know of them.

    families   the table: loader, guidance, sampler, steps, stop and licence of every model

Imports no ComfyUI: `nodes/host` builds its objects from what is said here.
"""
