import torch
from torch import nn

from clamp_mmpose.models.utils.cached import Cached


class Layer(Cached):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))


@torch.no_grad()
def test_a_value_dropped_by_another_thread_is_not_kept():
    layer = Layer().eval()
    assert layer.cached('a', lambda: layer.drop_cache() or 1) == 1
    assert layer.cached('a', lambda: 2) == 2 and layer.cached('a', lambda: 3) == 2
