"""The network: InSPyReNet, its light form, their backbones and their weights' keys."""

from .backbones.base import Backbone
from .create import HEADS, create_backbone, create_network
from .inspyrenet import InSPyReNet, PyramidNetwork, to_probability
from .layers import fold_batch_norm
from .light import LightInSPyReNet
from .pyramid import Pyramid
from .state_dict import load_state_dict, read_metadata, read_state_dict, to_published_keys

__all__ = [
    "HEADS",
    "Backbone",
    "InSPyReNet",
    "LightInSPyReNet",
    "Pyramid",
    "PyramidNetwork",
    "create_backbone",
    "create_network",
    "fold_batch_norm",
    "load_state_dict",
    "read_metadata",
    "read_state_dict",
    "to_probability",
    "to_published_keys",
]
