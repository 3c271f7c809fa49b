"""EditSize: the size the model's own ComfyUI nodes keep, the middle of the picture, its errors."""

import pytest
import torch
from torch.testing import assert_close

from ..conftest import of_host, of_newer_host
from ..reference_families import FAMILIES

pytestmark = pytest.mark.comfy


@pytest.fixture(scope="module")
def resize():
    from elect_tino.nodes.edit_models.size import EditSize

    def run(image, family="auto", megapixels=0.0, model=None):
        return EditSize.execute(image, family, megapixels, model).args

    return run


def picture(height: int, width: int) -> torch.Tensor:
    """A smooth picture, so that scaling changes little of it."""
    rows = torch.linspace(0, 1, height)[:, None].expand(height, width)
    columns = torch.linspace(0, 1, width)[None].expand(height, width)
    return torch.stack([rows, columns, 1 - rows], -1)[None]


@pytest.mark.parametrize("size", [(100, 300), (300, 400), (777, 500), (1024, 1024), (90, 61)])
def test_kontext_gets_what_comfyuis_own_node_gives(resize, size):
    from comfy_extras.nodes_flux import FluxKontextImageScale

    image = picture(*size)
    expected = of_host(FluxKontextImageScale, image)[0]
    out, width, height = resize(image, "flux_kontext")
    assert out.shape[1:3] == expected.shape[1:3] == (height, width)
    # Where the size is kept, ours is the picture itself and theirs passes 8-bit pictures.
    assert_close(out, expected, atol=1 / 255 + 1e-6, rtol=0)


class Recorder:
    """A CLIP and a VAE that keep the sizes of the pictures they are given."""

    def __init__(self):
        self.sizes = []

    def encode(self, pixels):
        self.sizes.append(tuple(side // 8 * 8 for side in pixels.shape[1:3]))
        return torch.zeros(1, 16, 1, *(side // 8 for side in pixels.shape[1:3]))

    def tokenize(self, text, **_):
        return text

    def encode_from_tokens_scheduled(self, _):
        return [[torch.zeros(1, 1, 1), {}]]


@pytest.mark.parametrize("size", [(300, 400), (400, 300), (64, 64), (1080, 1920), (512, 1024)])
def test_qwens_text_encoder_nodes_keep_the_size(resize, size):
    once, plus = (
        of_newer_host("comfy_extras.nodes_qwen", name)
        for name in ("TextEncodeQwenImageEdit", "TextEncodeQwenImageEditPlus")
    )
    image, width, height = resize(picture(*size), "qwen_image_edit")
    seen = Recorder()
    of_host(once, seen, "", seen, image)
    of_host(plus, seen, "", seen, image)
    assert seen.sizes == [(height, width)] * 2


def test_a_picture_that_fits_passes_unchanged_and_alpha_is_dropped(resize):
    image = torch.rand(2, 512, 512, 4)
    assert torch.equal(resize(image, "instruct_pix2pix")[0], image[..., :3])


def test_what_is_cut_is_cut_on_both_sides_alike(resize):
    out, width, height = resize(picture(512, 1024), "embedded")
    assert (height, width) == (128, 128)
    columns = out[0, 64, :, 1]
    assert_close(columns + columns.flip(0), torch.ones(128), atol=0.02, rtol=0)
    assert columns[0] == pytest.approx(0.25, abs=0.02)


BY_HAND = {"wan", "chronoedit", "capybara"}
"""Told by no detection: their files are those of models that do not edit."""


@pytest.mark.parametrize("name", [name for name in FAMILIES if name not in BY_HAND])
def test_auto_is_the_models_own_family(name, resize, tmp_path):
    model = FAMILIES[name].load(tmp_path)
    image = picture(100, 133)
    assert resize(image, model=model)[1:] == resize(image, name)[1:]


def test_models_that_no_file_tells_apart_take_the_same_sizes():
    from elect_tino.edit_models.sizes import SIZE_RULES
    from elect_tino.nodes.host.edit_models.families import _UNTOLD

    for _, families in _UNTOLD.values():
        assert len({SIZE_RULES[family] for family in families}) == 1


def test_megapixels_replace_the_familys_area(resize):
    assert resize(picture(90, 90), "hidream_e1", 0.5625)[1:] == (768, 768)
    assert resize(picture(90, 90), "flux_kontext", 0.25)[1:] == (512, 512)


def test_bad_input_names_what_to_change(resize, tmp_path):
    with pytest.raises(ValueError, match="model: family 'auto' tells the size from the MODEL"):
        resize(picture(64, 64))
    with pytest.raises(ValueError, match="family: the MODEL is a WAN21_T2V"):
        resize(picture(64, 64), model=FAMILIES["wan"].load(tmp_path))
    with pytest.raises(ValueError, match="image: expected a picture that can be cut to 672x1568"):
        resize(picture(10, 90), "flux_kontext")
