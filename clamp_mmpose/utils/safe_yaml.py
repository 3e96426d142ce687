"""YAML as plain data: no Python objects, no endless aliases, and words stay words."""

import re
from typing import Any, Dict, List

import yaml

TAG = 'tag:yaml.org,2002:'
MAX_DEPTH = 100  # libyaml's C code crashes at some ten thousand
MAX_NODES = 1_000_000  # after the aliases are written out


class _Loader(getattr(yaml, 'CSafeLoader', yaml.SafeLoader)):
    """Reads ``no``, ``2020-01-01`` and ``1:30`` as the words they are, as YAML 1.2 does."""

    def get_single_data(self) -> Any:
        node = self.get_single_node()
        if node is None:
            return None
        _expanded_size(node, {}, [])
        return self.construct_document(node)


_Loader.yaml_implicit_resolvers = {
    first: [entry for entry in entries if entry[0] in (f'{TAG}null', f'{TAG}merge')]
    for first, entries in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for kind, pattern, firsts in (
    ('bool', 'true|True|TRUE|false|False|FALSE', 'tTfF'),
    ('int', '[-+]?(?:0|[1-9][0-9]*)', '-+0123456789'),
    ('float', r'[-+]?(?:[0-9]+\.[0-9]*|\.?[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan', '-+0123456789.'),
):
    _Loader.add_implicit_resolver(f'{TAG}{kind}', re.compile(f'^(?:{pattern})$'), list(firsts))


def parse_yaml(text: str) -> Any:
    """The content of a YAML document.

    Raises:
        ValueError: not YAML, a tag that creates Python objects, a key that occurs twice in one mapping, an alias that
            contains itself, nested too deeply, or too large after its aliases are written out.
    """
    try:
        _check_depth(text)
        return yaml.load(text, _Loader)  # a SafeLoader
    except Exception as error:  # PyYAML raises errors of many kinds, for example for a mapping as a key
        raise ValueError(' '.join(str(error).replace('"<unicode string>", ', '').split())) from error


def _check_depth(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, _Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise ValueError(f'nested deeper than {MAX_DEPTH} levels in line {event.start_mark.line + 1}')


def _expanded_size(node: yaml.Node, sizes: Dict[int, int], above: List[int]) -> int:
    """The number of nodes after aliases are written out."""
    if id(node) in sizes:
        return sizes[id(node)]
    line = node.start_mark.line + 1
    if id(node) in above:
        raise ValueError(f'the alias of line {line} contains itself')
    above.append(id(node))
    children = list(node.value) if isinstance(node, yaml.SequenceNode) else []
    if isinstance(node, yaml.MappingNode):
        keys = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != f'{TAG}merge':
                if (key.tag, key.value) in keys:
                    raise ValueError(f'the key {key.value!r:.60} in line {key.start_mark.line + 1} occurs twice')
                keys.add((key.tag, key.value))
            children += [key, value]
    size = 1 + sum(_expanded_size(child, sizes, above) for child in children)
    above.pop()
    if size > MAX_NODES:
        raise ValueError(f'the aliases of line {line} expand to more than {MAX_NODES:,} values')
    sizes[id(node)] = size
    return size
