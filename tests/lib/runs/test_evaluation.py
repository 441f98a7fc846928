import pytest
from pydantic import ValidationError

from stages.lib.runs.evaluation import Evaluation

CONFUSION = ((5, 1, 0), (0, 4, 2), (0, 0, 8))


def test_accuracy_by_hand() -> None:
    """17 of 20 images are on the diagonal."""
    one = Evaluation(optimizer="sgd", at="best lr", seed=0, confusion=CONFUSION)
    assert (one.images, one.accuracy) == (20, 0.85)
    assert Evaluation.model_validate_json(one.model_dump_json()) == one


@pytest.mark.parametrize("other", [{"at": "tuned"}, {"confusion": ((-1,),)}, {"confusion": ((0.5,),)}, {"seed": -1}])
def test_what_is_no_evaluation_is_refused(other: dict[str, object]) -> None:
    fields = {"optimizer": "sgd", "at": "best lr", "seed": 0, "confusion": CONFUSION}
    with pytest.raises(ValidationError, match=next(iter(other))):
        Evaluation.model_validate(fields | other)
