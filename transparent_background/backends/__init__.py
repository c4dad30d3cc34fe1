"""The network in other programs' formats (:mod:`.export`), and run by other runtimes (:mod:`.converted`).

PyTorch is the reference: whatever is written here is compared with it before anybody uses it.
"""

from .converted import ConvertedNetwork, was_converted

__all__ = ["ConvertedNetwork", "was_converted"]
