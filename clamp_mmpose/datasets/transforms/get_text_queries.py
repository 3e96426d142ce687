from typing import Optional, Sequence, Union

from mmcv.transforms import BaseTransform
from mmpose.registry import TRANSFORMS

from clamp_mmpose.language.keypoint_names import keypoint_names
from clamp_mmpose.language.text_queries import TextQueries
from clamp_mmpose.utils.choices import check_choice

TEXTS = ('names', 'descriptions')


@TRANSFORMS.register_module()
class GetTextQueries(BaseTransform):
    """Add ``text_queries``, the keypoints for a head that reads text to find, to each instance.

    They are :class:`TextQueries`, which :class:`PackTextQueries` packs. Names come from the instance
    (``keypoint_names``, as in :class:`MP100Dataset`), or else from ``names``. After a horizontal :class:`RandomFlip`,
    the side is exchanged in the texts of keypoints without a counterpart, see :meth:`TextQueries.mirrored`.
    ``text_queries`` that an inferencer has added, and checked, are not changed.

    Args:
        text: ``'names'``, or ``'descriptions'``: 'name: description' where the data set has descriptions (CapeLLM,
            section 3.2).
        names: for instances without ``keypoint_names``; see :func:`keypoint_names`.

    Raises:
        ValueError: names are missing, repeated or empty, or differ in number from the keypoints; the skeleton has
            indices out of range.
    """

    def __init__(self, text: str = 'names', names: Union[str, dict, Sequence[str], None] = None):
        check_choice('text', text, TEXTS)
        self.text = text
        self.names = None if names is None else keypoint_names(names)

    def transform(self, results: dict) -> dict:
        """Add the queries of one instance."""
        if 'text_queries' not in results:
            queries = self.queries(results)
            flipped = results.get('flip') and results.get('flip_direction') == 'horizontal'
            results['text_queries'] = queries.mirrored() if flipped else queries
        return results

    def queries(self, fields: dict) -> TextQueries:
        """The queries of an instance, or a category, with these fields."""
        names = fields.get('keypoint_names', self.names)
        if names is None:
            raise ValueError(
                f'instance {fields.get("id", "")} has no keypoint_names: give GetTextQueries names=, a '
                'data set type or a list.'
            )
        descriptions: Optional[Sequence[str]] = fields.get('keypoint_descriptions')
        queries = TextQueries.create(
            names,
            descriptions if self.text == 'descriptions' else None,
            fields.get('skeleton_links') or (),
            fields.get('flip_indices'),
            fields.get('category'),
        )
        if 'keypoints' in fields and fields['keypoints'].shape[1] != len(names):
            raise ValueError(
                f'instance {fields.get("id", "")} has {fields["keypoints"].shape[1]} keypoints and '
                f'{len(names)} names ({names[0]!r} ... {names[-1]!r}).'
            )
        return queries
