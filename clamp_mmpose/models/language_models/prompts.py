"""Batches of tokens: prompts that a model continues, and rows that are added."""

from typing import Dict, List, Optional, Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence


def prompts_of(inputs: Dict[str, Tensor], pad: int, image_token: Optional[int], names: Sequence[str]) -> dict:
    """The part of each row before its first learned token, or the whole row without ``labels``.

    Args:
        inputs: as for :meth:`VisionLanguageModel.forward`, padded on either side.
        pad: token for padding.
        image_token: the token of an image.
        names: of the rows, for errors.

    Returns:
        dict: the inputs with rows padded on the left, and without labels.

    Raises:
        ValueError: an image comes behind the first answer.
    """
    ids, labels = inputs['input_ids'], inputs.get('labels')
    mask = inputs.get('attention_mask')
    kept = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask.bool()
    if labels is not None:
        learned = labels != -100
        before = kept & (learned.cumsum(dim=1) == 0)
        if image_token is not None:
            later = ((ids == image_token) & kept & ~before).any(dim=1).tolist()
            if any(later):
                raise ValueError(
                    f'{names[later.index(True)]} has an image behind its first answer: an answer is predicted from all '
                    'images, so that they must come before it.'
                )
        kept = before
    rows = {key: value for key, value in inputs.items() if value.shape == ids.shape and key != 'labels'}
    others = {key: value for key, value in inputs.items() if key not in rows and key != 'labels'}
    padded = {
        key: left_padded([row[own] for row, own in zip(value, kept)], pad if key == 'input_ids' else 0)
        for key, value in rows.items()
    }
    padded['attention_mask'] = left_padded([row[row].long() for row in kept], 0)
    return {**padded, **others}


def left_padded(rows: List[Tensor], value: int) -> Tensor:
    """Rows of different lengths as one tensor, whose last column holds the last token of each."""
    return pad_sequence([row.flip(0) for row in rows], batch_first=True, padding_value=value).flip(1)


def with_row(inputs: Dict[str, Tensor], row: Dict[str, Tensor], pad: int) -> Dict[str, Tensor]:
    """Add a conversation of which nothing is learned, with the batch's only images.

    Args:
        inputs: as for :meth:`VisionLanguageModel.forward`, without images.
        row: ``input_ids`` ``[L]`` and tensors of its images.
        pad: token for padding.
    """
    ids = row['input_ids']
    length = max(inputs['input_ids'].shape[1], len(ids))
    own = dict(input_ids=ids, attention_mask=torch.ones_like(ids))
    fill = dict(input_ids=pad, labels=-100)
    added = {
        key: torch.stack(
            [
                pad_to(one, length, fill.get(key, 0))
                for one in (*value, own.get(key, torch.full_like(ids, fill.get(key, 0))).to(value))
            ]
        )
        for key, value in inputs.items()
    }
    device = inputs['input_ids'].device
    return {**added, **{key: value.to(device) for key, value in row.items() if key not in inputs}}


def pad_to(row: Tensor, length: int, value: int) -> Tensor:
    """A row with padding behind it."""
    return torch.cat([row, row.new_full((length - len(row),), value)])
