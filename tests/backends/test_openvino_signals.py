"""Ctrl-C after a network of OpenVINO is gone."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from networks import need

CODE = """
import gc, os, signal, threading
from pathlib import Path
import numpy as np
from transparent_background.backends.openvino import OpenVINO, import_openvino
openvino = import_openvino()
from openvino import opset13

x = opset13.parameter([1, 3, 8, 8], np.float32)
openvino.save_model(openvino.Model([opset13.relu(x)], [x]), "network.xml")
models = [OpenVINO().open(Path("network.xml"), 1, "float32") for _ in range(2)]
for model in models:
    model(np.zeros((1, 3, 8, 8), np.float32))
del model

def let_go(index):
    models[index] = None
    gc.collect()

let_go(0)  # the first one first
other = threading.Thread(target=let_go, args=(1,))  # and the last one by another thread
other.start()
other.join()
signal.signal(signal.SIGINT, lambda number, frame: print("interrupted", flush=True))
os.kill(os.getpid(), signal.SIGINT)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is sent otherwise")
def test_a_network_that_is_let_go_takes_no_stack_along_that_ctrl_c_needs(tmp_path) -> None:
    need("openvino")
    run = subprocess.run([sys.executable, "-c", CODE], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode != -signal.SIGSEGV
    assert run.stdout == "interrupted\n", run.stderr
