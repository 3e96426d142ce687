import os
import time
from pathlib import Path
from typing import Dict

import cv2
import torch

STAT = Path('/proc/stat')
MOST = torch.get_num_threads()


def use_idle_cores() -> int:
    """Use one PyTorch thread for each idle core, at least one, or ``OMP_NUM_THREADS`` if set; returns their number.

    Threads on busy cores wait for each other in every layer: two threads on two busy cores take ten times as long as
    one.
    """
    cv2.setNumThreads(1)
    if 'OMP_NUM_THREADS' not in os.environ and STAT.exists():
        torch.set_num_threads(max(1, min(MOST, round(idle_cores()))))
    return torch.get_num_threads()


def idle_cores(seconds: float = 0.5) -> float:
    """Cores that this process may use and that were idle while it slept for these seconds (Linux only)."""
    before = _idle_ticks()
    time.sleep(seconds)
    after = _idle_ticks()
    ticks = seconds * os.sysconf('SC_CLK_TCK')
    return sum(min(1.0, (after[core] - before[core]) / ticks) for core in os.sched_getaffinity(0))


def _idle_ticks() -> Dict[int, int]:
    lines = (line.split() for line in STAT.read_text().splitlines() if line.startswith('cpu') and line[3] != ' ')
    return {int(fields[0][3:]): int(fields[4]) + int(fields[5]) for fields in lines}  # idle, iowait
