"""Walk through nested data sets: CombinedDataset, RepeatDataset, ZeroShotTasks and other wrappers."""

from typing import Any, Dict, Iterator, Optional, Tuple


def nested_datasets(dataset: Any) -> Iterator[Any]:
    """Every data set inside a built one, then the data set itself, as a wrapper may have its own pipeline."""
    for inner in [getattr(dataset, 'dataset', None), *(getattr(dataset, 'datasets', None) or ())]:
        if inner is not None:
            yield from nested_datasets(inner)
    yield dataset


def leaf_configs(config: Any, where: str) -> Iterator[Tuple[str, dict]]:
    """The configs inside ``config`` that are not wrappers, each with its place.

    Args:
        where: the place of ``config``, such as ``'train_dataloader'``. Places are keys of ``--cfg-options``, such as
            ``'train_dataloader.dataset.datasets.0'``.
    """
    if not isinstance(config, dict):
        return
    inner = _inner_configs(config)
    if inner is None:
        yield where, config
        return
    for key, value in inner.items():
        yield from leaf_configs(value, f'{where}.{key}')


def _inner_configs(config: dict) -> Optional[Dict[str, Any]]:
    """The configs inside a wrapper, by their place in it; None if ``config`` is not a wrapper."""
    if isinstance(config.get('datasets'), (list, tuple)):
        return {f'datasets.{i}': member for i, member in enumerate(config['datasets'])}
    if isinstance(config.get('tasks'), dict):  # ZeroShotTasks
        return {f'tasks.{name}': member for name, member in config['tasks'].items()}
    return {'dataset': config['dataset']} if isinstance(config.get('dataset'), dict) else None
