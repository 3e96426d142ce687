import re
from typing import List

import numpy as np
from mmcv.transforms import BaseTransform
from mmpose.registry import TRANSFORMS


@TRANSFORMS.register_module()
class SampleDescription(BaseTransform):
    """Choose one of an image's ``descriptions`` at random as its ``text``.

    Args:
        sentences: choose one sentence of it, for text towers with a short context (77 tokens in CLIP).
    """

    def __init__(self, sentences: bool = False):
        self.sentences = sentences

    def choices(self, descriptions: List[str]) -> List[str]:
        """All texts that can be chosen."""
        if not self.sentences:
            return list(descriptions)
        return [sentence for description in descriptions for sentence in split_sentences(description)]

    def transform(self, results: dict) -> dict:
        """Choose the text of one sample."""
        text = _any_of(results['descriptions'])
        results['text'] = _any_of(split_sentences(text)) if self.sentences else text
        return results


def split_sentences(text: str) -> List[str]:
    """Split a description after '.', '!' or '?' if white space and then no lower-case letter follows."""
    return re.split(r'(?<=[.!?])\s+(?![a-z])', text.strip())


def _any_of(texts: List[str]) -> str:
    return texts[np.random.randint(len(texts))]
