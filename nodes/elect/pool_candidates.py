"""PoolCandidates: one election over runs that differ in prompt, cfg, LoRA or model."""

from __future__ import annotations

from collections.abc import Sequence

from comfy_api.latest import io

from ..host.elect.fingerprint import difference
from ..host.elect.identity import run_facts
from ..menu import ELECT
from .pool import Pool
from .types import Candidates, ElectCandidates

_PLACES = ("candidates", "candidates_2", "candidates_3", "candidates_4")


def pooled(given: Sequence[Candidates | Pool], names: Sequence[str] = ()) -> Pool:
    """One pool of all of them, or a ValueError where they cannot be compared."""
    parts = [part for one in given for part in (one.parts if isinstance(one, Pool) else (one,))]
    if len(parts) < 2:
        raise ValueError("candidates: expected those of at least two runs, got one.")
    if len({id(part.tape) for part in parts}) < len(parts):
        raise ValueError("candidates: the same candidates are given twice.")
    first = parts[0].run
    for number, part in enumerate(parts[1:], start=2):
        if _space(part) != _space(parts[0]):
            raise ValueError(
                f"candidates: those of run {number} are {_space(part)}, those of run 1 "
                f"{_space(parts[0])}. Only models of one latent space, at one size, compare."
            )
    if names and len(names) != len(parts):
        raise ValueError(f"names: expected one for each of {len(parts)} runs, got {len(names)}.")
    if not names:
        facts = run_facts(first)
        names = ["", *(_told(difference(facts, run_facts(p.run))) for p in parts[1:])]
    order = [number for number, part in enumerate(parts) for _ in part.seeds]
    return Pool(tuple(parts), tuple(order), tuple(names))


def _space(part: Candidates) -> str:
    form = type(part.run.model.model.latent_format).__name__
    return f"{form} {tuple(part.run.latent['samples'].shape[1:])}"


def _told(found: tuple[str, bool] | None) -> str:
    if found is None:
        return "the same as run 1"
    return f"another {found[0]}".replace(" then,", " in run 1,").replace(" now)", " here)")


def in_words(pool: Pool) -> str:
    """A line for each run."""
    lines = []
    for number, (part, name) in enumerate(zip(pool.parts, pool.names, strict=True), start=1):
        lines.append(
            f"run {number}{': ' if name else ''}{name} ({len(part.seeds)} candidates, stopped "
            f"after {part.stop_step} of {part.run.num_steps} steps at sigma {part.stop_sigma:.4g})"
        )
    if len({round(part.stop_sigma, 3) for part in pool.parts}) > 1:
        lines.append(
            "The runs stopped at different noise levels: estimates of an earlier stop are blurred, "
            "which their scores show. Give all the same stop_sigma where you can."
        )
    return "\n".join(lines)


class PoolCandidates(io.ComfyNode):
    """Joins candidates of several runs, so that one election goes over all of them."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        more = "More of them; each may be a list."
        return io.Schema(
            node_id="PoolCandidates",
            display_name="Pool Candidates (ELECT)",
            category=ELECT,
            description="Joins candidates of runs that differ in prompt, cfg, LoRA or model (of "
            "one latent space). BIS Select then elects among all; each goes on in its own run.",
            is_input_list=True,
            inputs=[
                ElectCandidates.Input(
                    "candidates",
                    tooltip="Candidates of one run, or a list of them: from a sampler that was "
                    "given a list of guiders.",
                ),
                *[ElectCandidates.Input(name, optional=True, tooltip=more) for name in _PLACES[1:]],
                io.String.Input(
                    "names",
                    optional=True,
                    force_input=True,
                    tooltip="A name for each run, as a list (the prompts, for example), for the "
                    "table.",
                ),
            ],
            outputs=[ElectCandidates.Output(display_name="candidates")],
        )

    @classmethod
    def execute(
        cls, candidates, candidates_2=(), candidates_3=(), candidates_4=(), names=()
    ) -> io.NodeOutput:
        given = [*candidates, *candidates_2, *candidates_3, *candidates_4]
        found = pooled([one for one in given if one is not None], [n for n in names if n])
        return io.NodeOutput(found, ui={"text": (in_words(found),)})


NODES: list[type[io.ComfyNode]] = [PoolCandidates]
