from typing import Iterator

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmpose.registry import HOOKS

from clamp_mmpose.datasets.nested import nested_datasets
from clamp_mmpose.datasets.transforms import GetTextQueries
from clamp_mmpose.models.text_encoders import TextEmbeddings


@HOOKS.register_module()
class EmbedTextsHook(Hook):
    """Embeds the texts of all data sets before training; a frozen text encoder then never runs in the training loop."""

    def before_train(self, runner) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        texts = []
        for loop in (runner.train_loop, runner.val_loop):
            if loop is not None:
                texts += dataset_texts(loop.dataloader.dataset)
        texts += getattr(model.head, 'names', [])
        for module in model.modules():
            if isinstance(module, TextEmbeddings) and not module.encoder.tune:
                module.remember(texts)
                runner.logger.info(f'{len(set(texts))} texts embedded before training.')


def dataset_texts(dataset) -> Iterator[str]:
    """All texts that a data set, or the data sets inside a wrapper, can use as queries."""
    for member in nested_datasets(dataset):
        for transform in getattr(getattr(member, 'pipeline', None), 'transforms', ()):
            if isinstance(transform, GetTextQueries):
                if transform.names is not None:
                    yield from transform.names
                for fields in getattr(member, 'category_fields', {}).values():  # of MP100Dataset
                    yield from transform.queries(fields).texts
