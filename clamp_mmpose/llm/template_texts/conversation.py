"""Questions and answers about limbs, facing, posture, numbers, activity and relations."""

from typing import List, Tuple

from clamp_mmpose.language.pose_facts.counting import plural
from clamp_mmpose.language.pose_facts.joints import OTHER_SIDE
from clamp_mmpose.language.pose_facts.wording import (
    PHRASES,
    arm_clauses,
    body_clauses,
    capitalized,
    leg_clauses,
    named_clause,
)

from .scene import Scene

Rounds = List[Tuple[str, str]]
SCENE, OPEN, YES, NO = 2, 2, 2, 1  # at most so many rounds of each kind
# what is asked with yes or no: subject, state, words of the question
YES_OR_NO = (
    *(
        (f'{side} arm', state, words)
        for side in OTHER_SIDE
        for state, words in (('raised', 'raised'), ('lowered', 'hanging down'))
    ),
    *((f'{side} elbow', 'bent', 'bent') for side in OTHER_SIDE),
    *((f'{side} knee', 'bent', 'bent') for side in OTHER_SIDE),
    *((f'{side} leg', 'raised', 'raised') for side in OTHER_SIDE),
    *((f'{side} hand', 'above the head', 'above their head') for side in OTHER_SIDE),
    ('arms', 'crossed', 'crossed'),
    ('legs', 'apart', 'apart'),
)


def write_conversation(scene: Scene) -> str:
    """'Question: ...' and 'Answer: ...' in turn."""
    closed = [asked for index in scene.posed for asked in _closed_questions(scene, index)]
    no = [asked for asked in closed if asked[1].startswith('No')]
    rounds = _sampled(scene, _open_questions(scene), OPEN)
    rounds += _sampled(scene, [asked for asked in closed if asked not in no], YES) + _sampled(scene, no, NO)
    rounds += _sampled(scene, _about_scene(scene), SCENE)
    # in a mixed order, so that a model learns to be asked about poses first, too
    rounds = _sampled(scene, rounds, len(rounds))
    return '\n\n'.join(f'Question: {question}\nAnswer: {answer}' for question, answer in rounds)


def _about_scene(scene: Scene) -> Rounds:
    rounds = []
    people, choose = plural(scene.category), scene.choose
    if scene.count:
        rounds.append(
            (choose([f'How many {people} are there in the image?', f'How many {people} can you see?']), scene.count)
        )
    if scene.activity:
        doing = f'What is the {scene.category} doing?' if scene.number == 1 else f'What are the {people} doing?'
        rounds.append((choose([doing, 'Which activity does the image show?']), scene.activity))
    if scene.captions:
        question = choose(['What does the image show?', 'What can be seen in the image?', 'What is happening here?'])
        rounds.append((question, choose(scene.captions)))
    return rounds


def _open_questions(scene: Scene) -> Rounds:
    rounds: Rounds = []
    for index in scene.posed:
        who, facts, choose = scene.names[index], scene.poses[index], scene.choose
        for part, clauses in (
            ('arms', arm_clauses(facts, choose)),
            ('legs', leg_clauses(facts, choose)),
            ('upper body and head', body_clauses(facts, choose)),
        ):
            if clauses:
                question = choose(
                    [f'How does {who} hold their {part}?', f'What can you say about the {part} of {who}?']
                )
                rounds.append((question, _about(who, clauses)))
        for fact in facts:
            if fact.subject == 'person':
                facing = fact.state.startswith('facing')
                question = f'Which way is {who} facing?' if facing else f'What posture is {who} in?'
                rounds.append((question, capitalized(f'{who} is {choose(PHRASES[fact.state])}.')))
    if scene.relations:
        question = f'How are the {plural(scene.category)} placed relative to each other?'
        rounds.append((question, ' '.join(scene.relations)))
    return rounds


def _closed_questions(scene: Scene, index: int) -> Rounds:
    """With yes or no, and which of two."""
    who, verdicts = scene.names[index], scene.verdicts[index]
    rounds = []
    for subject, state, words in YES_OR_NO:
        known = verdicts.get(subject, state)
        if known is not None:
            verb = 'are' if subject in ('arms', 'legs') else 'is'
            start, denial = ('Yes', '') if known else ('No', 'not ')
            question = f'{capitalized(verb)} the {subject} of {who} {words}?'
            rounds.append((question, f'{start}, the {subject} of {who} {verb} {denial}{words}.'))
    for joint, state in (('arm', 'raised'), ('elbow', 'bent'), ('knee', 'bent')):
        sides = {side: verdicts.get(f'{side} {joint}', state) for side in OTHER_SIDE}
        if None not in sides.values() and sides['left'] != sides['right']:
            side = 'left' if sides['left'] else 'right'
            answer = f'The {side} {joint} of {who} is {state}, and their {OTHER_SIDE[side]} {joint} is not.'
            rounds.append((f'Which {joint} of {who} is {state}?', answer))
    return rounds


def _about(who: str, clauses: List[str]) -> str:
    """The clauses as sentences, the first with the name."""
    return ' '.join([named_clause(clauses[0], who), *clauses[1:]])


def _sampled(scene: Scene, rounds: Rounds, most: int) -> Rounds:
    """Some of them, in a mixed order."""
    left, chosen = list(rounds), []
    while left and len(chosen) < most:
        chosen.append(left.pop(scene.choose(range(len(left)))))
    return chosen
