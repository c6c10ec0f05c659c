"""Both sides of the curve read the same batches from the same weights."""

import language_data
import numpy as np
import pytest
import textbook_curve
from language_peers import lacks, own_model


def test_what_a_run_writes(data, quick):
    result = quick("textbook_curve")
    sizes, sides = result["sizes"], result["sides"]
    tokens = len(language_data.ptb(sizes["limit"])[0]["train"])
    assert result["steps"] == tokens // (sizes["rows"] * sizes["length"])
    places = [point["steps"] for point in sides["nlpkit"]["points"]]
    assert len(places) == textbook_curve.POINTS and places[-1] == result["steps"]
    if lacks("torch"):
        assert sides["torch"] == {"absent": lacks("torch")} and result["on_course"] == {}
    else:
        assert [point["steps"] for point in sides["torch"]["points"]] == places
        assert result["on_course"]["met"] in ("yes", "no")


def test_on_course_is_the_last_point():
    sides = {
        "nlpkit": {"points": [{"dev": 900.0}, {"dev": 206.0}]},
        "torch": {"points": [{"dev": 9.0}, {"dev": 200.0}]},
    }
    assert textbook_curve.judge(sides) == {"ratio": 1.03, "limit": 1.05, "met": "yes"}
    sides["torch"]["points"][-1]["dev"] = 190.0
    assert textbook_curve.judge(sides)["met"] == "no"


@pytest.mark.skipif(bool(lacks("torch")), reason=str(lacks("torch")))
def test_tied_models_with_the_same_weights_compute_the_same():
    import torch
    from language_peers import torch_model

    ids = np.array([[4, 9, 1, 3], [7, 7, 5, 8]], np.int32)
    model = torch_model(12, 5, 2, tie=True, dropout=0.5).eval()
    own = own_model(12, 5, 2, tie=True, dropout=0.5)
    np.testing.assert_allclose(own(ids), model(torch.tensor(ids))[0].detach().numpy(), atol=1e-6)
    assert own.count_params() == sum(weight.numel() for weight in model.parameters() if weight.requires_grad)


def test_the_perplexity_after_each_part():
    trained = []
    found = textbook_curve.curve(12, lambda first, last: trained.append((first, last)), lambda: np.log(50.0))
    assert trained == [(0, 2), (2, 5), (5, 7), (7, 10), (10, 12)]
    assert found["points"][1] == {"steps": 5, "dev": 50.0}
