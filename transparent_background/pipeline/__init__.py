"""From sources to files: what becomes of each source, and the work, overlapped. Imports no torch."""

from .plan import Outcome, Plan, Summary, Task, make_plan
from .work import run

__all__ = ["Outcome", "Plan", "Summary", "Task", "make_plan", "run"]
