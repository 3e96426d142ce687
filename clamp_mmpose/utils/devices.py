"""Which device PyTorch uses, and whether one that would be faster is not used."""

import os
from pathlib import Path
from typing import Optional, Union

GPU_FILES = ('/dev/nvidia0', '/proc/driver/nvidia/version', '/dev/kfd')  # NVIDIA's driver, or AMD's


def best_device() -> str:
    """``'cuda'``, ``'mps'`` or ``'cpu'``: the one that MMEngine trains on."""
    import torch

    if torch.cuda.is_available():
        return 'cuda'
    return 'mps' if torch.backends.mps.is_available() else 'cpu'


def unused_gpu(device: Union[str, None] = None) -> Optional[str]:
    """A warning if this machine has a GPU that will not be used, else None.

    Args:
        device: that was asked for; None: the best one.
    """
    import torch

    best = best_device()
    if device is not None and device.startswith('cpu') and best != 'cpu':
        return f'this machine has a GPU ({best}), and it is not used: leave out --device {device}.'
    if best != 'cpu' or not any(Path(file).exists() for file in GPU_FILES):
        return None
    hidden = next((name for name in ('CUDA_VISIBLE_DEVICES', 'HIP_VISIBLE_DEVICES') if name in os.environ), None)
    if hidden is not None:
        reason = f'{hidden}={os.environ[hidden]!r} hides it'
    elif torch.version.cuda is None and getattr(torch.version, 'hip', None) is None:
        reason = f'PyTorch {torch.__version__} is a build for the CPU: https://pytorch.org has those for GPUs'
    else:
        reason = f'PyTorch {torch.__version__} cannot use its driver: nvidia-smi shows the version, update one of them'
    return f'this machine has a GPU, and it is not used: {reason}.'
