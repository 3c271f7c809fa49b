"""Previews of the candidates: one decoding and one transfer a step, however many there are."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

pytestmark = pytest.mark.comfy


@pytest.fixture
def shown(monkeypatch):
    """A progress over candidates, and the transfers that ComfyUI's previewer made for it."""
    import latent_preview
    from comfy.cli_args import LatentPreviewMethod, args
    from comfy.latent_formats import SD15

    from elect_tino.nodes.host.preview import CandidateProgress

    monkeypatch.setattr(args, "preview_method", LatentPreviewMethod.Latent2RGB)
    transfers, to_image = [], latent_preview.preview_to_image

    def counted(pixels, *args, **kwargs):
        transfers.append(tuple(pixels.shape))
        return to_image(pixels, *args, **kwargs)

    monkeypatch.setattr(latent_preview, "preview_to_image", counted)
    model = SimpleNamespace(latent_format=SD15())
    patcher = SimpleNamespace(load_device=torch.device("cpu"), model=model)

    def made(number: int):
        return CandidateProgress(patcher, range(7, 7 + number), 2)

    return SimpleNamespace(progress=made, transfers=transfers)


def latents(number: int, size: int = 8) -> torch.Tensor:
    return torch.randn(number, 4, size, size, generator=torch.Generator().manual_seed(number))


@pytest.mark.parametrize("number", [1, 2, 5, 64])
def test_all_candidates_of_a_step_come_in_one_transfer_each_as_alone(shown, number):
    progress, denoised = shown.progress(number), latents(number)
    for step in range(2):
        progress(progress.seeds, step, denoised)
    assert shown.transfers == [(8, 8 * number, 3)] * 2
    for row, seed in enumerate(progress.seeds):
        alone = progress.previewer.decode_latent_to_preview(denoised[row : row + 1])
        assert np.array_equal(progress.pictures[seed], alone)


def test_a_batch_shows_its_own_and_keeps_the_others(shown):
    progress, denoised = shown.progress(4), latents(4)
    progress(progress.seeds[:2], 0, denoised[:2])
    first = {seed: np.asarray(picture) for seed, picture in progress.pictures.items()}
    progress(progress.seeds[2:], 0, denoised[2:])
    assert sorted(progress.pictures) == progress.seeds
    assert all(np.array_equal(progress.pictures[seed], one) for seed, one in first.items())
    assert len(shown.transfers) == 2


def test_a_network_of_previews_gets_no_more_at_once_than_one_large_picture(shown, monkeypatch):
    import latent_preview
    from comfy.taesd.taesd import TAESD

    from elect_tino.nodes.host import preview

    network = latent_preview.TAESDPreviewerImpl(TAESD(latent_channels=4))
    monkeypatch.setattr(latent_preview, "get_previewer", lambda *_: network)
    monkeypatch.setattr(preview, "_CELLS", 4 * 8 * 8)
    progress = shown.progress(10)
    with torch.inference_mode():
        progress(progress.seeds, 0, latents(10))
    assert shown.transfers == [(64, 4 * 64, 3)] * 2 + [(64, 2 * 64, 3)]
    assert sorted(progress.pictures) == progress.seeds
    assert {picture.size for picture in progress.pictures.values()} == {(64, 64)}
