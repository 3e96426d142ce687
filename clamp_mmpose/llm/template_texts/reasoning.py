"""A question, and an answer that concludes from a pose to balance, purpose and what may come next."""

import re
from typing import Dict, List, Tuple

from clamp_mmpose.language.pose_facts.wording import pose_sentences

from .scene import Scene

# what follows from a subject and a state; a side stands for both
CONCLUSIONS: Dict[Tuple[str, str], str] = {
    ('person', 'sitting'): 'As the seat carries most of the weight, this pose takes little effort and is easy to keep.',
    (
        'person',
        'squatting',
    ): 'Squatting keeps the center of gravity low, which makes it possible to react or to rise quickly.',
    ('person', 'kneeling'): 'Kneeling brings the hands close to the ground and gives a steady base.',
    ('person', 'lying'): 'Lying down needs no balance at all, so this may be rest, or a fall.',
    ('person', 'upside down'): 'Being upside down takes strength and training, and can be held for a short time only.',
    ('trunk', 'leaning left'): 'The lean moves the weight to the left of the image, so a step to that side may follow.',
    (
        'trunk',
        'leaning right',
    ): 'The lean moves the weight to the right of the image, so a step to that side may follow.',
    ('trunk', 'bent over'): 'Bending over brings the hands near the ground, as if to pick up or to reach something.',
    ('legs', 'apart'): 'With so wide a base it is hard to lose balance, which suits quick or forceful movements.',
    ('leg', 'raised'): 'While one foot is up, the other leg carries the whole weight, so balance matters here.',
    (
        'arm',
        'raised',
    ): 'Such an arm can wave, reach, throw or catch, so attention is probably on something above or ahead.',
    ('arm', 'stretched sideways'): 'Held this far out, an arm helps to keep balance.',
    ('arm', 'stretched forward'): 'An arm held like this can point, grip or push something ahead.',
    ('arms', 'crossed'): 'This is a typical way to wait or to watch.',
    ('hands', 'together'): 'The hands may hold the same object or rest against each other.',
    ('hand', 'near the head'): 'A hand up there may hold a phone, shade the eyes or adjust something.',
    ('hand', 'on the hip'): 'This looks like a pause or a confident wait.',
    ('knee', 'bent'): 'Flexed joints can absorb a shock, or push the body off in the next moment.',
    ('person', 'standing'): 'The weight rests on the feet, so moving on in any direction is easy.',
    ('trunk', 'upright'): 'Holding the trunk like this keeps the weight over the base and points to control.',
    ('arm', 'lowered'): 'A limb that hangs like this is at rest.',
}
AT_REST = {('person', 'sitting'), ('person', 'lying')}
MOST = 3
QUESTIONS = (
    'What does the pose of {who} tell about balance and intention?',
    'How stable is the pose of {who}, and what may they do next?',
    'What can be concluded about {who} from the way they hold their body?',
)


def write_reasoning(scene: Scene) -> str:
    """One 'Question: ...' and one 'Answer: ...'."""
    if not scene.posed:
        return _without_pose(scene)
    index = scene.choose(scene.posed)
    who, facts = scene.names[index], scene.poses[index]
    sentences = pose_sentences(facts, who, scene.choose) + _conclusions(scene, index)
    if scene.doing:
        sentences.append(f'All of this has to be seen together with what is going on: {scene.activity}')
    return f'Question: {scene.choose(QUESTIONS).format(who=who)}\nAnswer: {" ".join(sentences)}'


def _conclusions(scene: Scene, index: int) -> List[str]:
    """The most telling first."""
    found = {(re.sub('^(left|right) ', '', fact.subject), fact.state) for fact in scene.poses[index]}
    if found & AT_REST:
        found -= {('knee', 'bent')}
    return [text for pair, text in CONCLUSIONS.items() if pair in found][:MOST]


def _without_pose(scene: Scene) -> str:
    seen = [scene.count, scene.activity, *scene.captions[:2]]
    question = scene.choose(
        ['What is probably going on here?', 'What may have led to this scene, and what may follow?']
    )
    answer = ' '.join(sentence for sentence in seen if sentence) or 'There is too little to see for an answer.'
    return f'Question: {question}\nAnswer: {answer} The scene will probably go on in the same way for a while.'
