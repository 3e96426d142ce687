"""What somebody in a pose may be doing: indirect descriptions by rules, in the manner of ChatPose's SPG benchmark."""

from typing import List, NamedTuple, Sequence, Set, Tuple

from .fact import Fact
from .joints import OTHER_SIDE


class Activity(NamedTuple):
    """Facts and what they look like.

    Attributes:
        needs: 'subject state' of facts that must all be stated; ``{side}`` is either side, ``{other}`` the other one;
            'a | b' is either of two.
        texts: what follows 'This person is '.
    """

    needs: Tuple[str, ...]
    texts: Tuple[str, ...]


STANDS = 'person standing'
BOTH_UP = ('left arm raised', 'right arm raised')
BOTH_SIDEWAYS = ('left arm stretched sideways', 'right arm stretched sideways')
BOTH_FORWARD = ('left arm stretched forward', 'right arm stretched forward')
ON_HIPS = ('left hand on the hip', 'right hand on the hip')
BOTH_HEAD = ('left hand near the head', 'right hand near the head')
BOTH_BENT_UP = ('left arm held sideways', 'right arm held sideways', 'left hand raised', 'right hand raised')
BOTH_DOWN = ('left arm lowered', 'right arm lowered')
# the more facts an activity needs, the earlier it is told; many poses fit one activity, many activities one pose
ACTIVITIES: Tuple[Activity, ...] = (
    Activity((STANDS, '{side} arm raised', '{other} arm lowered'), (
        'hailing a taxi', 'waving to a friend', 'asking a question in class', 'reaching for a high shelf',
    )),
    Activity((STANDS, *BOTH_UP), (
        'cheering for a goal', 'surrendering to the police', 'riding down a roller coaster', 'reaching for the ceiling',
    )),
    Activity((STANDS, *BOTH_SIDEWAYS), (
        'standing like a scarecrow', 'being measured by a tailor', 'walking along a tightrope', 'playing an airplane',
    )),
    Activity((STANDS, *BOTH_FORWARD), (
        'sleepwalking', 'pushing a heavy cart', 'pretending to be a zombie', 'carrying a tray',
    )),
    Activity((STANDS, '{side} arm stretched forward', '{other} arm lowered'), (
        'pointing at something ahead', 'offering a handshake', 'stopping the traffic', 'pressing a doorbell',
    )),
    Activity((STANDS, '{side} arm stretched sideways', '{other} arm lowered'), (
        'pointing the way to somebody', 'signaling a turn on a bike', 'leaning against a wall with one hand',
    )),
    Activity((STANDS, '{side} arm raised', '{other} arm stretched sideways'), (
        'conducting an orchestra', 'directing the traffic', 'throwing a javelin',
    )),
    Activity((STANDS, '{side} arm raised', '{other} arm stretched forward'), (
        'serving a ball in tennis', 'pulling on a rope', 'drawing a sword',
    )),
    Activity((STANDS, '{side} arm stretched forward', '{other} arm stretched sideways'), (
        'directing cars at a crossing', 'dancing a hip-hop routine',
    )),
    Activity((STANDS, *BOTH_BENT_UP), (
        'being held up by a robber', 'flexing the biceps', 'signaling a goal as a referee',
    )),
    Activity((STANDS, *ON_HIPS), ('posing like a superhero', 'waiting impatiently', 'scolding a child')),
    Activity((STANDS, '{side} hand on the hip', '{other} arm lowered'), ('posing as a model', 'waiting for a bus')),
    Activity((STANDS, *BOTH_HEAD), (
        'holding the ears against noise', 'washing the hair', 'despairing of a lost match',
    )),
    Activity((STANDS, '{side} hand near the head', '{other} arm lowered'), (
        'talking on the phone', 'saluting an officer', 'looking into the distance with a hand over the eyes',
    )),
    Activity((STANDS, 'arms crossed'), (
        'guarding a door', 'waiting with little patience', 'disapproving of something',
    )),
    Activity((STANDS, 'hands together', 'left elbow bent | left elbow at a right angle'), (
        'praying', 'applauding a concert', 'begging for something',
    )),
    Activity((STANDS, 'left hand in front of the chest', 'right hand in front of the chest'), (
        'guarding the face like a boxer', 'holding a mug with both hands', 'counting money',
    )),
    Activity((STANDS, 'left hand behind the back', 'right hand behind the back'), (
        'standing at ease like a soldier', 'strolling through a museum',
    )),
    Activity((STANDS, *BOTH_DOWN), ('waiting in line', 'standing at attention', 'posing for a passport photo')),
    Activity((STANDS, *BOTH_DOWN, 'legs apart'), ('standing at ease', 'waiting for the start of a dance')),
    Activity(('{side} leg in front',), ('walking down the street', 'taking a step')),
    Activity(('{side} leg in front', '{other} arm lowered forward'), (
        'marching in a parade', 'going for a brisk walk',
    )),
    Activity(('person sitting',), (
        'sitting on a chair', 'waiting at the dentist', 'riding on a bus', 'watching a movie',
    )),
    Activity(('person sitting', *BOTH_FORWARD), ('driving a car', 'rowing a boat', 'playing the piano')),
    Activity(('person sitting', '{side} arm raised'), ('raising a hand in class', 'cheering from the stands')),
    Activity(('person sitting', *BOTH_UP), ('riding a roller coaster', 'yawning at the desk')),
    Activity(('person sitting', '{side} hand near the head'), ('thinking at a desk', 'talking on the phone at work')),
    Activity(('person sitting on the floor',), ('having a picnic', 'sitting on the beach', 'playing with a baby')),
    Activity(('person squatting',), ('looking under a bed', 'picking flowers', 'doing squats in a gym')),
    Activity(('person squatting', *BOTH_FORWARD), (
        'doing squats with stretched arms', 'balancing in the chair pose of yoga',
    )),
    Activity(('person squatting', *BOTH_UP), ('lifting a barbell over the head', 'landing after a jump')),
    Activity(('person kneeling',), ('praying in a temple', 'weeding a garden', 'scrubbing the floor')),
    Activity(('person kneeling', *BOTH_UP), ('celebrating a goal on the knees', 'worshiping')),
    Activity(('person kneeling on the {side} knee',), (
        'making a marriage proposal', 'tying a shoe', 'protesting on one knee', 'being knighted',
    )),
    Activity(('person kneeling on the {side} knee', '{side} arm stretched forward | {other} arm stretched forward'), (
        'offering a ring on one knee', 'aiming at a target on one knee',
    )),
    Activity(('person kneeling on the {side} knee', *BOTH_UP), (
        'celebrating a goal on one knee', 'in the crescent lunge of yoga',
    )),
    Activity(('person lunging with the {side} leg',), ('doing a lunge', 'warming up the hips before a run', 'fencing')),
    Activity(('person lunging with the {side} leg', *BOTH_SIDEWAYS), ('holding the warrior II pose of yoga',)),
    Activity(('person lunging with the {side} leg', *BOTH_UP), ('holding the warrior I pose of yoga',)),
    Activity(('person lunging with the {side} leg', '{side} arm stretched forward | {other} arm stretched forward'), (
        'lunging at an opponent in fencing', 'bowling',
    )),
    Activity(('{side} leg raised forward', '{side} knee straight'), (
        'kicking a ball', 'marching like a guard', 'kicking a door open',
    )),
    Activity(('{side} leg raised forward', '{side} knee bent | {side} knee at a right angle'), (
        'climbing a step', 'jogging on the spot', 'kneeing a punching bag',
    )),
    Activity(('{side} leg raised sideways', '{side} knee straight'), ('doing a side kick', 'training side leg lifts')),
    Activity(('{side} leg raised sideways', '{side} knee bent'), ('standing on one leg in the tree pose of yoga',)),
    Activity(('{side} leg raised sideways', '{side} knee bent', *BOTH_UP), (
        'holding the tree pose of yoga with the arms overhead',
    )),
    Activity(('{side} leg raised backward',), ('skating on ice', 'stretching a leg like a ballet dancer')),
    Activity(('{side} leg raised backward', '{side} knee bent | {side} knee at a right angle'), (
        'running', 'stretching the thigh after a run',
    )),
    Activity(('{side} leg raised backward', *BOTH_SIDEWAYS), ('dancing an arabesque', 'flying like an airplane')),
    Activity(('trunk leaning forward', STANDS), ('looking over a fence', 'bowing politely', 'skiing downhill')),
    Activity(('trunk leaning backward',), ('dancing limbo', 'leaning back to look at the sky')),
    Activity(('trunk leaning to the {side}', STANDS), ('doing side bends', 'looking around a corner')),
    Activity(('trunk leaning to the {side}', '{other} arm raised'), (
        'doing a side bend with an arm overhead', 'holding the triangle pose of yoga',
    )),
    Activity(('trunk turned {side}', STANDS), ('turning to somebody behind', 'swinging a golf club')),
    Activity(('trunk bent over',), ('picking something up from the floor', 'looking for a lost coin')),
    Activity(('trunk bent over', 'left hand near the foot', 'right hand near the foot'), (
        'touching the toes', 'tying both shoes', 'in the standing forward bend of yoga',
    )),
    Activity(('person on all fours',), ('crawling like a baby', 'in the cat-cow pose of yoga', 'playing a horse')),
    Activity(('person in a plank',), ('doing push-ups', 'holding a plank')),
    Activity(('person lying face up',), ('sleeping on the back', 'sunbathing', 'in the corpse pose of yoga')),
    Activity(('person lying face down',), ('sleeping on the stomach', 'getting a back massage')),
    Activity(('person lying on the {side} side',), ('sleeping on one side', 'watching television on a sofa')),
    Activity(('person upside down',), ('doing a handstand', 'hanging upside down')),
    Activity(('person upside down', *BOTH_UP), ('standing on the hands',)),
)  # fmt: skip


def activities(facts: Sequence[Fact]) -> List[str]:
    """What somebody with these facts may be doing, 'hailing a taxi'; those that need the most facts come first."""
    stated = {f'{fact.subject} {fact.state}' for fact in facts}
    fits = [activity for activity in ACTIVITIES if _fits(activity, stated)]
    return [text for activity in sorted(fits, key=lambda one: -len(one.needs)) for text in activity.texts]


def activity_sentences(facts: Sequence[Fact]) -> List[str]:
    """'This person is hailing a taxi.' for each activity of ``ACTIVITIES`` that the facts fit; none if none does.

    A guess in both directions: a pose fits many activities, and an activity many poses. The table has everyday actions,
    sports and yoga by arms, legs and trunk; it knows no objects, faces or movements.

    Args:
        facts: of :func:`body_facts`.
    """
    return [f'This person is {text}.' for text in activities(facts)]


def _fits(activity: Activity, stated: Set[str]) -> bool:
    return any(
        all(
            any(option.format(side=side, other=other) in stated for option in need.split(' | '))
            for need in activity.needs
        )
        for side, other in OTHER_SIDE.items()
    )
