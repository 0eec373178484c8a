"""The running mean of the weights: of the last steps also where there are few."""

import pytest
import torch
from torch.optim.swa_utils import AveragedModel

from whalepipe.training.rounds import running_mean


def test_a_short_training_does_not_end_with_what_it_began_with() -> None:
    network = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(network.weight)
    mean = AveragedModel(network, multi_avg_fn=running_mean(0.998))
    mean.update_parameters(network)
    torch.nn.init.ones_(network.weight)
    mean.update_parameters(network)
    assert float(mean.module.weight) == pytest.approx(1 - 2 / 11)
    for _ in range(98):
        mean.update_parameters(network)
    assert float(mean.module.weight.detach()) > 0.999  # of what it began with 0.998 ** 99 would be left: 0.82


def test_a_long_one_has_the_mean_that_it_asks_for() -> None:
    means, now = [torch.zeros(1)], [torch.ones(1)]
    running_mean(0.998)(means, now, 10_000)
    assert float(means[0]) == pytest.approx(0.002)
