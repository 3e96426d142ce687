"""Paragraphs about an image: LLaVA-Pose's detailed description, and FocusCLIP's by its template."""

from clamp_mmpose.language.attribute_sentence import attribute_sentence
from clamp_mmpose.language.pose_facts.counting import plural
from clamp_mmpose.language.pose_facts.wording import pose_sentences

from .scene import Scene

FOCUS_ORDER = ('legs', 'arms', 'body')  # left and right leg, left and right arm, torso, head


def write_detail(scene: Scene) -> str:
    """How many, what they do, each one's pose, how they stand to each other."""
    sentences = [scene.count, scene.activity]
    if scene.captions:
        sentences.append(scene.choose(scene.captions))
    for index in scene.posed:
        sentences += pose_sentences(scene.poses[index], scene.names[index], scene.choose)
    if scene.posed and scene.number > len(scene.people):
        sentences.append(f'The other {plural(scene.category)} appear smaller.')
    return ' '.join(sentence for sentence in [*sentences, *scene.relations] if sentence)


def write_description(scene: Scene) -> str:
    """'There are two people in the image who are ...', then each person and each limb (FocusCLIP, section 3.4)."""
    start = scene.count.rstrip('.')
    if start and scene.doing:
        start += f' who {"is" if scene.number == 1 else "are"} {scene.doing}'
    sentences = [f'{start}.' if start else scene.activity or scene.choose(scene.captions or [''])]
    for index in scene.posed:
        sentences += pose_sentences(scene.poses[index], scene.names[index], scene.choose, FOCUS_ORDER)
    return ' '.join(sentence for sentence in sentences if sentence)


def write_attributes(scene: Scene) -> str:
    """'a photo of a small brown bird with ...' (FocusCLIP, appendix D)."""
    return attribute_sentence(scene.attributes)
