import logging
from itertools import islice
from typing import Iterator, List

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmpose.registry import HOOKS

from clamp_mmpose.datasets.nested import nested_datasets
from clamp_mmpose.datasets.transforms import SampleDescription

CHUNK_SIZE = 1000


@HOOKS.register_module()
class TextLengthHook(Hook):
    """Logs before training how many descriptions are too long for the text encoder.

    Raises:
        ValueError: descriptions are too long, and the encoder does not truncate them.
    """

    def before_train(self, runner: Runner) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        encoder = model.text_encoder
        longer = number = 0
        for texts in _in_chunks(_choices(runner.train_dataloader.dataset)):
            number += len(texts)
            longer += sum(length > encoder.max_length for length in encoder.count_tokens(texts))
        message = f'{longer:,} of {number:,} texts are longer than the limit of {encoder.max_length} tokens'
        if longer and not encoder.truncate:
            raise ValueError(
                f'{message}: truncate them (text_encoder.truncate=True), or train on single sentences '
                '(SampleDescription(sentences=True)).'
            )
        runner.logger.log(
            logging.WARNING if longer else logging.INFO, f'{message}{"; they are truncated" if longer else ""}.'
        )


def _choices(dataset) -> Iterator[str]:
    """Every text that a data set, or the data sets inside a wrapper, may sample."""
    for member in nested_datasets(dataset):
        for transform in getattr(getattr(member, 'pipeline', None), 'transforms', ()):
            if isinstance(transform, SampleDescription):
                for index in range(len(member)):
                    yield from transform.choices(member.get_data_info(index)['descriptions'])


def _in_chunks(texts: Iterator[str]) -> Iterator[List[str]]:
    while True:
        chunk = list(islice(texts, CHUNK_SIZE))
        if not chunk:
            return
        yield chunk
