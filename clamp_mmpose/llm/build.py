import inspect
from importlib import import_module
from typing import Any, Dict

from clamp_mmpose.utils.choices import check_choice

from .language_model import LanguageModel

TYPES = dict(openai=('client', 'OpenAIClient'), template=('template_writer', 'TemplateWriter'))


def build_language_model(config: Dict[str, Any]) -> LanguageModel:
    """Build what a config's ``llm`` describes.

    Args:
        config: ``type='openai'`` (:class:`OpenAIClient`) or ``type='template'`` (:class:`TemplateWriter`, no language
            model), and the arguments of the class.

    Raises:
        ValueError: an unknown type or field, or a missing one.
        ImportError: the package openai is missing.
    """
    fields = dict(config)
    kind = fields.pop('type', None)
    check_choice('llm.type', kind, list(TYPES))
    module, name = TYPES[kind]
    made = getattr(import_module(f'.{module}', __package__), name)
    known = inspect.signature(made).parameters
    unknown = sorted(set(fields) - set(known))
    if unknown:
        raise ValueError(f'llm of type {kind!r} has no field {", ".join(unknown)}; expected {", ".join(known)}.')
    missing = [name for name, field in known.items() if field.default is field.empty and name not in fields]
    if missing:
        raise ValueError(f'llm of type {kind!r} needs {", ".join(missing)}.')
    return made(**fields)
