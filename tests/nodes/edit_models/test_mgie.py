"""MGIE through its nodes: equal to the slow way, kept in files, managed, refused in plain words."""

import json
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.testing import assert_close

from .damaged_mgie import SPOILT, json_of
from .mgie_files import FEATURES, QUERIES, SIDE, VISION, Files, random_files, vocabulary, write_json
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


def test_comfyui_loads_and_frees_its_parts(mgie, image):
    import comfy.model_management as management

    conditioning(mgie, image)
    patchers = list(mgie.patchers.values())
    loaded = [one.model for one in management.current_loaded_models]
    assert all(any(patcher is one for one in loaded) for patcher in patchers)
    assert all(patcher.loaded_size() == patcher.model_size() for patcher in patchers)
    management.free_memory(1e30, management.text_encoder_device())
    assert not management.current_loaded_models
    assert all(patcher.loaded_size() == 0 for patcher in patchers)


def test_a_model_loaded_in_part_imagines_the_same(mgie, image):
    expected = conditioning(mgie, image)[0][0][0]
    part = mgie.mgie.language
    cpu = torch.device("cpu")
    with torch.inference_mode():
        mgie.patchers[part].detach()
        mgie.patchers[part].partially_load(cpu, extra_memory=75_000)
        assert part.model_lowvram
        assert 0 < mgie.patchers[part].loaded_size() < mgie.patchers[part].model_size()
        tokens = mgie.mgie.tokens(INSTRUCTION)
        found = mgie.mgie.imagine(tokens, image[0], lambda *_: cpu, lambda: None)
        mgie.patchers[part].detach()
    assert torch.equal(found.positive, expected)


@pytest.mark.parametrize(
    "dtype", [torch.float8_e4m3fn, torch.float16, torch.bfloat16, torch.float32], ids=str
)
def test_comfyui_says_in_what_the_matrices_are_kept(files, tmp_path, monkeypatch, image, dtype):
    import comfy.model_management as management

    from elect_tino.nodes.host.edit_models.mgie import load as load_managed

    files.write(tmp_path)
    monkeypatch.setattr(management, "text_encoder_dtype", lambda device=None: dtype)
    with torch.inference_mode():
        made = load_managed(tmp_path / "llava", tmp_path / "clip", tmp_path / "mllm.pt")
    layer = made.mgie.language.llama.model.layers[0].mlp.up_proj
    assert layer.weight.dtype == dtype
    assert conditioning(made, image)[0][0][0].isfinite().all()


@pytest.mark.parametrize(
    ("stored", "compute"),
    [
        (torch.float16, torch.float16),
        (torch.bfloat16, torch.bfloat16),
        (torch.float8_e4m3fn, torch.float16),
    ],
    ids=str,
)
def test_states_in_half_precision_are_near_those_in_full(
    files, tmp_path, image, mgie, stored, compute
):
    """As on a GPU, where nothing is computed in float32 but vision and head."""
    from elect_tino.edit_models.mgie_load import load_mgie
    from elect_tino.nodes.host.edit_models.mgie import ManagedMgie

    files.write(tmp_path)
    paths = (tmp_path / "llava", tmp_path / "clip", tmp_path / "mllm.pt")
    with torch.inference_mode():
        half = ManagedMgie("half", load_mgie(*paths, torch.float16), stored, compute)
        tokens = mgie.mgie.tokens(INSTRUCTION)
        patch = mgie.mgie.tokenizer.convert_tokens_to_ids("<im_patch>")
        states = [
            one.mgie.language(tokens, patch, one.mgie.vision(image[0]), END, lambda: None).hidden
            for one in (half, mgie)
        ]
    assert states[0].dtype == compute
    given, full = (state[: len(tokens)].float() for state in states)
    near = torch.nn.functional.cosine_similarity(given, full, dim=-1).min()
    assert near > (0.95 if stored.itemsize == 1 else 0.999)


def test_cancel_stops_between_two_tokens(mgie, image, monkeypatch):
    import comfy.model_management as management
    import comfy.utils

    told = []
    update = comfy.utils.ProgressBar.update

    def cancel_at_five(bar, value):
        update(bar, value)
        told.append((bar.current, bar.total))
        management.interrupt_current_processing(len(told) == 5)

    monkeypatch.setattr(comfy.utils.ProgressBar, "update", cancel_at_five)
    with pytest.raises(management.InterruptProcessingException):
        conditioning(mgie, image)
    assert told == [(value, 97) for value in range(1, 6)]
    assert not management.processing_interrupted()
    monkeypatch.undo()
    assert conditioning(mgie, image)[0][0][0].isfinite().all()


def test_progress_goes_token_by_token_to_the_end(mgie, image, monkeypatch):
    import comfy.utils

    told, shown = [], []
    update = comfy.utils.ProgressBar.update

    def counted(bar, value):
        update(bar, value)
        told.append(bar.current)

    monkeypatch.setattr(comfy.utils.ProgressBar, "update", counted)
    monkeypatch.setattr(
        comfy.utils, "PROGRESS_BAR_HOOK", lambda value, *_, **__: shown.append(value)
    )
    conditioning(mgie, image)
    assert told == [*range(1, 98)]
    # Newer hosts show no more than ten a second; the first and the last are always shown.
    assert shown == sorted(shown)
    assert (shown[0], shown[-1]) == (1, 97)


@pytest.mark.parametrize("case", SPOILT)
def test_spoilt_files_are_named(root, files, case):
    damage, message = SPOILT[case]
    files.write(root)
    damage(files, root)
    with pytest.raises(ValueError, match=message):
        load()


def test_an_mllm_of_a_wider_language_model_is_refused(root, files):
    files.write(root)
    json_of("llava/config.json", hidden_size=64)(files, root)
    with pytest.raises(ValueError, match="mllm.pt has 'emb' of .*expected .*as llava is 64 wide"):
        load()


def test_a_vision_tower_of_another_width_is_refused(root, files):
    from transformers import CLIPVisionConfig, CLIPVisionModel

    wider: dict[str, Any] = VISION | {"hidden_size": 32}
    files.write(root)
    CLIPVisionModel(CLIPVisionConfig(**wider)).save_pretrained(root / "clip")
    with pytest.raises(ValueError, match="vision_tower: clip is 32 wide, llava looks .* of 24"):
        load()


def test_a_bare_llamas_tokenizer_is_refused(root, files):
    from .mgie_files import tokenizer

    files.write(root)
    bare = json.loads(tokenizer().to_str())
    bare["added_tokens"] = [one for one in bare["added_tokens"] if "im_" not in one["content"]]
    write_json(root / "llava" / "tokenizer.json", bare)
    with pytest.raises(ValueError, match="llava: the tokenizer of llava lacks <im_patch>"):
        load()


@pytest.mark.parametrize("name", ["../mgie/llava", "/etc", "none"])
def test_only_folders_of_its_own_are_read(root, files, name):
    files.write(root)
    with pytest.raises(ValueError, match="llava: there is no folder"):
        load(llava=name)


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


@pytest.mark.parametrize("case", IMPOSSIBLE)
@pytest.mark.usefixtures("root")
def test_inputs_that_cannot_be_are_named(mgie, image, case):
    given, message = IMPOSSIBLE[case]
    with pytest.raises(ValueError, match=message):
        conditioning(mgie, **{"image": image, **given})


def test_embeddings_of_another_kind_are_refused(root):
    from safetensors.torch import save_file

    folder = root.parent / "mgie_embeddings"
    with pytest.raises(ValueError, match="name: sky.safetensors is not in models/mgie_embeddings"):
        embeddings("sky.safetensors")
    save_file({"clip_l": torch.zeros(2, 768)}, folder / "word.safetensors")
    with pytest.raises(ValueError, match="name: word.safetensors holds .*clip_l.*MGIEConditioning"):
        embeddings("word.safetensors")
    tensors = {"positive": torch.zeros(1, 77, 768), "null": torch.zeros(1, 77, 512)}
    save_file(tensors, folder / "odd.safetensors", {"format": "mgie embeddings 1"})
    with pytest.raises(ValueError, match="name: odd.safetensors holds .*512.*of one shape"):
        embeddings("odd.safetensors")
    (folder / "cut.safetensors").write_bytes((folder / "odd.safetensors").read_bytes()[:99])
    with pytest.raises(ValueError, match="name: cut.safetensors is no whole safetensors file"):
        embeddings("cut.safetensors")
