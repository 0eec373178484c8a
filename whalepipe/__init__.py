"""whalepipe: from a folder of raw photos of whales and dolphins to who was seen."""

import os

__version__ = "0.1.0"

# ONNX Runtime reads this when it is imported; after that it has put a number for this computer into the user's home
# already, and what it would report into a file beside it.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
