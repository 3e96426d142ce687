from typing import Iterator, List, Optional

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpose.registry import HOOKS

from clamp_mmpose.codecs.conversations import REPAIRED, conversation_faults
from clamp_mmpose.data_check.instructions import Record, count_tokens
from clamp_mmpose.datasets.instructions.instruction_dataset import InstructionDataset
from clamp_mmpose.datasets.nested import nested_datasets
from clamp_mmpose.datasets.transforms.tokenize_conversation import TokenizeConversation

SHOWN = 3
EFFECTS = dict(skip='are left out', drop_rounds='lose their last rounds, or are left out if their first is too long')


@HOOKS.register_module()
class InstructionCheckHook(Hook):
    """Checks instruction data before training: turns and image tags of all records, and tokens of some.

    It logs how long the conversations are. Images are not decoded. ``tools/check_dataset.py`` counts all tokens.

    Args:
        tokenized: of how many records of a data set, evenly spaced, tokens are counted (about 1 ms each).

    Raises:
        ValueError: records that would stop the training later; the first ones are named.
    """

    def __init__(self, tokenized: int = 2000):
        self.tokenized = tokenized

    def before_train(self, runner: Runner) -> None:
        context = getattr(getattr(runner.model, 'module', runner.model), 'max_length', None)
        for loop in filter(None, (runner.train_loop, runner.val_loop)):
            for dataset in nested_datasets(loop.dataloader.dataset):
                if isinstance(dataset, InstructionDataset):
                    faults = self._faults(dataset, context, runner)
                    if faults:
                        raise ValueError(
                            f'{len(faults):,} faults in {", ".join(map(str, dataset.ann_files))}: '
                            f'{"; ".join(faults[:SHOWN])}. tools/check_dataset.py lists every case.'
                        )

    def _faults(self, dataset: InstructionDataset, context: Optional[int], runner: Runner) -> List[str]:
        records = list(_records(dataset))
        faults = [
            f'record {record.record_id!r}: {fault.text}'
            for record in records
            for fault in conversation_faults(record.conversations, len(record.paths))
            if fault.kind not in REPAIRED
        ]
        transform = next((step for step in dataset.pipeline.transforms if isinstance(step, TokenizeConversation)), None)
        if faults or transform is None:
            return faults
        chosen = np.linspace(0, len(records) - 1, min(self.tokenized, len(records))).round().astype(int)
        counts = count_tokens(transform.chat, [records[i] for i in chosen])
        limit = min(filter(None, (transform.max_length, context)), default=None)
        longer = counts.longer_than(limit)
        handled = transform.max_length == limit and transform.too_long != 'error'
        read = '' if limit is None else f'; {limit:,} are read'
        runner.logger.info(f'{dataset.ann_files[0].name}: {counts.summary}{read}.')
        if longer and handled:
            runner.logger.info(f'{len(longer):,} of these are longer and {EFFECTS[transform.too_long]}.')
            longer = []
        return [fault for _, fault in counts.unlearned] + [
            f'record {record_id!r} has {length:,} tokens, {limit:,} are read' for record_id, length in longer
        ]


def _records(dataset: InstructionDataset) -> Iterator[Record]:
    """All records, whatever an epoch draws."""
    dataset.full_init()
    for i in range(dataset.num_records):
        info = BaseDataset.get_data_info(dataset, i)
        path = info['img_path']
        paths = path if isinstance(path, list) else [] if path is None else [path]
        yield Record(info['record_id'], info['conversations'], paths)
