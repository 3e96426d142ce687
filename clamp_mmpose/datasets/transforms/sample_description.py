import re
from typing import List

import numpy as np
from mmcv.transforms import BaseTransform
from mmpose.registry import TRANSFORMS


@TRANSFORMS.register_module()
class SampleDescription(BaseTransform):
    """Chooses one of an image's ``descriptions`` as its ``text``.

    Args:
        sentences: one sentence of it instead of the whole, for text towers that read little (CLIP's 77 tokens).
    """

    def __init__(self, sentences: bool = False):
        self.sentences = sentences

    def choices(self, descriptions: List[str]) -> List[str]:
        """All texts that may be chosen."""
        if not self.sentences:
            return list(descriptions)
        return [sentence for description in descriptions for sentence in split_sentences(description)]

    def transform(self, results: dict) -> dict:
        """Choose the text of one sample, at random."""
        text = _any_of(results['descriptions'])
        results['text'] = _any_of(split_sentences(text)) if self.sentences else text
        return results


def split_sentences(text: str) -> List[str]:
    """Sentences of a description: after '.', '!' or '?', where white space and no small letter follows."""
    return re.split(r'(?<=[.!?])\s+(?![a-z])', text.strip())


def _any_of(texts: List[str]) -> str:
    return texts[np.random.randint(len(texts))]
