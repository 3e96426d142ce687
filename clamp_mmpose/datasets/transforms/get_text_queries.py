from typing import List, Optional, Sequence, Union

from mmcv.transforms import BaseTransform
from mmpose.registry import TRANSFORMS

from clamp_mmpose.language.keypoint_names import keypoint_names, mirrored_indices, skeleton_links

TEXTS = ('names', 'descriptions')


@TRANSFORMS.register_module()
class GetTextQueries(BaseTransform):
    """Gives each instance the texts of its keypoints, for :class:`TextQueryHead`.

    Adds ``texts``, ``text_links`` (the skeleton) and ``text_partners`` (whom each keypoint swaps with in a mirror).
    Names come from the instance (``keypoint_names``, as :class:`MP100Dataset` gives them), or else from here.

    Args:
        text: ``'names'``, or ``'descriptions'``: 'name: description' where the data set has descriptions (CapeLLM,
            section 3.2).
        names: for data sets whose instances bring none, as for :func:`keypoint_names`.

    Raises:
        ValueError: no, repeated or empty names, another number than keypoints, a skeleton beyond them.
    """

    def __init__(self, text: str = 'names', names: Union[str, dict, Sequence[str], None] = None):
        if text not in TEXTS:
            raise ValueError(f'text must be one of {TEXTS}, got {text!r}.')
        self.text = text
        self.names = None if names is None else keypoint_names(names)

    def texts(self, names: Sequence[str], descriptions: Optional[Sequence[str]] = None) -> List[str]:
        """What is asked for keypoints of these names."""
        if self.text == 'names' or not descriptions:
            return list(names)
        return [f'{name}: {description}' for name, description in zip(names, descriptions)]

    def transform(self, results: dict) -> dict:
        """Add the texts of one instance."""
        names = results.get('keypoint_names', self.names)
        if names is None:
            raise ValueError(
                f'instance {results.get("id", "")} has no keypoint_names: give GetTextQueries names=, a '
                'data set type or a list.'
            )
        names = keypoint_names(list(names))
        if 'keypoints' in results and results['keypoints'].shape[1] != len(names):
            raise ValueError(
                f'instance {results.get("id", "")} has {results["keypoints"].shape[1]} keypoints and '
                f'{len(names)} names ({names[0]!r} ... {names[-1]!r}).'
            )
        results['texts'] = self.texts(names, results.get('keypoint_descriptions'))
        results['text_links'] = skeleton_links(results.get('skeleton_links') or (), len(names))
        partners = results.get('flip_indices')
        results['text_partners'] = mirrored_indices(names) if partners is None else list(partners)
        return results
