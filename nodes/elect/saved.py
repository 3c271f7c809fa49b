"""SaveCandidates, LoadCandidates: candidates as a file, to be finished on another day."""

from __future__ import annotations

from pathlib import Path

import folder_paths
import torch
from comfy_api.latest import io

from ..host.elect.batching import refuse_dice, refuse_sampler
from ..host.elect.run import Run
from ..host.latents import single_latent
from ..menu import ELECT
from .candidates import describe
from .file_names import check_file_name
from .fit import misfit
from .kept_scores import in_words
from .pictures import latent_pictures
from .pool import Pool, one_run
from .stored import read, write
from .types import Candidates, ElectCandidates

_SUFFIX = ".safetensors"
NEWEST = "newest"


def folder() -> Path:
    """Where candidates are kept: output/elect."""
    return Path(folder_paths.get_output_directory()) / "elect"


def kept_files() -> list[str]:
    """Names of the files there, the newest first."""
    found = [path for path in folder().rglob("*" + _SUFFIX) if path.is_file()]
    found.sort(key=lambda path: path.stat().st_mtime_ns, reverse=True)
    return [path.relative_to(folder()).as_posix() for path in found]


def _below(name: str, given: str) -> Path:
    """The path of a name below the folder, or a ValueError where it climbs out of it."""
    root = folder().resolve()
    path = (root / name.replace("\0", "")).resolve()
    if not name.strip() or "\0" in name or path == root or not path.is_relative_to(root):
        raise ValueError(f"{given}: expected a name below output/elect, got {name!r}.")
    check_file_name(name, given)
    return path


def place(name: str) -> Path:
    """A file that is not there yet, by a name and a number."""
    _below(name, "name")
    where, stem, number, _, _ = folder_paths.get_save_image_path(name, str(folder()))
    return Path(where) / f"{stem}_{number:05}_{_SUFFIX}"


def kept_file(name: str, given: str = "file") -> Path:
    """A file by its name, or a ValueError that says what there is."""
    files = kept_files()
    if name == NEWEST:
        if not files:
            raise ValueError(f"{given}: there are no candidates in output/elect. Save some first.")
        return folder() / files[0]
    path = _below(name, given)
    if path.suffix != _SUFFIX or not path.is_file():
        raise ValueError(
            f"{given}: {name!r} is not in output/elect, which holds {len(files)} such files. "
            "Refresh the page (R) and choose one."
        )
    return path


class SaveCandidates(io.ComfyNode):
    """Keeps candidates, paused or finished, in one file."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SaveCandidates",
            display_name="Save Candidates (ELECT)",
            category=ELECT,
            description="Saves candidates with all they have run in one file below output/elect, "
            "so that they can be finished on another day, exactly as today.",
            is_output_node=True,
            inputs=[
                ElectCandidates.Input(
                    "candidates",
                    tooltip="From a sampler, or the elected ones from BISSelect. The file is as "
                    "large as the RAM they hold.",
                ),
                io.String.Input(
                    "name",
                    default="candidates",
                    tooltip="Name of the file below output/elect; a number is put behind it.",
                ),
                io.String.Input(
                    "table",
                    optional=True,
                    force_input=True,
                    tooltip="The table of scores, from BISSelect, kept with them.",
                ),
            ],
            outputs=[io.String.Output(display_name="file")],
        )

    @classmethod
    def validate_inputs(cls, name: str | None = "") -> bool | str:
        """Find a name that climbs out of the folder before anything is run."""
        try:
            return name is None or bool(_below(name, "name"))
        except ValueError as error:
            return str(error)

    @classmethod
    def execute(cls, candidates: Candidates | Pool, name: str, table: str = "") -> io.NodeOutput:
        candidates = one_run(candidates, "SaveCandidates")
        path = place(name)
        latents = candidates.estimates()
        write(path, candidates, latent_pictures(candidates.run.model, latents), table)
        told = path.relative_to(folder()).as_posix()
        said = f"{told}: {len(candidates.seeds)} candidates, {path.stat().st_size / 2**20:.1f} MB"
        return io.NodeOutput(told, ui={"text": (said,)})


class LoadCandidates(io.ComfyNode):
    """Takes saved candidates up again, in the run that they belong to."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LoadCandidates",
            display_name="Load Candidates (ELECT)",
            category=ELECT,
            description="Loads candidates that SaveCandidates kept. They go on only with what they "
            "were run with: guider, sampler and sigmas are compared with the file.",
            inputs=[
                io.Combo.Input(
                    "file",
                    options=[NEWEST, *kept_files()],
                    default=NEWEST,
                    tooltip="A file below output/elect; newest is the one written last.",
                ),
                io.Guider.Input("guider", tooltip="The same model, conditionings and cfg."),
                io.Sampler.Input("sampler", tooltip="The same sampler, with the same options."),
                io.Sigmas.Input("sigmas", tooltip="The same whole schedule."),
                io.Latent.Input(
                    "latent_image",
                    optional=True,
                    tooltip="Compared with the latent in the file, which is used where left out.",
                ),
                io.Conditioning.Input(
                    "null",
                    optional=True,
                    tooltip="The same empty text, where one was connected and further steps of the "
                    "relevance window are still to be run.",
                ),
                io.String.Input(
                    "saved",
                    optional=True,
                    force_input=True,
                    tooltip="A file's name by wire, from SaveCandidates; goes before file.",
                ),
            ],
            outputs=[
                ElectCandidates.Output(display_name="candidates"),
                io.String.Output(display_name="table"),
                io.Image.Output(display_name="thumbnails"),
            ],
        )

    @classmethod
    def validate_inputs(cls, file: str | None = NEWEST) -> bool | str:
        """Find a file that is not there, or is no file of candidates, before anything is run."""
        if file is None or file == NEWEST:  # by wire, or of this very run
            return True
        try:
            read(kept_file(file), "file")
        except ValueError as error:
            return str(error)
        return True

    @classmethod
    def fingerprint_inputs(cls, file: str | None = NEWEST, **others: object) -> str:
        """Read again what was written again."""
        if file is None or not kept_files():
            return ""
        path = kept_file(file)
        return f"{path} {path.stat().st_mtime_ns} {path.stat().st_size}"

    @classmethod
    def execute(
        cls, file, guider, sampler, sigmas, latent_image=None, null=None, saved=None
    ) -> io.NodeOutput:
        path = kept_file(saved, "saved") if saved else kept_file(file)
        stored = read(path, "saved" if saved else "file")
        refuse_sampler(sampler)
        refuse_dice(guider.model_options)
        latent = stored.latent
        if latent_image is not None:
            latent = single_latent(guider.model_patcher, latent_image)
        shared = (guider, sampler, sigmas, latent, stored.window_step, null, stored.rule())
        run = Run(*shared, stored.text_jitter)
        notes = misfit(stored, run)
        found = stored.candidates(run)
        pictures = stored.thumbnails
        if pictures is None:
            pictures = torch.zeros(len(found.seeds), 64, 64, 3)
        said = filter(None, [f"{path.name}: {describe(found)}", in_words(found), *notes])
        text = "\n".join(said)
        return io.NodeOutput(found, stored.table, pictures, ui={"text": (text,)})


NODES: list[type[io.ComfyNode]] = [SaveCandidates, LoadCandidates]
