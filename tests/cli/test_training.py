"""What the commands that train tell at their end."""

import pytest

from nlpkit.cli.training import note_result


@pytest.mark.parametrize(
    ("out_of_time", "planned", "told"),
    [
        (False, 2, ""),
        (False, 9, "ended after epoch 2 of 9; epoch 1 was the best\n"),
        (
            True,
            9,
            "stopped in epoch 2, because the time was over; with more --minutes it may become better\n",
        ),
    ],
)
def test_why_training_ended_early(tmp_path, capsys, out_of_time, planned, told):
    report = {
        "data": {}, "best_epoch": 1, "out_of_time": out_of_time, "seconds": 3.4, "history": {"loss": [2.0, 1.0]},
        "settings": {"training": {"epochs": planned}},
    }  # fmt: skip
    note_result(report, tmp_path)
    assert capsys.readouterr().err == (
        f"{told}saved in {tmp_path} after 3 s; open {tmp_path / 'report.html'} for details\n"
    )
