"""From sources to files: what becomes of each source, and the work, overlapped. Imports no torch."""

from .plan import Plan, Settings, Task, make_plan
from .work import Outcome, Summary, run

__all__ = ["Outcome", "Plan", "Settings", "Summary", "Task", "make_plan", "run"]
