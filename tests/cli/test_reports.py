from __future__ import annotations

import json

import pytest

from shopsearch.cli.outcome import Exit
from shopsearch.cli.reports import conclude, grouped, report_json
from shopsearch.domain import IndexReport, Rejection


def a_report(*rejected: Rejection, interrupted: bool = False) -> IndexReport:
    return IndexReport(
        read=5,
        indexed=2,
        unchanged=1,
        removed=0,
        rejected=rejected,
        generation="g1",
        seconds=1.25,
        texts_encoded=2,
        images_encoded=1,
        interrupted=interrupted,
    )


MISSING = [Rejection(n, f"p{n}", f"the picture '/shop/{n}.jpg' is not there") for n in (2, 7, 9)]
BROKEN = Rejection(4, "", "the row has 3 fields")


def test_the_json_of_a_report_has_the_keys_that_scripts_rely_on() -> None:
    assert report_json(a_report(BROKEN)) == {
        "read": 5,
        "indexed": 2,
        "unchanged": 1,
        "removed": 0,
        "rejected": [{"row": 4, "product_id": "", "reason": "the row has 3 fields"}],
        "generation": "g1",
        "seconds": 1.25,
        "texts_encoded": 2,
        "images_encoded": 1,
        "not_pruned": "",
    }


def test_reasons_that_differ_in_values_alone_are_one_group_the_largest_first() -> None:
    groups = grouped([MISSING[0], BROKEN, *MISSING[1:]])

    assert [group.rejections for group in groups] == [tuple(MISSING), (BROKEN,)]
    assert groups[0].first is MISSING[0]


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (a_report(), Exit.DONE),
        (a_report(BROKEN), Exit.SOME_REJECTED),
        (a_report(interrupted=True), Exit.INTERRUPTED),
        (a_report(BROKEN, interrupted=True), Exit.INTERRUPTED),
    ],
)
def test_the_exit_code_tells_how_a_run_ended(
    report: IndexReport, code: Exit, capsys: pytest.CaptureFixture[str]
) -> None:
    assert conclude(report, as_json=True) is code
    assert json.loads(capsys.readouterr().out)["read"] == 5


def test_people_see_every_count_and_the_first_of_each_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    conclude(a_report(*MISSING, BROKEN), as_json=False)

    shown = capsys.readouterr().out
    for count in ("read 5", "indexed 2", "unchanged 1", "removed 0", "rejected 4"):
        assert count in " ".join(shown.split())
    assert "p2: the picture '/shop/2.jpg' is not there" in shown
    assert "2, 7, 9" in shown
    assert "the row has 3 fields" in shown


def test_a_stopped_run_says_what_was_kept_and_how_to_go_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    conclude(a_report(interrupted=True), as_json=True)

    remark = capsys.readouterr().err
    assert "2 products of this run are kept" in remark
    assert "generation g1 is live" in remark
    assert "same command again" in remark
