"""ELECT: partial -> estimate, relevance -> select -> resume; elect_sampler is all of it.

types       the candidates that flow between the nodes
candidates  what they share, checked and run
score       what the kernels say of them; table, contact_sheet  how it is shown
"""

from . import elect_sampler, estimate, partial, relevance, resume, select

NODES = [
    *partial.NODES,
    *estimate.NODES,
    *relevance.NODES,
    *select.NODES,
    *resume.NODES,
    *elect_sampler.NODES,
]
