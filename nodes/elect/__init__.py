"""ELECT: partial -> estimate, relevance -> select -> resume; elect_sampler is all of it.

types       the candidates that flow between the nodes
candidates  what they share, checked and run
score       what the kernels say of them; choice  which go on
shown       how it is shown, once for all choices: table, pictures; kept, recorded  what is reused
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
