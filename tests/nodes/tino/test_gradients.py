"""Gradients where newer hosts would run kernels that have none."""

from types import SimpleNamespace

import pytest
import torch
from torch.testing import assert_close

pytestmark = pytest.mark.comfy


def test_gradients_pass_through_a_layer_whose_file_prefers_another_attention(monkeypatch):
    from comfy.ldm.modules import attention

    from elect_tino.nodes.host.tino.gradients import with_gradients

    plain, stock = attention.attention_pytorch, attention.optimized_attention

    def as_newer_hosts_have_it(*args, preferred_attention=None, **kwargs):
        run = plain if preferred_attention is None else preferred_attention.function
        return run(*args, **kwargs)

    monkeypatch.setattr(attention, "attention_pytorch", as_newer_hosts_have_it)
    layer = SimpleNamespace(function=lambda q, *args, **kwargs: q.detach().round())
    q, k, v = torch.randn(3, 1, 6, 8, generator=torch.Generator().manual_seed(2))
    q.requires_grad_()
    with with_gradients([]):
        out = attention.optimized_attention(q, k, v, 2, preferred_attention=layer)
        out.square().sum().backward()
    assert_close(out.detach(), plain(q.detach(), k, v, 2))
    assert q.grad is not None
    assert q.grad.abs().max() > 0
    assert attention.optimized_attention is stock
