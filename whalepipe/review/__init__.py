"""The web page on which a person decides, and the same as an interface for programs."""
