"""MGIE piece by piece: which states are taken, what is asked, what was said, what is seen."""

import sys

import pytest
import torch
from torch.nn import Linear
from torch.testing import assert_close

from elect_tino.edit_models.mgie_head import EditHead, imagined_states
from elect_tino.edit_models.mgie_llava import LanguageModel, PatchFeatures
from elect_tino.edit_models.mgie_prompt import expressive_instruction, load_tokenizer, prompt

from ..nodes.edit_models.mgie_files import LLAVA, VISION, tokenizer, write_json

IMAGE = 90


@pytest.mark.parametrize(
    ("at", "start"),
    [
        pytest.param([12], 11, id="found: from the state that said it"),
        pytest.param([12, 15], 11, id="found twice: the first counts"),
        pytest.param([], 21, id="not found: the last eight but one"),
        pytest.param([22], 21, id="found with just room enough"),
        pytest.param([23], 21, id="found too near the end"),
        pytest.param([30], 21, id="found as the very last"),
    ],
)
def test_states_are_those_that_lead_to_the_image_tokens(at, start):
    hidden = torch.arange(30.0)[:, None].expand(30, 3)
    sequence = torch.arange(31)
    sequence[at] = IMAGE
    states = imagined_states(hidden, sequence, IMAGE, 8)
    assert states[:, 0].tolist() == list(range(start, start + 8))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("The sky will be pink [IMG0][IMG1]", "The sky will be pink."),
        ("One. Two. Three. [IMG0]", "One. Two."),
        ("One. Alternatively, two. [IMG0]", "One."),
        ("The sky</s> never read", "The sky."),
        ("  spaces  .  are   cut . ", "spaces. are   cut."),
        ("[IMG0][IMG1]", ""),
        ("", ""),
        ("...", ""),
    ],
)
def test_expressive_instruction_is_two_sentences_before_the_image_tokens(answer, said):
    assert expressive_instruction(answer) == said


def test_prompt_is_llavas_conversation():
    assert prompt(" make it snow\n", 2) == (
        "A chat between a curious user and an artificial intelligence assistant. The assistant "
        "gives helpful, detailed, and polite answers to the user's questions. USER: what will this "
        "image be like if 'make it snow'\n<im_start><im_patch><im_patch><im_end> ASSISTANT:"
    )


@pytest.mark.parametrize("instruction", ["", "\n ", "add <im_patch>", "[IMG7]", "end</s>"])
def test_prompt_refuses_what_would_break_it(instruction):
    with pytest.raises(ValueError, match="instruction: "):
        prompt(instruction, 2)


def test_tokens_are_split_as_llama_was_trained(tmp_path):
    written = tokenizer()
    written.save(str(tmp_path / "tokenizer.json"))
    write_json(tmp_path / "tokenizer_config.json", {"tokenizer_class": "LlamaTokenizer"})
    loaded = load_tokenizer(tmp_path)
    text = prompt("add the cat", 3)
    ids = loaded(text)["input_ids"]
    assert ids == written.encode(text).ids
    after = loaded.convert_ids_to_tokens(ids[ids.index(loaded.convert_tokens_to_ids("<im_end>")) :])
    assert after[:4] == [
        "<im_end>",
        "\u2581",
        "\u2581",
        "A",
    ]  # the space that opens, and the one written
    images = [f"[IMG{index}]" for index in range(8)]
    assert loaded.convert_tokens_to_ids(images) == list(range(len(loaded) - 8, len(loaded)))


def test_a_missing_package_is_named_with_its_cure(tmp_path, monkeypatch):
    (tmp_path / "tokenizer.model").touch()
    monkeypatch.setitem(sys.modules, "google.protobuf", None)
    with pytest.raises(ValueError, match="llava: the tokenizer.model of .* package protobuf"):
        load_tokenizer(tmp_path)


def test_the_published_form_of_the_tokenizer_splits_as_sentencepiece_does(tmp_path):
    """tokenizer.model, with LLaVA's picture tokens as plain words in added_tokens.json."""
    import sentencepiece

    text = prompt("make the sky pink", 3)
    words = tmp_path / "words.txt"
    words.write_text(f"{text}\nthe dog runs over the hill\nthe bird in the sky\n" * 20)
    sentencepiece.SentencePieceTrainer.Train(
        input=str(words),
        model_prefix=str(tmp_path / "tokenizer"),
        vocab_size=400,
        model_type="bpe",
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        minloglevel=2,
    )
    write_json(tmp_path / "tokenizer_config.json", {"tokenizer_class": "LlamaTokenizer"})
    added = {"<im_patch>": 400, "<im_start>": 401, "<im_end>": 402}
    write_json(tmp_path / "added_tokens.json", added)
    model = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "tokenizer.model"))
    before, after = text.split("<im_start><im_patch><im_patch><im_patch><im_end>")
    expected = [1, *model.Encode(before), 401, 400, 400, 400, 402, *model.Encode(after)]
    assert load_tokenizer(tmp_path)(text)["input_ids"] == expected


def test_null_is_what_the_head_makes_of_nothing():
    torch.manual_seed(0)
    head = EditHead(6, 8, 5, 4, 16, encoders=1, decoders=1, images=3).eval()
    torch.nn.init.normal_(head.query)
    torch.nn.init.normal_(head.emb)
    with torch.inference_mode():
        assert head.null().shape == (1, 5, 4)
        assert_close(head.null(), head(torch.zeros(1, 3, 6)))
        both = head(torch.stack([torch.zeros(3, 6), torch.ones(3, 6)]))
        assert_close(both[:1], head.null())
        assert (both[1] - both[0]).abs().max() > 1e-3


@pytest.fixture(scope="module")
def eyes():
    from transformers import CLIPVisionConfig, CLIPVisionModel

    torch.manual_seed(0)
    tower = CLIPVisionModel(CLIPVisionConfig(**VISION)).eval()
    return PatchFeatures(tower, Linear(VISION["hidden_size"], 10), -2)


@torch.inference_mode()
def test_only_the_centre_square_is_seen(eyes):
    image = torch.rand(56, 120, 3, generator=torch.Generator().manual_seed(0))
    features = eyes(image)
    assert features.shape == (1, eyes.num_patches, 10)
    border = image.clone()
    border[:, :28] = 0
    border[:, -28:] = 1
    assert_close(eyes(border), features)
    border[20:30, 50:70] = 0
    assert (eyes(border) - features).abs().max() > 1e-3


@torch.inference_mode()
def test_a_patch_changes_with_what_it_shows(eyes):
    image = torch.full((28, 28, 3), 0.5)
    changed = image.clone()
    changed[:7, 7:14] = 0  # the second patch of 7 pixels
    moved = (eyes(changed) - eyes(image)).abs().sum(-1)[0]
    assert moved.argmax() == 1


def test_memory_of_an_answer_grows_with_the_prompt_and_covers_its_cache():
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes: dict = LLAVA | {"vocab_size": 50}
    language = LanguageModel(LlamaForCausalLM(LlamaConfig(**sizes)))
    cache = 2 * 2 * 32 * (300 + 96) * 4
    assert cache < language.memory(300) < 10 * cache
    assert language.memory(600) > language.memory(300)
