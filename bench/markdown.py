"""Tables of a page, as Markdown."""

from collections.abc import Iterable, Sequence


def row(cells: Iterable[str]) -> str:
    """One row of a table."""
    return f"| {' | '.join(cells)} |"


def markdown(head: Sequence[str], lines: Iterable[Iterable[str]], rule: str = "|---") -> str:
    """A whole table; rule: what stands below each head."""
    return "\n".join([row(head), rule * len(head) + "|", *map(row, lines)])
