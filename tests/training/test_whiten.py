"""The layers behind the backbone, computed from features, by literal numbers."""

import numpy as np
import torch

from whalepipe.training.whiten import whiten, whitening


def test_channels_come_to_one_variance_and_the_mean_to_nothing():
    features = torch.tensor([[105.0, 1.0], [105.0, -1.0], [95.0, 1.0], [95.0, -1.0]])
    matrix, mean = whitening(features, 2)
    given = (features @ matrix.T - mean).numpy()
    assert np.allclose(given.mean(axis=0), 0, atol=1e-4)
    # Two channels that know nothing of one another: both directions count alike, whatever their units were.
    assert np.allclose(np.abs(given), np.sqrt(0.75), atol=1e-3)


def test_directions_are_evened_out_in_part():
    rng = np.random.default_rng(0)
    # One direction has 37 times the variance of the others.
    common, own = rng.normal(size=(2000, 1)), rng.normal(size=(2000, 4))
    features = torch.from_numpy((3 * common + own).astype(np.float32))
    matrix, mean = whitening(features, 4)
    deviations = (features @ matrix.T - mean).std(dim=0).numpy()
    before = np.sqrt(np.linalg.eigvalsh(np.corrcoef(features.numpy().T))[::-1])
    assert (deviations[0] / deviations[1:] < before[0] / before[1:]).all()
    assert (np.diff(deviations) < 0.01).all()


class Network(torch.nn.Module):
    """The mean colour of a picture is its features."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(3, 2, bias=False)
        self.neck = torch.nn.BatchNorm1d(2)

    def head(self, look: int) -> tuple[torch.nn.Module, torch.nn.Module]:
        assert look == 0
        return self.linear, self.neck

    def pooled(self, pictures: torch.Tensor) -> torch.Tensor:
        return pictures.mean(dim=(2, 3))


def test_a_network_gives_centred_vectors():
    pictures = np.random.default_rng(0).integers(0, 256, (30, 1, 1, 3), dtype=np.uint8)
    network = Network()
    whiten(network, np.tile(pictures, (1, 8, 8, 1)), [4])
    normal = (pictures[:, 0, 0] / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    given = network.neck(network.linear(torch.from_numpy(normal).float())).detach()
    assert np.allclose(given.mean(dim=0), 0, atol=1e-4)
