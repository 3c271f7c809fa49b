"""What is shown while a run goes on: the picture at the end is the one put out."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

pytestmark = pytest.mark.comfy
SIDE = 256


@pytest.fixture
def progress(monkeypatch):
    """A progress over three iterations whose previews are a real Latent2RGB's of SD 1.5."""
    import latent_preview
    from comfy.cli_args import LatentPreviewMethod, args
    from comfy.latent_formats import SD15

    from elect_tino.nodes.tino.progress import IterationProgress

    monkeypatch.setattr(args, "preview_method", LatentPreviewMethod.Latent2RGB)
    assert latent_preview.get_previewer(torch.device("cpu"), SD15()) is not None
    patcher = SimpleNamespace(
        load_device=torch.device("cpu"), model=SimpleNamespace(latent_format=SD15())
    )
    source = torch.full((1, 4, 8, 8), 0.5)

    def made(**options):
        return IterationProgress(patcher, source, 2, None, **options)

    return made


def tile(progress, latent):
    shown = progress._tile(latent)
    return np.asarray(shown.resize((SIDE, SIDE), Image.Resampling.BILINEAR), dtype=int)


def halves(progress):
    sheet = np.asarray(progress.sheet(), dtype=int)
    return sheet[:SIDE, :SIDE], sheet[:SIDE, SIDE:]


def iterates():
    return torch.randn(3, 1, 4, 8, 8, generator=torch.Generator().manual_seed(0))


def test_source_and_the_best_so_far_are_side_by_side(progress):
    shown, results = progress(), iterates()
    for number, (loss, best) in enumerate([(2.0, 0), (1.0, 1), (3.0, 1)]):
        shown(number, torch.tensor([loss]), results[number])
        left, right = halves(shown)
        assert np.abs(left - tile(shown, shown_source())).max() <= 2
        assert np.abs(right - tile(shown, results[best])).max() <= 2


def shown_source():
    return torch.full((1, 4, 8, 8), 0.5)


def test_the_last_one_is_shown_where_the_last_is_the_result(progress):
    shown, results = progress(keep_last=True), iterates()
    for number, loss in enumerate((1.0, 2.0)):
        shown(number, torch.tensor([loss]), results[number])
    assert np.abs(halves(shown)[1] - tile(shown, results[1])).max() <= 2


def test_at_the_end_what_is_put_out_is_shown(progress):
    shown, results = progress(), iterates()
    shown(0, torch.tensor([1.0]), results[0])
    shown.finish(results[2])
    assert np.abs(halves(shown)[1] - tile(shown, results[2])).max() <= 2


def test_the_loss_curve_is_below_and_grows(progress):
    shown, results = progress(), iterates()
    sheets = []
    for number, loss in enumerate((1.0, 2.0)):
        shown(number, torch.tensor([loss]), results[0])
        sheets.append(np.asarray(shown.sheet(), dtype=int)[SIDE:])
    assert sheets[0].std() > 5
    assert np.abs(sheets[0] - sheets[1]).max() > 50


def test_only_a_run_that_goes_on_can_be_stopped():
    from elect_tino.nodes.host.tino.stopping import stop_all, stoppable

    assert stop_all() == []
    with stoppable("7") as stopped:
        assert not stopped()
        assert stop_all() == ["7"]
        assert stopped()
    assert stop_all() == []
    with stoppable("7") as stopped:
        assert not stopped()


def test_without_updates_the_curve_shows_what_each_first_noise_was_worth():
    from types import SimpleNamespace

    from elect_tino.nodes.tino.loss_curve import loss_curve

    losses = torch.tensor([[0.4], [0.1], [0.3]])
    election = SimpleNamespace(losses=losses, elected=torch.tensor([1]))
    optimised = SimpleNamespace(losses=losses[1:2], chosen=torch.tensor([0]))
    alone = loss_curve(SimpleNamespace(optimised=optimised, election=None))
    tried = loss_curve(SimpleNamespace(optimised=optimised, election=election))
    blue = (tried[0, :, :, 2] - tried[0, :, :, 0]) > 0.5
    rows, columns = blue.nonzero(as_tuple=True)
    assert columns.min() < 60
    assert columns.max() > 580  # the first and the last noise, at both ends of the frame
    assert 300 < columns[rows == rows.max()].float().mean() < 340  # the lowest is the second
    assert not torch.equal(alone, tried)
