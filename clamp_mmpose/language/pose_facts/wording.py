"""Plain sentences for facts."""

from typing import Any, Callable, Dict, List, Optional, Sequence

from .fact import Fact
from .joints import OTHER_SIDE
from .limbs import SHARPLY_BENT

Choose = Callable[[Sequence[Any]], Any]
PHRASES: Dict[str, Sequence[str]] = {
    'standing': ('standing',),
    'sitting': ('sitting', 'seated'),
    'kneeling': ('kneeling',),
    'squatting': ('squatting', 'crouching'),
    'lying': ('lying down',),
    'upside down': ('upside down',),
    'facing the camera': ('facing the camera',),
    'facing away': ('facing away from the camera', 'facing away'),
    'facing left': ('facing the left of the image', 'facing left'),
    'facing right': ('facing the right of the image', 'facing right'),
    'upright': ('upright',),
    'leaning left': ('leaning to the left of the image', 'tilted to the left of the image'),
    'leaning right': ('leaning to the right of the image', 'tilted to the right of the image'),
    'leaning forward': ('leaning forward',),
    'leaning backward': ('leaning backward',),
    'bent over': ('bent over',),
    'raised': ('raised', 'lifted'),
    'lowered': ('lowered', 'hanging down'),
    'stretched sideways': ('stretched out to the side', 'extended to the side'),
    'stretched forward': ('stretched forward',),
    'straight': ('straight',),
    'above the head': ('above their head',),
    'near the head': ('near their head', 'close to their head'),
    'on the hip': ('on their hip',),
    'crossed': ('crossed',),
    'together': ('together', 'close together'),
    'apart': ('apart', 'spread apart'),
    # of joints in 3D; left and right are the person's own
    'kneeling on the left knee': ('kneeling on the left knee', 'down on the left knee'),
    'kneeling on the right knee': ('kneeling on the right knee', 'down on the right knee'),
    'lunging with the left leg': ('in a lunge with the left leg in front', 'lunging forward with the left leg'),
    'lunging with the right leg': ('in a lunge with the right leg in front', 'lunging forward with the right leg'),
    'sitting on the floor': ('sitting on the floor', 'sitting on the ground'),
    'on all fours': ('on all fours', 'on hands and knees'),
    'lying face up': ('lying on the back', 'lying face up'),
    'lying face down': ('lying on the stomach', 'lying face down'),
    'lying on the left side': ('lying on the left side',),
    'lying on the right side': ('lying on the right side',),
    'in a plank': ('in a plank, on hands and feet', 'on hands and toes like a plank'),
    'leaning to the left': ('leaning to their left', 'tilted to their left side'),
    'leaning to the right': ('leaning to their right', 'tilted to their right side'),
    'turned left': ('turned to their left', 'twisted to their left'),
    'turned right': ('turned to their right', 'twisted to their right'),
    'stretched backward': ('stretched backward', 'reaching back'),
    'stretched diagonally forward': ('stretched diagonally forward', 'stretched out between front and side'),
    'stretched across the body': ('stretched across the body',),
    'held forward': ('held forward with the upper arm level', 'held in front at the height of the shoulder'),
    'held sideways': ('held out to the side with the upper arm level', 'out to the side at the height of the shoulder'),
    'held backward': ('drawn back with the upper arm level', 'pulled back'),
    'held diagonally forward': ('held diagonally forward with the upper arm level',),
    'held across the body': ('held across the body',),
    'lowered forward': ('lowered in front of the body', 'pointing down and forward'),
    'lowered sideways': ('lowered away from the side', 'pointing down and out to the side'),
    'lowered backward': ('lowered behind the body', 'pointing down and back'),
    'lowered diagonally forward': ('pointing down, between front and side',),
    'lowered across the body': ('lowered across the body',),
    'on the knee': ('on their knee', 'resting on their knee'),
    'near the foot': ('near their foot', 'reaching for their foot'),
    'near the other shoulder': ('near the opposite shoulder',),
    'behind the back': ('behind their back',),
    'in front of the chest': ('in front of their chest', 'close to their chest'),
    'raised forward': ('raised forward', 'lifted in front', 'lifted to the front'),
    'raised sideways': ('raised to the side', 'lifted out to the side'),
    'raised backward': ('raised backward', 'lifted behind the body'),
    'in front': ('in front of the other', 'ahead of the other'),
}
HEAD = {
    'facing the camera': 'turned toward the camera',
    'facing left': 'turned to the left of the image',
    'facing right': 'turned to the right of the image',
    'tilted left': 'tilted to the left of the image',
    'tilted right': 'tilted to the right of the image',
    'raised': 'raised',
    'lowered': 'lowered',
    'tilted to the left': 'tilted to their left',
    'tilted to the right': 'tilted to their right',
}


def first_choice(options: Sequence[Any]) -> Any:
    return options[0]


def pose_sentences(
    facts: Sequence[Fact], who: str, choose: Choose = first_choice, order: Sequence[str] = ('body', 'arms', 'legs')
) -> List[str]:
    """Sentences about one person or animal; the first one names it, the others say 'their'.

    Args:
        facts: of :func:`instance_facts`.
        who: 'the person on the left'.
        choose: picks one of several wordings.
        order: of the parts of the body.
    """
    sentences = []
    states = [choose(PHRASES[fact.state]) for fact in facts if fact.subject == 'person']
    if states:
        sentences.append(capitalized(f'{who} is {" and ".join(states)}.'))
    for part in order:
        for clause in CLAUSES[part](facts, choose):
            sentences.append(clause if sentences else named_clause(clause, who))
    return sentences


def body_clauses(facts: Sequence[Fact], choose: Choose = first_choice) -> List[str]:
    """Upper body and head."""
    states = {
        subject: [fact.state for fact in facts if fact.subject == subject] for subject in ('person', 'trunk', 'head')
    }
    ahead = [state for state in states['trunk'] if state in ('leaning forward', 'leaning backward')]
    trunk = [state for state in states['trunk'] if not (ahead and state in ('leaning left', 'leaning right'))]
    found = [_their('upper body', [choose(PHRASES[state]) for state in trunk])] if trunk else []
    head = [HEAD[state] for state in states['head'] if state not in states['person']]
    return [*found, *([_their('head', head)] if head else [])]


def arm_clauses(facts: Sequence[Fact], choose: Choose = first_choice) -> List[str]:
    """Arms, elbows and hands."""
    arms, hands = {}, {}
    for side in OTHER_SIDE:
        arm = _states(facts, f'{side} arm')
        bend = _bend(facts, f'{side} elbow', 'at the elbow')
        level = [state for state in arm if state.startswith('stretched')]
        arms[side] = [choose(PHRASES[state]) for state in arm] + ([] if level and bend == 'straight' else [bend])
        arms[side] = [state for state in arms[side] if state]
        hand = _states(facts, f'{side} hand')
        if 'raised' in hand and ('raised' in arm or len(hand) > 1):
            hand.remove('raised')
        hands[side] = [choose(PHRASES[state]) for state in hand]
    both = [_their('arms', [choose(PHRASES[state])]) for state in _states(facts, 'arms')]
    both += [_their('hands', [choose(PHRASES[state])]) for state in _states(facts, 'hands')]
    return [*_sides(arms, 'arm', 'arms'), *_sides(hands, 'hand', 'hands'), *both]


def leg_clauses(facts: Sequence[Fact], choose: Choose = first_choice) -> List[str]:
    """Legs and knees; the four legs of an animal."""
    legs = {}
    for side in OTHER_SIDE:
        legs[side] = [choose(PHRASES[state]) for state in _states(facts, f'{side} leg')]
        bend = _bend(facts, f'{side} knee', 'at the knee')
        legs[side] += [bend] if bend else []
    found = _sides(legs, 'leg', 'legs')
    found += [_their('legs', [choose(PHRASES[state])]) for state in _states(facts, 'legs')]
    for end in ('front', 'back'):
        pairs = {}
        for side in OTHER_SIDE:
            states = _states(facts, f'{side} {end} leg')
            pairs[side] = ['bent' if state == 'bent' else choose(PHRASES[state]) for state in states]
        found += _sides(pairs, f'{end} leg', f'{end} legs')
    return found


def _states(facts: Sequence[Fact], subject: str) -> List[str]:
    return [fact.state for fact in facts if fact.subject == subject]


def _bend(facts: Sequence[Fact], joint: str, where: str) -> Optional[str]:
    for fact in facts:
        if fact.subject == joint:
            if fact.state == 'straight':
                return 'straight'
            if fact.state == 'at a right angle':
                return 'bent at a right angle'
            sharply = fact.degrees is not None and fact.degrees <= SHARPLY_BENT
            return f'{"sharply " if sharply else ""}bent {where}'
    return None


def _sides(states: Dict[str, List[str]], one: str, both: str) -> List[str]:
    """'Both of their arms are raised.', or one clause for each side."""
    if states['left'] and states['left'] == states['right']:
        shared = [
            state.replace('at the elbow', 'at the elbows').replace('at the knee', 'at the knees')
            for state in states['left']
        ]
        return [f'Both of their {both} are {_listed(shared)}.']
    return [_their(f'{side} {one}', states[side]) for side in OTHER_SIDE if states[side]]


def _their(part: str, states: Sequence[str]) -> str:
    verb = 'are' if part.endswith('s') else 'is'
    return f'Their {part} {verb} {_listed(states)}.'


def _listed(words: Sequence[str]) -> str:
    return ' and '.join(words) if len(words) < 3 else f'{", ".join(words[:-1])} and {words[-1]}'


def named_clause(clause: str, who: str) -> str:
    """'Their left arm is raised.' -> 'The person on the left has their left arm raised.'"""
    part, _, state = clause.partition(' are ') if ' are ' in clause else clause.partition(' is ')
    return f'{capitalized(who)} has {part[0].lower()}{part[1:]} {state}'


CLAUSES = dict(body=body_clauses, arms=arm_clauses, legs=leg_clauses)


def capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]
