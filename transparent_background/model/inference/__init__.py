"""The inference form of the published network: the same function with less arithmetic and memory."""

from .network import InferenceInSPyReNet, inference_form

__all__ = ["InferenceInSPyReNet", "inference_form"]
