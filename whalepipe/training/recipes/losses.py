"""What training makes small: losses of pytorch-metric-learning and torch, each as much as the recipe says."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from pytorch_metric_learning.distances import CosineSimilarity, LpDistance
from pytorch_metric_learning.losses import SubCenterArcFaceLoss, TripletMarginLoss
from pytorch_metric_learning.miners import BatchHardMiner
from torch import nn
from torch.nn.functional import cross_entropy

from whalepipe.training.recipes.recipe import Loss

RARITY = 0.25  # the power of a class's count by which its margin falls


class DynamicArcFace(SubCenterArcFaceLoss):  # type: ignore[misc]
    """Sub-center ArcFace whose margin is larger the rarer the class.

    Ha et al. 2020, "Google landmark recognition 2020 competition third place solution", section 3.3.
    """

    def __init__(self, counts: npt.NDArray[np.int64], more: float, **settings: Any) -> None:
        """`counts` of the training crops of each class; `more` degrees has the rarest beside the commonest."""
        super().__init__(num_classes=len(counts), **settings)
        rare = np.maximum(counts, 1) ** -RARITY
        share = (rare - rare.min()) / max(float(np.ptp(rare)), 1e-9)
        self.margins = torch.from_numpy(np.radians(settings["margin"] + more * share)).float()

    def modify_cosine_of_target_classes(self, cosine_of_target_classes: torch.Tensor) -> torch.Tensor:
        """As ArcFace does, with a margin for each crop."""
        cosine, angles = cosine_of_target_classes, self.get_angles(cosine_of_target_classes)
        beyond = cosine - self.margin * torch.sin(self.margin)
        return torch.where(angles <= torch.pi - self.margin, torch.cos(angles + self.margin), beyond)

    def compute_loss(self, embeddings: torch.Tensor, labels: torch.Tensor, *more: Any) -> Any:
        """The loss of each crop, with its own class's margin."""
        self.margin = self.margins.to(embeddings.device)[labels]
        return super().compute_loss(embeddings, labels, *more)


class Criterion(nn.Module):
    """The losses of a recipe, and what they learn: classifiers and the centers of classes."""

    def __init__(
        self,
        loss: Loss,
        width: int,
        counts: npt.NDArray[np.int64],
        species: npt.NDArray[np.int64],
        dropout: float = 0.0,
    ) -> None:
        """`width` of the vector, `counts` of the training crops of each class, and of each of the `species`."""
        super().__init__()
        self._loss = loss
        arcface = {"embedding_size": width, "margin": loss.margin, "scale": loss.scale, "sub_centers": loss.centers}
        if loss.softmax or loss.focal:
            self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, len(counts)))
        if loss.arcface:
            self.arcface = DynamicArcFace(counts, loss.dynamic, **arcface)
        if loss.species:
            self.species = DynamicArcFace(species, loss.dynamic, **arcface)
        if loss.triplet:
            distance = LpDistance() if loss.distance == "euclidean" else CosineSimilarity()
            self.triplet = TripletMarginLoss(margin=loss.gap, distance=distance)
            self.miner = BatchHardMiner(distance=distance) if loss.mining == "hard" else None

    def forward(self, vectors: torch.Tensor, labels: torch.Tensor, species: torch.Tensor) -> torch.Tensor:
        """The sum of all losses of a batch of vectors (n, width)."""
        loss, total = self._loss, vectors.new_zeros(())
        if loss.softmax or loss.focal:
            logits = self.classifier(vectors)
            total = total + loss.softmax * cross_entropy(logits, labels, label_smoothing=loss.smoothing)
            total = total + loss.focal * focal(logits, labels, loss.gamma)
        if loss.arcface:
            total = total + loss.arcface * self.arcface(vectors, labels)
        if loss.species:
            total = total + loss.species * self.species(vectors, species)
        if loss.triplet:
            mined = self.miner(vectors, labels) if self.miner else None
            total = total + loss.triplet * self.triplet(vectors, labels, mined)
        return total

    @property
    def classifies(self) -> bool:
        """Whether there are logits."""
        return hasattr(self, "classifier") or hasattr(self, "arcface")

    def logits(self, vectors: torch.Tensor) -> torch.Tensor:
        """What is said of each class, (n, classes): the classifier's logits, or scaled cosines with the centers."""
        if hasattr(self, "classifier"):
            out: torch.Tensor = self.classifier(vectors)
            return out
        cosines: torch.Tensor = self.arcface.get_cosine(vectors)
        return cosines * self._loss.scale

    def told(self, classes: int) -> tuple[torch.Tensor, torch.Tensor | None, float]:
        """Weights, bias and scale of the first so many classes, for a file; scale 0: plain logits."""
        if hasattr(self, "classifier"):
            layers: Any = self.classifier
            return layers[1].weight[:classes], layers[1].bias[:classes], 0.0
        return self.arcface.W.T[: classes * self._loss.centers], None, self._loss.scale


def focal(logits: torch.Tensor, labels: torch.Tensor, gamma: float) -> torch.Tensor:
    """Focal loss (Lin et al. 2017, "Focal loss for dense object detection", equation 4), over the softmax."""
    each = cross_entropy(logits, labels, reduction="none")
    return ((1 - torch.exp(-each)) ** gamma * each).mean()
