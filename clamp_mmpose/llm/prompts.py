"""The prompts that language models are sent: readable YAML files, in this folder or the user's own."""

import string
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from clamp_mmpose.utils.files import read_yaml

FOLDER = Path(__file__).with_suffix('')
REMEDY = 'give the name of a prompt of the package, or the path of a YAML file'
KEYS = ('name', 'version', 'source', 'system', 'instructions', 'few_shot')


@dataclass(frozen=True)
class Prompt:
    """A prompt file. Its texts may hold placeholders such as ``{keypoints}``; a brace itself is written twice.

    Attributes:
        name: such as 'conversation'.
        version: another one whenever a text changes.
        source: where the texts come from.
        system: the first message.
        instructions: of which one is sent per request.
        parts: further texts, by name.
        few_shot: file with examples, or None.
    """

    name: str
    version: str
    source: str
    system: str
    instructions: Tuple[str, ...] = ()
    parts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    few_shot: Optional[Path] = None

    @property
    def id(self) -> str:
        """Name and version, 'conversation/1': kept with every answer."""
        return f'{self.name}/{self.version}'


def prompt_names() -> List[str]:
    """The prompts of the package."""
    return sorted(path.stem for path in FOLDER.glob('*.yml') if path.stem != 'examples')


def load_prompt(source: Union[str, Path], placeholders: Sequence[str] = (), parts: Sequence[str] = ()) -> Prompt:
    """Read a prompt.

    Args:
        source: the name of a prompt of the package, or the path of a YAML file, whose ``few_shot`` is relative
            to its folder.
        placeholders: what the texts may hold in braces.
        parts: the further texts that the file must hold.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: no prompt of this name, not plain YAML, a key is missing, unknown or not text, or an unknown
            placeholder; the file and key are named.
    """
    path = Path(source).expanduser()
    if path.suffix not in ('.yml', '.yaml'):
        path = FOLDER / f'{source}.yml'
        if not path.is_file() or source not in prompt_names():
            raise ValueError(f'prompt={str(source)!r}, expected one of {", ".join(prompt_names())}, or a YAML file.')
    content = read_yaml(path, 'prompt', REMEDY)
    where = f'prompt {path}'
    if not isinstance(content, dict):
        raise ValueError(f'{where} must be a mapping with the keys {", ".join(KEYS[:4])}, got {content!r:.60}.')
    _check_keys(content, where, parts)
    content['version'] = str(content['version'])
    instructions = content.get('instructions', [])
    if not isinstance(instructions, list):
        raise ValueError(f'{where}: instructions must be a list of texts, got {instructions!r:.60}.')
    texts: Dict[str, Any] = {key: content[key] for key in (*KEYS[:4], *parts)}
    texts.update({f'instructions[{i}]': text for i, text in enumerate(instructions)})
    for key, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f'{where}: {key} must be a text, got {text!r:.60}.')
        if key not in KEYS[:3]:
            _check_placeholders(text, f'{where}: {key}', placeholders)
    return Prompt(
        name=content['name'],
        version=content['version'],
        source=content['source'],
        system=content['system'],
        instructions=tuple(instructions),
        parts=MappingProxyType({key: content[key] for key in parts}),
        few_shot=_few_shot(content.get('few_shot'), path, where),
    )


def _check_keys(content: dict, where: str, parts: Sequence[str]) -> None:
    required = (*KEYS[:4], *parts)
    missing = [key for key in required if key not in content]
    if missing:
        raise ValueError(f'{where} has no {", ".join(missing)}: add it.')
    unknown = [str(key) for key in content if key not in (*KEYS, *parts)]
    if unknown:
        raise ValueError(f'{where} has the unknown keys {", ".join(unknown)}; expected {", ".join((*KEYS, *parts))}.')


def _check_placeholders(text: str, what: str, placeholders: Sequence[str]) -> None:
    try:
        fields = [field for field in string.Formatter().parse(text) if field[1] is not None]
    except ValueError as error:
        raise ValueError(f'{what}: {error}; a brace that is no placeholder is written twice.') from error
    # '{count:>9999999999}' would fill the memory
    unknown = [
        f'{name}:{form}' if form else str(name)
        for _, name, form, conversion in fields
        if name not in placeholders or form or conversion
    ]
    if unknown:
        raise ValueError(
            f'{what} has the placeholder {{{unknown[0]}}}, expected {", ".join(placeholders) or "none"}; '
            'a placeholder has no format, and a brace that is no placeholder is written twice.'
        )


def _few_shot(value: Any, path: Path, where: str) -> Optional[Path]:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError(f'{where}: few_shot must be the name of a file, got {value!r:.60}.')
    return path.parent / value
