"""Live escalation from an AI assistant to a human, run from Slack."""

import os

__version__ = "0.2.0.dev0"

# The arrays here are small, so more threads gain nothing, and OpenBLAS's threads keep all cores
# busy while they wait. NumPy reads these when it is loaded, so they are set first.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
