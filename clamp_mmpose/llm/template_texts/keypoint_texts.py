import json

from clamp_mmpose.language.image_facts import ImageFacts
from clamp_mmpose.language.keypoint_layout import keypoint_layout
from clamp_mmpose.language.keypoint_sentences import keypoint_sentences, plain_names


def write_keypoint_texts(facts: ImageFacts) -> str:
    """The given names, and sentences from the layout of all instances in ``facts``, as JSON."""
    names = plain_names(facts.keypoint_names, facts.flip_indices)
    layout = keypoint_layout(facts.instances)
    sentences = keypoint_sentences(names, layout, facts.skeleton_links, facts.flip_indices, facts.image)
    texts = [dict(index=i, name=name, description=text) for i, (name, text) in enumerate(zip(names, sentences))]
    return json.dumps(texts, ensure_ascii=False, allow_nan=False)
