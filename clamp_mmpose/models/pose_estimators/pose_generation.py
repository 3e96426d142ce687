"""Parts of a generation with poses: the states of each step, and an answer that must have a pose."""

from typing import Any, List, Sequence, Tuple

import torch
from torch import Tensor, nn


class StatesRead:
    """Keeps what the output layer reads at the last place of each row, step by step, while it is entered.

    The state of step t predicts token t of the answer. A prompt that is padded on the left has its last token at the
    last place, whether a version of transformers gives the layer all places or only that one.

    Args:
        output: the output layer.
    """

    def __init__(self, output: nn.Module):
        self.output = output
        self.steps: List[Tensor] = []

    def __enter__(self) -> 'StatesRead':
        self.handle = self.output.register_forward_pre_hook(self._keep)
        return self

    def __exit__(self, *error: Any) -> None:
        self.handle.remove()

    def _keep(self, layer: nn.Module, inputs: Tuple[Tensor, ...]) -> None:
        self.steps.append(inputs[0][:, -1].detach().clone())  # not a view, which would keep the states of the prompt

    def at(self, row: int, steps: Sequence[int]) -> Tensor:
        """States ``[n, D]`` of a row at n steps."""
        if not steps:
            return self.steps[0][:0]
        return torch.stack([self.steps[step][row] for step in steps])


class ForcePose:
    """A processor of logits for transformers: no answer ends before its first pose token.

    The pose token gets the score of the end, where that is higher, and the last token that an answer may have is one.

    Args:
        pose_id: the token.
        stops: tokens that end an answer.
        start: how many tokens the prompts have.
        max_new_tokens: how many an answer may have.
    """

    def __init__(self, pose_id: int, stops: Sequence[int], start: int, max_new_tokens: int):
        self.pose_id, self.stops = pose_id, list(stops)
        self.start, self.last = start, start + max_new_tokens - 1

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        waiting = ~(input_ids[:, self.start :] == self.pose_id).any(dim=1)
        forced = scores.clone()
        ends = forced[:, self.stops].max(dim=1).values
        if input_ids.shape[1] >= self.last:
            forced[:] = -torch.inf
            ends = torch.zeros_like(ends)
        forced[:, self.pose_id] = torch.maximum(forced[:, self.pose_id], ends)
        forced[:, self.stops] = -torch.inf
        return torch.where(waiting[:, None], forced, scores)
