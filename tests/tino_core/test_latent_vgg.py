"""LatentVGG's networks: the full size, and smaller ones of the sizes that are given."""

import pytest
import torch
from torch.nn import Conv2d

from elect_tino.tino_core.latent_vgg import LatentVGG

CONFIG = {
    **{"num_channels": 4, "num_classes": 5, "layers": [8, "M", 12]},
    **{"pool": 3, "hidden": 16, "dropout": 0.0, "image_size": 32},
}


def test_the_full_size_is_vgg_16_for_latents_of_four_channels():
    with torch.device("meta"):
        network = LatentVGG().network
    assert network.features[0].weight.shape == (64, 4, 3, 3)
    assert network.classifier[6].weight.shape == (1000, 4096)


def test_a_smaller_one_has_the_sizes_that_are_given():
    model = LatentVGG(CONFIG)
    shapes = [tuple(p.shape) for n, p in model.network.named_parameters() if n.endswith("weight")]
    assert shapes == [(8, 4, 3, 3), (12, 8, 3, 3), (16, 12 * 9), (16, 16), (5, 16)]
    assert model(torch.zeros(2, 4, 16, 16)).shape == (2, 5)


def test_its_convolutions_begin_as_torchvisions():
    torch.manual_seed(0)
    layers = LatentVGG(CONFIG).network.features
    for one in (layer for layer in layers if isinstance(layer, Conv2d)):
        assert one.padding == (1, 1)
        assert one.bias is not None
        assert not one.bias.any()
        wanted = (2 / (9 * one.out_channels)) ** 0.5  # He et al., by what goes out
        assert float(one.weight.detach().std()) == pytest.approx(wanted, rel=0.15)
