from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, Iterable, List, Tuple, Union

from clamp_mmpose.utils.files import read_json, read_yaml

from .clean_text import alike, clean_text

FOLDER = Path(__file__).with_name('texts')
INDEX = 'mp100.yml'
REMEDY = 'a folder of texts holds mp100.yml and one file for each layout'
ENTRY = dict(id=int, slug=str, name=str, supercategory=str, num_keypoints=int, split=int, layout=str)
LAYOUT = dict(keypoints=list, skeleton=list, swap=list)
# of a category in a JSON file; more keys are allowed
JSON_ENTRY = dict(
    id=int, name=str, supercategory=str, keypoints=list, descriptions=list, skeleton=list, flip_pairs=list
)


@dataclass(frozen=True)
class CategoryTexts:
    """Names and descriptions of a category's K keypoints, in the order of its annotations (CapeLLM, section 3.2).

    Args:
        slug: the category's unique name; ``name`` is the readable one, which two categories may share.
        category_id: its id in the annotations.
        supercategory: its group in the annotations.
        split: the split of MP-100 that tests the category; 0: none.
        names: K different names; left and right are the object's own, not the image's.
        descriptions: K sentences that say where the keypoint is.
        skeleton: pairs of keypoint indices, from 0.
        flip_indices: for each keypoint, the index of its left/right counterpart; its own index if it has none.
    """

    slug: str
    category_id: int
    name: str
    supercategory: str
    split: int
    names: Tuple[str, ...]
    descriptions: Tuple[str, ...]
    skeleton: Tuple[Tuple[int, int], ...]
    flip_indices: List[int]


def load_texts(folder: Union[str, Path, None] = None) -> Dict[int, CategoryTexts]:
    """Read and check the texts of all categories, by category id; each folder is read once.

    Args:
        folder: holds ``mp100.yml``, the list of categories, and ``<layout>.yml`` with the keypoints of one or more of
            them; None: ``clamp_mmpose/language/texts``. Or a JSON file with a list of categories, each with its
            ``id``, ``name``, ``supercategory``, ``keypoints`` (their names), ``descriptions``, ``skeleton`` and
            ``flip_pairs``.

    Raises:
        FileNotFoundError: the index, a layout or the JSON file does not exist.
        ValueError: a file is not YAML or JSON or has missing or unknown keys; ids or slugs repeat; a layout and its
            category differ in the number of keypoints; texts are empty, repeated or not clean; indices are
            out of range.
    """
    path = Path(folder or FOLDER).resolve()
    return dict(_load_json(path) if path.suffix == '.json' else _load(path))


def names_of_category(texts: Union[str, Path], category: str) -> List[str]:
    """The keypoint names of one category, for a config that is about it alone.

    Without the file, the names are one placeholder: a config must be readable before its data are there, and training
    says what is missing.

    Args:
        texts: as for :func:`load_texts`.
        category: its slug.

    Raises:
        ValueError: the texts have no such category, or a name has ``{{``; also see :func:`load_texts`.
    """
    if not Path(texts).exists():
        return ['keypoint']
    found = {own.slug: list(own.names) for own in load_texts(texts).values()}
    if category not in found:
        raise ValueError(f'{texts} has no category {category!r}; it has {", ".join(sorted(found))}.')
    if any('{{' in name for name in found[category]):  # in the config that a training writes, it could run code
        raise ValueError(
            f'{texts}: MMEngine replaces {{{{...}}}} in configs, so no keypoint of {category} may have it.'
        )
    return found[category]


def category_or_first(texts: Union[str, Path], category: str, usual: str) -> str:
    """The category of a config that any folder of photographs can take the place of.

    Args:
        texts: as for :func:`load_texts`.
        category: its slug; 'auto': ``usual``, or the first one if the texts do not have that.
    """
    if category != 'auto' or not Path(texts).exists():
        return usual if category == 'auto' else category
    slugs = [own.slug for own in load_texts(texts).values()]
    return usual if usual in slugs else slugs[0]


@lru_cache(maxsize=8)
def _load(folder: Path) -> Dict[int, CategoryTexts]:
    index = folder / INDEX
    entries = read_yaml(index, 'category texts', REMEDY)
    if not isinstance(entries, list) or not entries:
        raise ValueError(f'{index}: expected a list of categories, got {entries!r:.60}.')
    categories: Dict[int, CategoryTexts] = {}
    layouts: Dict[str, dict] = {}
    slugs = set()
    for i, entry in enumerate(entries):
        _check_keys(entry, ENTRY, ENTRY, f'{index}, category number {i}')
        if entry['id'] in categories:
            raise ValueError(f'{index}: ids must differ, but {entry["id"]} occurs more than once.')
        if entry['slug'] in slugs:
            raise ValueError(f'{index}: slugs must differ, but {entry["slug"]!r} occurs more than once.')
        slugs.add(entry['slug'])
        path = folder / f'{entry["layout"]}.yml'
        if entry['layout'] not in layouts:
            if not path.is_file():
                raise FileNotFoundError(
                    f'{path} does not exist, but {index} uses the layout {entry["layout"]!r} for {entry["slug"]!r}; '
                    'write the file or choose another layout.'
                )
            layouts[entry['layout']] = _read_layout(path)
        layout = layouts[entry['layout']]
        if len(layout['names']) != entry['num_keypoints']:
            raise ValueError(
                f'{path}: expected {entry["num_keypoints"]} keypoints, as {index} says for {entry["slug"]!r}, '
                f'got {len(layout["names"])}; correct one of the files.'
            )
        categories[entry['id']] = CategoryTexts(
            slug=entry['slug'],
            category_id=entry['id'],
            name=entry['name'],
            supercategory=entry['supercategory'],
            split=entry['split'],
            **layout,
        )
    return categories


@lru_cache(maxsize=8)
def _load_json(path: Path) -> Dict[int, CategoryTexts]:
    entries = read_json(path, 'category texts', 'give the path of the list of categories', expected=list)
    categories: Dict[int, CategoryTexts] = {}
    for i, entry in enumerate(entries):
        where = f'{path}, category number {i}'
        _check_keys({key: entry[key] for key in JSON_ENTRY if key in entry}, JSON_ENTRY, JSON_ENTRY, where)
        slug = entry['name'].strip().lower()
        if entry['id'] in categories or slug in {known.slug for known in categories.values()}:
            raise ValueError(f'{where}: ids and names must differ, but {entry["id"]} or {slug!r} occurs twice.')
        if len(entry['keypoints']) != len(entry['descriptions']):
            raise ValueError(
                f'{where}: expected one description for each keypoint, got {len(entry["descriptions"])} for '
                f'{len(entry["keypoints"])}.'
            )
        keypoints = [{name: text} for name, text in zip(entry['keypoints'], entry['descriptions'])]
        layout = _layout(dict(keypoints=keypoints, skeleton=entry['skeleton'], swap=entry['flip_pairs']), where)
        readable = slug.replace('_', ' ')
        categories[entry['id']] = CategoryTexts(slug, entry['id'], readable, entry['supercategory'], 0, **layout)
    return categories


def _read_layout(path: Path) -> dict:
    content = read_yaml(path, 'category texts', REMEDY)
    _check_keys(content, LAYOUT, ('keypoints',), str(path))
    return _layout(content, str(path))


def _layout(content: dict, path: str) -> dict:
    names, descriptions = [], []
    for i, keypoint in enumerate(content['keypoints']):
        # one mapping per keypoint: YAML would silently drop the first of two equal keys of one mapping
        texts = next(iter(keypoint.items())) if isinstance(keypoint, dict) and len(keypoint) == 1 else None
        if texts is None or not all(isinstance(text, str) and text.strip() for text in texts):
            raise ValueError(
                f'{path}: keypoint {i} must be one "name: description", both not empty, got '
                f'{keypoint!r:.80}; put quotes around a text that YAML does not read as a string.'
            )
        try:
            name, description = map(clean_text, texts)
        except ValueError as error:
            raise ValueError(f'{path}: keypoint {i}: {error}') from error
        names.append(name)
        descriptions.append(description)
    for first, second in alike(names):
        raise ValueError(
            f'{path}: keypoint names must differ, but {first!r} and {second!r} are the same to the text encoder.'
        )

    flip_indices = list(range(len(names)))
    for left, right in _pairs(content, 'swap', len(names), path):
        if left == right:
            raise ValueError(
                f'{path}: swap takes pairs of different keypoints, got [{left}, {right}]; leave this one out.'
            )
        taken = [i for i in (left, right) if flip_indices[i] != i]
        if taken:
            raise ValueError(f'{path}: a keypoint may be in one swap pair only, but {taken[0]} is in two.')
        flip_indices[left], flip_indices[right] = right, left

    return dict(
        names=tuple(names),
        descriptions=tuple(descriptions),
        skeleton=tuple(_pairs(content, 'skeleton', len(names), path)),
        flip_indices=flip_indices,
    )


def _pairs(content: dict, key: str, num_keypoints: int, path: str) -> List[Tuple[int, int]]:
    pairs = content.get(key, [])
    for pair in pairs:
        if (
            not isinstance(pair, list)
            or len(pair) != 2
            or not all(type(i) is int and 0 <= i < num_keypoints for i in pair)
            or (key == 'skeleton' and pair[0] == pair[1])
        ):
            raise ValueError(f'{path}: {key} must be pairs of indices from 0 to {num_keypoints - 1}, got {pair!r:.60}.')
    return [(first, second) for first, second in pairs]


def _check_keys(content: Any, kinds: dict, required: Iterable[str], where: str) -> None:
    if not isinstance(content, dict):
        raise ValueError(f'{where}: expected the keys {list(kinds)}, got {content!r:.60}.')
    unknown = [key for key in content if key not in kinds]
    if unknown:
        raise ValueError(f'{where}: unknown keys {unknown}; expected some of {list(kinds)}.')
    missing = [key for key in required if key not in content]
    if missing:
        raise ValueError(f'{where}: the keys {missing} are missing.')
    for key, value in content.items():
        if not isinstance(value, kinds[key]) or isinstance(value, bool):
            raise ValueError(f'{where}: {key} must be of type {kinds[key].__name__}, got {value!r:.60}.')
