"""What the page says of a click is measured on a real server."""

import pytest

from elect_tino.bench.clicks import click, demo_of
from elect_tino.harness.workflows.summary import election_of, nodes_of

pytestmark = pytest.mark.server


def test_a_click_is_timed_to_its_first_step_and_runs_only_the_choice(server):
    prompt = demo_of(server, 4)
    election = election_of(prompt, server.run(prompt))
    seed = election["seeds"][election["order"][1]]
    mark = server.events.mark()
    seconds = click(server, prompt, seed)
    events = server.events.since(mark)
    begun = {event.node for event in events if event.type == "executing"} - {None}
    ((sampler, _),) = nodes_of(prompt, "MultiSeedPartialSampler")
    ((finisher, _),) = nodes_of(prompt, "ResumeDenoise")
    assert finisher in begun
    assert sampler not in begun
    steps = [event for event in events if event.type == "progress" and event.node == finisher]
    assert len(steps) > 1  # the first of them, not the last, ends the measured time
    assert 0 < seconds < 60
