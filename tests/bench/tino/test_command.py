"""The command line of the benchmark of TiNO-Edit."""

import pytest

from elect_tino.bench.tino.command import parse

pytestmark = pytest.mark.comfy


def test_a_contest_is_run_or_only_reported():
    assert (parse(["contest"]).part, parse(["contest"]).only) == ("contest", None)
    told = parse(["contest", "report", "--edits", "10", "--part", "2/3"])
    assert (told.part, told.only, told.edits, told.share) == ("contest", "report", 10, (2, 3))
    assert parse(["report"]).part == "report"
    assert parse([]).part == "all"


def test_report_after_anything_else_is_refused(capsys):
    with pytest.raises(SystemExit):
        parse(["run", "report"])
    assert "report: expected after contest or validate, not run" in capsys.readouterr().err


def test_a_report_runs_nothing_and_names_what_was_not_run(tmp_path, monkeypatch):
    """With nothing kept it must fail on the first missing piece, not begin to make it."""
    from elect_tino.bench.tino import command, contest

    monkeypatch.setattr(contest, "run_shared", lambda *_: pytest.fail("it ran"))
    with pytest.raises(FileNotFoundError, match="was not run yet"):
        command.main(["contest", "report", "--edits", "1", "--folder", str(tmp_path)])
