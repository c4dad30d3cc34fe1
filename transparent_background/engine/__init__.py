"""How a network is run: which form, with what precision, by which runtime; decided in one place."""

from .plan import BACKENDS, PRECISIONS, ExecutionPlan, choose_plan
from .prepare import Runner, prepare, was_converted

__all__ = ["BACKENDS", "PRECISIONS", "ExecutionPlan", "Runner", "choose_plan", "prepare", "was_converted"]
