"""Which modules a piece of code imports."""

from __future__ import annotations

import json
import subprocess
import sys

PACKAGE = "transparent_background"


def modules_after(code: str) -> set[str]:
    """Run code in a process of its own; return what it loads beyond what Python itself had loaded."""
    lines = [
        "import sys",
        "before = set(sys.modules)",
        code,
        "import json",
        "print(json.dumps(sorted(set(sys.modules) - before)), file=sys.stderr)",
    ]
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


def own(modules: set[str]) -> set[str]:
    """Return the modules of the package, without its name."""
    return {name.removeprefix(f"{PACKAGE}.") for name in modules if name.partition(".")[0] == PACKAGE}


def foreign(modules: set[str]) -> set[str]:
    """Return the packages that are neither this one nor part of Python."""
    return {name.partition(".")[0] for name in modules} - sys.stdlib_module_names - {PACKAGE}
