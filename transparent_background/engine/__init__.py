"""How a network is run: which form, with what precision, by which runtime; decided in one place."""

from ..backends import was_converted
from .plan import ExecutionPlan, choose_plan
from .prepare import Runner, prepare

__all__ = ["ExecutionPlan", "Runner", "choose_plan", "prepare", "was_converted"]
