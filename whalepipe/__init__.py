"""whalepipe: from a folder of raw photos of whales and dolphins to who was seen."""

__version__ = "0.1.0"
