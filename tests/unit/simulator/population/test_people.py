"""Who pays: ordinary accounts, and one hot one where it is asked for."""

import numpy as np
import pytest

from simulator.population.people import populate


def test_a_hot_account_pays_its_share_and_the_others_keep_theirs_among_themselves() -> None:
    plain, hot = (np.diff(populate(1, 200, share).activity, prepend=0) for share in (0.0, 0.5))
    assert hot[0] == pytest.approx(0.5)
    assert hot.sum() == pytest.approx(1)
    assert hot[1:] / hot[1] == pytest.approx(plain[1:] / plain[1])


def test_without_a_hot_account_the_population_is_what_it_was() -> None:
    assert populate(1, 200).activity.tolist() == populate(1, 200, 0.0).activity.tolist()
