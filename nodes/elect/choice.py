"""Which candidates go on: the ones clicked, the one numbered, or the best."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from comfy_api.latest import io

from ...elect_core.selection import Ranking


@dataclass(frozen=True)
class Chosen:
    """Indices of the candidates to go on with, the first one first; never empty.

    gone: chosen seeds that no candidate has, as texts
    """

    indices: tuple[int, ...]
    gone: tuple[str, ...] = ()

    @property
    def first(self) -> int:
        """The elected or the first chosen one."""
        return self.indices[0]

    def order(self, ranking: Ranking, top_k: int) -> list[int]:
        """All chosen ones, then the best of the others, until there are `top_k`."""
        others = [index for index in ranking.order if index not in self.indices]
        return [*self.indices, *others][: max(top_k, len(self.indices))]


def check_pick_seeds(text: str) -> None:
    """Raise ValueError unless it lists whole numbers."""
    for word in _words(text):
        if re.fullmatch(r"\d+(@\d+)?", word) is None:
            raise ValueError(
                f"pick_seeds: expected seeds, separated by commas, or nothing, got {word!r}."
            )


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\s,;]+", text) if word]


def _plain(word: str) -> str:
    """A seed, or seed@run, without leading zeros."""
    return "@".join(str(int(number)) for number in word.split("@"))


def check_pick(pick: int, num_candidates: int) -> None:
    """Raise ValueError unless it is 0 or the number of a candidate."""
    if not 0 <= pick <= num_candidates:
        raise ValueError(
            f"pick: expected 0 for automatic or a candidate from 1 to {num_candidates}, got {pick}."
        )


def choose(
    ranking: Ranking, seeds: Sequence[int | str], pick: int = 0, pick_seeds: str = ""
) -> Chosen:
    """Seeds before the number, the number before the best one; seeds that are gone do not count.

    seeds: of the candidates, or seed@run where they are of several runs; pick: 0 or a candidate,
    counted from 1
    """
    check_pick_seeds(pick_seeds)
    names = [str(seed) for seed in seeds]
    bare = [name.partition("@")[0] for name in names]  # a seed alone is that of the first run
    wanted = list(dict.fromkeys(map(_plain, _words(pick_seeds))))
    known = [word for word in wanted if word in (*names, *bare)]
    found = tuple(dict.fromkeys((names if "@" in one else bare).index(one) for one in known))
    gone = tuple(word for word in wanted if word not in known)
    if found:
        return Chosen(found, gone)
    if wanted or pick == 0:
        return Chosen((ranking.elected,), gone)
    check_pick(pick, len(seeds))
    return Chosen((pick - 1,))


def pick_seeds_input() -> io.Input:
    """The choice by seed, which a click in the gallery sets; always a node's last input."""
    return io.String.Input(
        "pick_seeds",
        default="",
        optional=True,
        tooltip="Seeds to go on with, separated by commas: click candidates to set it. Empty is "
        "automatic, and so is a seed that is not among the candidates.",
    )
