"""The network: InSPyReNet, its backbones and its weights' keys."""

from .backbones import Backbone, create_backbone
from .fuse import fold_batch_norm
from .inspyrenet import InSPyReNet, Pyramid, blend, to_probability
from .state_dict import load_state_dict, read_state_dict, to_published_keys

__all__ = [
    "Backbone",
    "InSPyReNet",
    "Pyramid",
    "blend",
    "create_backbone",
    "fold_batch_norm",
    "load_state_dict",
    "read_state_dict",
    "to_probability",
    "to_published_keys",
]
