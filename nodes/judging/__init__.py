"""Judging and rewriting: who is asked, what of, and what becomes of the answer.

types                     what flows between these nodes
endpoint, loader          models that see: behind a URL, in a folder
edit_judge, clip_judge    scores, reasons, the best
variants, retry           other words, another try
"""

from . import clip_judge, edit_judge, endpoint, loader, retry, variants

NODES = [
    *endpoint.NODES,
    *loader.NODES,
    *edit_judge.NODES,
    *clip_judge.NODES,
    *variants.NODES,
    *retry.NODES,
]
