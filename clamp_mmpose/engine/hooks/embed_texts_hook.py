from typing import Iterator

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmpose.datasets.transforms import RandomFlip
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
        transforms = getattr(getattr(member, 'pipeline', None), 'transforms', ())
        flips = any(isinstance(transform, RandomFlip) for transform in transforms)
        for transform in transforms:
            if isinstance(transform, GetTextQueries):
                own = [{}] if transform.names is not None else []
                for fields in (*own, *getattr(member, 'category_fields', {}).values()):  # of MP100Dataset
                    queries = transform.queries(fields)
                    yield from queries.texts
                    if flips:
                        yield from queries.mirrored().texts
