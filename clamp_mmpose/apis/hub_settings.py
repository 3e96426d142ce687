"""The settings of a shared model: plain data that name no code, no files and no other modules."""

import math
import os
from pprint import pformat
from typing import Any, Dict, Iterator, Set, Tuple

from mmengine.config import Config
from mmengine.registry import WEIGHT_INITIALIZERS
from mmpose.registry import DATASETS, KEYPOINT_CODECS, MODELS, TRANSFORMS

from clamp_mmpose.checkpoints.config_values import config_values

HEADER = '# Settings of a model, written by clamp-mmpose hub as plain data; hub pull reads them without running them.\n'
SAME = dict(  # in every shared model
    default_scope='mmpose',
    custom_imports=dict(imports=['clamp_mmpose'], allow_failed_imports=False),
    visualizer=dict(type='PoseLocalVisualizer', name='visualizer'),
)
KEPT = ('dataset_type', 'data_mode', 'find_instances', 'model', 'test_dataloader')


def model_settings(cfg: Config) -> Dict[str, Any]:
    """What of a config is needed to run its model: the model, how images are prepared and how results are drawn.

    Raises:
        ValueError: a setting is not plain data, or names a file of this machine.
    """
    dataset = (cfg.get('test_dataloader') or {}).get('dataset') or {}
    pipeline = dataset.get('pipeline')
    if not pipeline or not cfg.get('model'):
        raise ValueError(f'{cfg.filename or "this config"} has no model, or no pipeline in test_dataloader.dataset.')
    settings = dict(
        dataset_type=cfg.get('dataset_type'),  # decides the default detector
        data_mode=dataset.get('data_mode', cfg.get('data_mode', 'topdown')),
        find_instances=cfg.get('find_instances'),
        model=cfg.model,
        test_dataloader=dict(dataset=dict(pipeline=pipeline)),
    )
    plain = {key: _plain(value, key) for key, value in settings.items() if value is not None}
    _drop_pretrained_files(plain['model'])
    check_settings(plain, cfg.filename or 'this config')
    for place, value in _walk(plain, ''):
        if isinstance(value, str) and os.sep in value and os.path.exists(os.path.expanduser(value)):
            raise ValueError(f'{place}={value!r} is a file of this machine, which others do not have: set another.')
    return dict(SAME, **plain)


def settings_text(settings: Dict[str, Any]) -> str:
    """A Python config of the settings."""
    return HEADER + '\n'.join(
        f'{key} = {pformat(value, width=110, sort_dicts=False)}' for key, value in settings.items()
    )


def read_settings(text: str, source: str) -> Dict[str, Any]:
    """The settings in the text of a config; nothing in it is run.

    Raises:
        ValueError: it is not Python, lacks the model, or names code, see :func:`check_settings`.
    """
    try:
        found = config_values(text)
    except ValueError as error:
        raise ValueError(f'{source} cannot be read ({error}): pull the model again, or ask its author.') from error
    settings = {key: found[key] for key in KEPT if key in found}
    dataset = settings.get('test_dataloader')
    dataset = dataset.get('dataset') if isinstance(dataset, dict) else None
    if not isinstance(settings.get('model'), dict) or not isinstance(dataset, dict) or 'pipeline' not in dataset:
        raise ValueError(f'{source} has no model and test_dataloader: give a folder that clamp-mmpose hub push wrote.')
    check_settings(settings, source)
    return dict(SAME, **settings)


def check_settings(settings: Dict[str, Any], source: str) -> None:
    """Check that every ``type`` is a registered part of a model, so that building it can run nothing else.

    MMEngine imports a type such as ``'os.system'`` and calls it.

    Raises:
        ValueError: another type, a file to import or to execute, or text that MMEngine replaces.
    """
    allowed = registered_names()
    kind = settings.get('dataset_type')
    if kind is not None and not (isinstance(kind, str) and kind in DATASETS.module_dict):
        raise ValueError(f'{source} was refused, and nothing was run: dataset_type={kind!r:.80} is no data set.')
    for place, value in _walk(settings, ''):
        key = place.rpartition('.')[2]
        if key == 'type' and not (isinstance(value, str) and value in allowed):
            raise ValueError(
                f'{source} was refused, and nothing was run: {place}={value!r:.80} is no registered part of a model.'
            )
        if key in ('_scope_', '_base_', 'from_file') or (isinstance(value, str) and '{{' in value):
            raise ValueError(f'{source} was refused, and nothing was run: {place}={value!r:.80} names other files.')
    if '{{' in settings_text(settings):  # in a key or in bytes: MMEngine replaces it before Python reads the text
        raise ValueError(f'{source} was refused, and nothing was run: {{{{...}}}} in it names other files.')


def registered_names() -> Set[str]:
    """The names of all parts of models, initializers, transforms and codecs, with and without the scope 'mmpose'."""
    names: Set[str] = set()
    for registry in (MODELS, TRANSFORMS, KEYPOINT_CODECS, WEIGHT_INITIALIZERS):
        while registry is not None:
            names.update(registry.module_dict)
            registry = registry.parent
    return names | {f'mmpose.{name}' for name in names}


def _plain(value: Any, place: str) -> Any:
    """Nested dicts, lists and tuples of numbers and texts; a registered class as its name."""
    if isinstance(value, dict):
        return {
            str(key) if not isinstance(key, int) else key: _plain(item, f'{place}.{key}') for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(item, f'{place}[{i}]') for i, item in enumerate(value))
    if isinstance(value, type) and value.__name__ in registered_names():
        return value.__name__
    if value is None or isinstance(value, (bool, int, str)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise ValueError(f'{place}={value!r:.80} is not plain data, as a shared model needs: set numbers and texts.')


def _drop_pretrained_files(model: Any) -> None:
    """Remove ``init_cfg`` with a local file: the weights are those of the checkpoint."""
    for _, value in list(_walk(model, '')):
        init = value.get('init_cfg') if isinstance(value, dict) else None
        address = init.get('checkpoint') if isinstance(init, dict) else None
        if isinstance(address, str) and os.path.exists(os.path.expanduser(address)):
            value['init_cfg'] = None


def _walk(value: Any, place: str) -> Iterator[Tuple[str, Any]]:
    yield place, value
    items: Any = ()
    if isinstance(value, dict):
        items = [(f'{place}.{key}'.lstrip('.'), item) for key, item in value.items()]
    elif isinstance(value, (list, tuple)):
        items = [(f'{place}[{i}]', item) for i, item in enumerate(value)]
    for name, item in items:
        yield from _walk(item, name)
