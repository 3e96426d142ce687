"""Files of Hugging Face's transformers from a folder or the hub: no code that comes with them is run."""

from pathlib import Path
from typing import Any, Union

from clamp_mmpose.utils.files import read_json

from .packages import local_source

OWN_WEIGHTS = 'chat_pose.safetensors'  # in a folder of transformers: weights that are not of its model


def check_folder(source: Union[str, Path]) -> None:
    """Check that a folder names no weights elsewhere, and none in a pickle; a name on the hub is left to its loader.

    Raises:
        ValueError: it holds an adapter, or its index names other files than safetensors of the folder.
        ImportError, ValueError, OSError: see :func:`local_source`.
    """
    folder = Path(local_source(source))
    if (folder / 'adapter_config.json').is_file():
        raise ValueError(f'{folder} holds an adapter (adapter_config.json): merge it into its model, and save that.')
    index = folder / 'model.safetensors.index.json'
    if index.is_file():
        content = read_json(index, 'index of weights', 'restore it', expected=dict)
        files = content.get('weight_map')
        if not isinstance(files, dict) or not all(
            isinstance(file, str) and file == Path(file).name and file.endswith('.safetensors')
            for file in files.values()
        ):
            raise ValueError(f'{index} must name .safetensors files of its folder; save the model again.')


def from_hub(kind: type, source: str, **kwargs: Any) -> Any:
    """``kind.from_pretrained`` of a folder, a name on the hub, a ``.gguf`` file or a ``package://`` address.

    Raises:
        FileNotFoundError: the ``.gguf`` file does not exist.
        ValueError: it cannot be loaded, or needs its own code.
        ImportError, ValueError, OSError: see :func:`local_source`.
    """
    place = source = local_source(source)
    if source.endswith('.gguf'):
        if not Path(source).is_file():
            raise FileNotFoundError(f'model {source} does not exist (looked in {Path.cwd()}): check the path.')
        place, kwargs = str(Path(source).parent), dict(kwargs, gguf_file=Path(source).name)
        kwargs.pop('use_safetensors', None)
    try:
        return kind.from_pretrained(place, trust_remote_code=False, **kwargs)
    except Exception as error:  # from the hub, the network, a missing file, or a model that needs its own code
        if source and Path(source).exists():
            remedy = 'Check that it is such a model, and complete.'
        else:
            remedy = (
                f'No file or folder has this name (looked in {Path.cwd()}). Without internet, download the model '
                'elsewhere (config.json, tokenizer, model.safetensors) and give its folder.'
            )
        raise ValueError(
            f'{kind.__name__} cannot be loaded from {source!r}: {type(error).__name__}: '
            f'{" ".join(str(error).split())[:300]} {remedy} Models that need their own code are not loaded.'
        ) from error


def load_processor(source: str) -> Any:
    """The processor of a model, or its tokenizer if it has no other; from a folder or a name on the hub.

    Raises:
        ImportError: transformers is not installed.
        ValueError: it cannot be loaded.
    """
    try:
        from transformers import AutoProcessor
    except ImportError as error:
        raise ImportError('a processor needs transformers: pip install "clamp_mmpose[llm]".') from error
    check_folder(source)
    return from_hub(AutoProcessor, source)
