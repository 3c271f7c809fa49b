"""Folders of model files that ComfyUI does not know by itself."""

import os

import folder_paths


def register_folder(kind: str, extensions: set[str]) -> None:
    """Make models/<kind> known to ComfyUI, beside what extra_model_paths.yaml names.

    Another pack may have registered the kind, with extensions in a list, a tuple or None: all that
    it has stays.
    """
    ours = os.path.join(folder_paths.models_dir, kind)
    paths, known = folder_paths.folder_names_and_paths.get(kind, ([], set()))
    paths = paths if isinstance(paths, list) else list(paths)
    if ours not in paths:
        paths.append(ours)
    if not extensions <= set(known or ()):
        known = {*(known or ()), *extensions}  # not in place: ComfyUI's own kinds share one set
    folder_paths.folder_names_and_paths[kind] = (paths, known)
