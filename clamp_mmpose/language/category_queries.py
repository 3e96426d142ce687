"""Keypoints of a category of MP-100, with the descriptions of :mod:`clamp_mmpose.language.category_texts`."""

import logging
import re
from difflib import get_close_matches
from typing import Any, List, Mapping, Optional, Sequence, Union

from mmengine.logging import print_log

from .category_texts import CategoryTexts, load_texts
from .clean_text import comparable
from .keypoint_names import readable_name
from .text_queries import TextQueries

NEAR = 5  # similar categories in an error


def find_category(category: str, texts: Optional[Mapping[int, CategoryTexts]] = None) -> CategoryTexts:
    """The category with this slug or readable name, such as ``'horse_body'`` or ``'horse body'``.

    Capitals, spaces, underscores and hyphens do not matter.

    Args:
        texts: the categories by id; None: those of MP-100.

    Raises:
        ValueError: no category has this name, or more than one; the message has similar ones.
    """
    if not isinstance(category, str):
        raise ValueError(f'a category must be a name such as "horse_body", got {type(category).__name__}.')
    categories = list((load_texts() if texts is None else texts).values())
    slugs = {_key(one.slug): one for one in categories}
    key = _key(category)
    if key in slugs:
        return slugs[key]
    named = [one for one in categories if _key(one.name) == key]
    if len(named) == 1:
        return named[0]
    if named:
        raise ValueError(
            f'{len(named)} categories are named {category!r:.80}: give {" or ".join(one.slug for one in named)}.'
        )
    similar = _similar(key, categories)
    raise ValueError(
        f'no category is named {category!r:.80}'
        + (f'; similar: {", ".join(similar)}.' if similar else f'; give one such as {categories[0].slug}.')
    )


def category_queries(
    category: Union[str, CategoryTexts],
    keypoints: Union[str, Sequence[str], None] = None,
    skeleton: Union[str, Sequence[Sequence[int]]] = (),
) -> TextQueries:
    """Queries for keypoints of a category; those without a description get the one of the category.

    Args:
        category: a slug or readable name, see :func:`find_category`, or the texts themselves.
        keypoints, skeleton: as in :meth:`TextQueries.parse`. A name that the category does not have keeps no
            description, which is logged. None: all keypoints of the category, with its skeleton and flip indices.

    Raises:
        ValueError: see :func:`find_category` and :meth:`TextQueries.parse`.
    """
    texts = category if isinstance(category, CategoryTexts) else find_category(category)
    if keypoints is None:
        return TextQueries.create(texts.names, texts.descriptions, texts.skeleton, texts.flip_indices, texts.name)
    own = TextQueries.parse(keypoints, skeleton)
    known = {comparable(name): description for name, description in zip(texts.names, texts.descriptions)}
    given = own.keypoint_descriptions or [''] * len(own.keypoint_names)
    descriptions = [text or _known(known, name) for name, text in zip(own.keypoint_names, given)]
    without = [name for name, description in zip(own.keypoint_names, descriptions) if not description]
    if without:
        print_log(
            f'the category {texts.slug} has no keypoint {", ".join(map(repr, without))}: no description is added.',
            logger='current',
            level=logging.WARNING,
        )
    return TextQueries.create(
        own.keypoint_names, descriptions if any(descriptions) else None, own.skeleton_links, category=texts.name
    )


def _known(known: Mapping[str, str], name: str) -> str:
    """The description of a name as it is, or as data sets write it ('L_F_Paw')."""
    return known.get(comparable(name)) or known.get(comparable(readable_name(name)), '')


def _key(name: str) -> str:
    return ' '.join(re.split(r'[\s_\-]+', name.strip().lower()))


def _similar(key: str, categories: Sequence[CategoryTexts]) -> List[str]:
    """Slugs of the categories that hold the name, then of those that are spelled like it."""
    by_name: Any = {}
    for one in categories:
        for name in (_key(one.slug), _key(one.name)):
            by_name.setdefault(name, one.slug)
    holding = [name for name in by_name if key and key in name]
    found = [by_name[name] for name in (*holding, *get_close_matches(key, by_name, NEAR))]
    return list(dict.fromkeys(found))[:NEAR]
