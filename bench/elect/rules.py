"""By what candidates are elected in the benchmark: the paper's forms, and those beside them."""

from typing import NamedTuple

from ...elect_core.relevance import FORMS


class Rule(NamedTuple):
    """mask: a form of relevance, change, both, tokens or truth; space: latent or pixel;
    criterion: a key of `score.CRITERIA`; guard: the least edit, as a share of the median edit.
    """

    mask: str
    space: str = "latent"
    criterion: str = "bis"
    guard: float = 0.0

    @property
    def title(self) -> str:
        """As tables name it."""
        guard = f", guard {self.guard:g}" if self.guard else ""
        criterion = "" if self.criterion == "bis" else f", by {self.criterion}"
        return f"{self.mask} mask, {self.space}{criterion}{guard}"


PAPER, TRUE = Rule("paper"), Rule("truth")
SAFE = PAPER._replace(guard=0.8)
"""The nodes' default."""
SPACES = ("latent", "pixel")
PAPERS = tuple(Rule(mask, space) for space in SPACES for mask in (*FORMS, "truth"))
"""Both forms of the map, and the true mask, in both spaces."""
OURS = (
    *(Rule("paper", guard=guard) for guard in (0.5, 0.7, 0.8, 0.9)),
    Rule("paper", criterion="ratio"),
    Rule("paper", criterion="ratio", guard=0.8),
    Rule("paper", criterion="consensus"),
    Rule("paper", criterion="composite"),
    Rule("paper", criterion="composite", guard=0.8),
    Rule("change"),
    Rule("change", guard=0.8),
    Rule("both", guard=0.8),
    Rule("tokens", guard=0.8),
    Rule("tokens", criterion="composite"),
    Rule("change", criterion="ratio", guard=0.8),
    Rule("both", criterion="ratio", guard=0.8),
    Rule("truth", guard=0.8),
)
"""Scores that cannot be bought by doing nothing, and masks that need no text-free call."""
RULES = (*PAPERS, *OURS)
Key = tuple[tuple[str, str, str, float], float, int]
"""Rule, stop, number of candidates."""
