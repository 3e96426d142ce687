"""The texts that a data set asks for, without loading its images."""

from typing import Any, Iterator

from mmpose.datasets.transforms import RandomFlip

from clamp_mmpose.language.text_queries import TextQueries

from .nested import nested_datasets
from .transforms import GetTextQueries


def dataset_queries(dataset: Any) -> Iterator[TextQueries]:
    """The queries of each category and of each list of names, also of data sets inside a wrapper.

    If images are flipped at random, the queries of flipped images follow.
    """
    for member in nested_datasets(dataset):
        transforms = getattr(getattr(member, 'pipeline', None), 'transforms', ())
        flips = any(isinstance(transform, RandomFlip) for transform in transforms)
        for transform in transforms:
            if isinstance(transform, GetTextQueries):
                own = [{}] if transform.names is not None else []
                for fields in (*own, *getattr(member, 'category_fields', {}).values()):  # of MP100Dataset
                    queries = transform.queries(fields)
                    yield queries
                    if flips:
                        yield queries.mirrored()
