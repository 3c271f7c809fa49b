"""MGIE through its nodes: equal to the slow way, kept in files, managed, refused in plain words."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.testing import assert_close

from .mgie_files import FEATURES, QUERIES, SIDE, Files, random_files, vocabulary
from .mgie_reference import answer, chosen_states, edit_head

pytestmark = pytest.mark.comfy
INSTRUCTION = "make the sky pink"


@pytest.fixture(scope="module")
def files():
    return random_files()


@pytest.fixture(scope="module")
def image():
    return torch.rand(1, SIDE, SIDE + 12, 3, generator=torch.Generator().manual_seed(9))


@pytest.fixture
def root(tmp_path, monkeypatch):
    """models/mgie and models/mgie_embeddings of our own."""
    import folder_paths

    from elect_tino.nodes.edit_models import mgie  # noqa: F401

    for kind, extensions in (
        ("mgie", {".pt", ".safetensors"}),
        ("mgie_embeddings", {".safetensors"}),
    ):
        folder = tmp_path / kind
        folder.mkdir()
        entry = ([str(folder)], extensions)
        monkeypatch.setitem(folder_paths.folder_names_and_paths, kind, entry)
        folder_paths.filename_list_cache.pop(kind, None)
    monkeypatch.setattr(folder_paths, "models_dir", str(tmp_path))
    return tmp_path / "mgie"


@torch.inference_mode()
def load(llava="llava", vision_tower="clip", mllm="mllm.pt"):
    from elect_tino.nodes.edit_models.mgie import MGIELoader

    return MGIELoader.execute(llava, vision_tower, mllm).args[0]


@torch.inference_mode()
def conditioning(mgie, image, instruction=INSTRUCTION, save_as=""):
    from elect_tino.nodes.edit_models.mgie import MGIEConditioning

    return MGIEConditioning.execute(mgie, instruction, image, save_as).args


@torch.inference_mode()
def embeddings(name):
    from elect_tino.nodes.edit_models.mgie import MGIEEmbeddings

    return MGIEEmbeddings.execute(name).args


@torch.inference_mode()
def saying(files: Files, image, token: int, step: int) -> Files:
    """The files so changed that a token is the answer's at this step and at none before."""
    _, num_prompt, hidden = answer(files, INSTRUCTION, image[0])
    states = hidden[num_prompt - 1 : num_prompt + step]
    wanted = torch.zeros(len(states), 1)
    wanted[-1] = 100
    head = files.mllm["lm_head.weight"].clone()
    head[token] = torch.linalg.lstsq(states, wanted, driver="gelsd").solution[:, 0].half()
    return replace(files, mllm=files.mllm | {"lm_head.weight": head})


FIRST, END = vocabulary() - 8, 2


@pytest.mark.parametrize(("images", "end"), [(None, None), (6, None), (6, 20), (6, 8)], ids=str)
def test_embeddings_equal_those_computed_the_slow_way(root, files, image, images, end):
    changed = files if images is None else saying(files, image, FIRST, images)
    changed = changed if end is None else saying(changed, image, END, end)
    with torch.inference_mode():
        tokens, num_prompt, hidden = answer(changed, INSTRUCTION, image[0])
        expected = edit_head(changed, chosen_states(tokens, hidden))
        null = edit_head(changed, torch.zeros(8, hidden.shape[1]))
    assert len(tokens) - num_prompt == (96 if end is None else end + 1)
    if images is None:
        assert FIRST not in tokens
    else:
        assert tokens.index(FIRST) - num_prompt == images
    changed.write(root)
    positive, empty, said = conditioning(load(), image)
    assert positive[0][0].shape == (1, QUERIES, FEATURES)
    assert_close(positive[0][0][0], expected, atol=1e-4, rtol=0)
    assert_close(empty[0][0][0], null, atol=1e-4, rtol=0)
    assert (expected - null).abs().max() > 0.01
    assert isinstance(said, str)
    assert "[IMG0]" not in said


@pytest.fixture(scope="module")
def mgie(files, tmp_path_factory):
    """Loaded once, without the nodes' folders."""
    from elect_tino.nodes.host.edit_models.mgie import load as load_managed

    folder = tmp_path_factory.mktemp("mgie")
    files.write(folder)
    with torch.inference_mode():
        return load_managed(folder / "llava", folder / "clip", folder / "mllm.pt")


@pytest.mark.usefixtures("root")
def test_what_was_saved_is_what_is_loaded(mgie, image):
    given = conditioning(mgie, image, save_as="sky")
    kept = embeddings("sky.safetensors")
    for one, other in zip(given[:2], kept[:2], strict=True):
        assert torch.equal(one[0][0], other[0][0])
        assert one[0][1] == other[0][1]
    assert given[2] == kept[2]


def test_saving_under_the_same_name_makes_the_loader_run_again(root, mgie, image):
    from elect_tino.nodes.edit_models.mgie import MGIEEmbeddings

    assert MGIEEmbeddings.fingerprint_inputs("sky.safetensors") is None
    prints = set()
    for instruction in ("a", "a much longer instruction"):
        conditioning(mgie, image, instruction, "sky.safetensors")
        prints.add(MGIEEmbeddings.fingerprint_inputs("sky.safetensors"))
    assert len(prints) == 2
    assert [path.name for path in (root.parent / "mgie_embeddings").iterdir()] == [
        "sky.safetensors"
    ]


def test_the_picture_and_the_instruction_both_count(mgie, image):
    plain = conditioning(mgie, image)
    darker = conditioning(mgie, image / 2)
    other = conditioning(mgie, image, "remove the sky")
    again = conditioning(mgie, image)
    assert torch.equal(plain[0][0][0], again[0][0][0])
    for changed in (darker, other):
        assert (plain[0][0][0] - changed[0][0][0]).abs().max() > 1e-3
        assert torch.equal(plain[1][0][0], changed[1][0][0])


IMPOSSIBLE: dict[str, tuple[dict[str, Any], str]] = {
    "nothing said": ({"instruction": " "}, "instruction: it is empty"),
    "a token": ({"instruction": "the [IMG0]"}, r"instruction: \[IMG0\] has a meaning of its own"),
    "too long": (
        {"instruction": "a dog " * 900},
        "instruction: .* tokens long, expected at most 1952",
    ),
    "two pictures": (
        {"image": torch.zeros(2, 28, 28, 3)},
        r"image: expected one RGB picture .*\(2, 28, 28, 3",
    ),
    "grey": ({"image": torch.zeros(1, 28, 28, 1)}, "image: expected one RGB picture"),
    "no batch": ({"image": torch.zeros(28, 28, 3)}, "image: expected one RGB picture"),
    "folder above": ({"save_as": "../sky"}, "save_as: expected a plain file name"),
    "folder below": ({"save_as": "a/b"}, "save_as: expected a plain file name"),
}
