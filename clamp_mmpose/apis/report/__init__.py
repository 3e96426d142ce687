"""One HTML file about a trained model: what it was trained on, how good it is, and where it fails."""

from .trained_run import TrainedRun, find_run
from .write import write_report

__all__ = ['TrainedRun', 'find_run', 'write_report']
