from typing import Any, Dict, List, Sequence

import torch
from mmengine.registry import FUNCTIONS
from torch import Tensor
from torch.nn.functional import pad
from torch.nn.utils.rnn import pad_sequence

PADDING = dict(input_ids=0, labels=-100, mm_token_type_ids=0)  # where attention_mask is 0


@FUNCTIONS.register_module()
def collate_conversations(samples: Sequence[Dict[str, Any]]) -> Dict[str, Any]:
    """A batch of conversations.

    Args:
        samples: of :class:`TokenizeConversation`: ``inputs`` with ``input_ids [L]``, perhaps ``labels [L]`` and tensors
            of the images, whose first dimension is that of all images; perhaps ``data_samples``.

    Returns:
        dict: ``inputs``: ``input_ids``, ``labels`` and ``attention_mask`` ``[B, L]``, padded behind; the images of all
        samples one after another; ``data_samples``, a list.
    """
    rows: List[Dict[str, Tensor]] = [sample['inputs'] for sample in samples]
    ids = [row['input_ids'] for row in rows]
    inputs = dict(attention_mask=pad_sequence([torch.ones_like(own) for own in ids], batch_first=True))
    for name in dict.fromkeys(name for row in rows for name in row):
        own = [row[name] for row in rows if name in row]
        if name in PADDING:
            inputs[name] = pad_sequence(own, batch_first=True, padding_value=PADDING[name])
        else:
            inputs[name] = torch.cat(_same_sizes(own))
    return dict(inputs=inputs, data_samples=[sample.get('data_samples') for sample in samples])


def _same_sizes(tensors: List[Tensor]) -> List[Tensor]:
    """The tensors, padded with zeros behind to the same sizes but for the first dimension."""
    sizes = [max(size) for size in zip(*(tensor.shape[1:] for tensor in tensors))]
    return [
        pad(tensor, [n for size, own in zip(sizes[::-1], tensor.shape[:0:-1]) for n in (0, size - own)])
        for tensor in tensors
    ]
