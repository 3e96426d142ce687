"""English phrases for states of the parts of a body, as patterns."""

import re
from typing import Dict, List, Tuple

WHOSE = r'(?:the|his|her|their|its|your)'
OF_IMAGE = r'(?: (?:of|in) the (?:image|picture|photo|photograph|frame|scene))'
CLAUSE_END = r'(?=$|[.,;:)!]| and\b| or\b| but\b| while\b| with\b| in\b)'

# between a part and its state
FILLER = re.compile(
    r'(?:is|are|was|were|be|being|been|has|have|also|both|all|each|still|now|currently|clearly|visibly|appears?|seems?|'
    r'remains?|appearing|seeming|remaining|to be|held|kept|positioned|placed|that|which|who|almost|nearly|mostly|quite|'
    r'rather|relatively|generally|naturally|firmly|comfortably|calmly|a|an|in|position|pose|posture|stance|well|simply|'
    r'just|then|more|turned|again|holds?|keeps?|maintains?|adopts?|while|and|or|but|nor)\b ?|[,(] ?'
)
NEGATION = re.compile(r'(?:not(?! (?:only|just|quite|necessarily|always|exactly))|never|no longer|neither)\b ?')
SLIGHTLY = re.compile(r'(?:slightly|a little|a bit|somewhat|gently|mildly|partially|partly|softly)\b ?')
VERY = re.compile(
    r'(?:fully|completely|entirely|perfectly|totally|very|sharply|deeply|strongly|tightly|significantly|heavily|'
    r'markedly)\b ?'
)
ATTRIBUTES = (
    r'(?:(?:slightly|sharply|fully|gently) )?'
    r'(?:bent|flexed|raised|lifted|lowered|straight|straightened|crossed|folded|upright|erect)'
)

BENT = (
    rf'(?:bent|flexed|bending)(?! (?:over|forwards?|backwards?|at (?:{WHOSE} )?(?:waist|hips?)))'
    rf'(?: sharply| slightly)?(?: at (?:{WHOSE} )?(?:elbow|knee)s?)?'
)
STRAIGHT = (
    rf'straight(?:ened)?(?: at (?:{WHOSE} )?(?:elbow|knee)s?)?'
    r'(?! (?:up|down|ahead|forward|out|line|in front|with an?(?: slight)? bend))|'
    r'fully (?:extended|stretched|straightened)(?! (?:up|down|to|out|forward))'
)
ABOVE_HEAD = (
    r'(?:(?:raised|lifted|upraised|held|stretched|extended|reaching|pointing|up|high|straight|out) )*'
    rf'(?:(?:above|over) {WHOSE} heads?|overhead)'
)
RAISED = (
    r'held high|up in the air|in the air|up high|straight up(?:wards?)?|'
    r'(?:held|pointing|stretched|extended|reaching)(?: straight| high)? up(?:wards?)?|'
    r'(?:raised|lifted|upraised)(?! (?:slightly|to|in front|halfway|towards?)\b)'
    r'(?: straight)?(?: up(?:wards?)?| high)*(?: in(?:to)? the air)?|'
    rf'up{CLAUSE_END}'
)
LOWERED = (
    r'(?:lowered|(?:hanging|hangs?)(?: straight| loosely| freely| relaxed)*(?: down(?:wards?)?)?|straight down|'
    rf'(?:pointing|stretched|extended)(?: straight)? down(?:wards?)?|down{CLAUSE_END}|down(?= (?:at|by|along)))'
    rf'(?: (?:at|by|along|beside) {WHOSE}(?: left| right| own)? (?:sides?|bod(?:y|ies)))?|'
    rf'(?:resting |relaxed |straight )?(?:at|by|along|beside) {WHOSE} sides?'
)
SIDEWAYS = (
    r'(?:stretched|extended|spread|held|reaching|outstretched)(?: straight| fully)?(?: out)? '
    rf'(?:sideways|to (?:{WHOSE}|either|both)(?: left| right| own)? sides?)'
)
FORWARD = r'(?:stretched|extended|reaching|held|outstretched)(?: straight| out)* (?:forwards?|ahead)'
NEAR_HEAD = (
    r'(?:(?:raised|lifted|held|resting|placed|up) )*(?:near|close to|next to|beside|touching|against|up to) '
    rf'{WHOSE} (?:head|face|ear|chin|mouth|forehead|cheek)s?'
)
ON_HIP = rf'(?:(?:resting|placed|held) )*on (?:{WHOSE} )?(?:left |right |own )?hips?'
TOGETHER = r'(?:(?:clasped|pressed|brought|close) )*together|clasped'
APART = r'(?:(?:spread|set|placed|wide) )*apart|spread(?: wide)?'

LEFT, RIGHT = (
    rf'(?:to(?:wards?)? )?(?:the )?{side}(?:-hand)?(?: side| edge|wards?)?{OF_IMAGE}?(?! of\b|[ -]hand|\w)'
    for side in ('left', 'right')
)
LEFT_OF_IMAGE, RIGHT_OF_IMAGE = (
    rf'(?:to(?:wards?)? )?(?:the )?{side}(?:-hand)?(?: side| edge)?{OF_IMAGE}' for side in ('left', 'right')
)
CAMERA = r'(?:to(?:wards?)? |at |into )?the (?:camera|viewer)'
LEANING = r'(?:leaning|leans?|tilted|tilting|tilts?|inclined)(?: slightly| gently| a bit| somewhat)*'
FACING = r'(?:facing|faces?|oriented)(?: directly| straight)*'
HEAD_TURNED = r'(?:facing|faces?|looking|looks?|turned|turns|oriented|directed)(?: directly| straight)*'

# of each part: the part that the state belongs to, the state, the pattern; the first that matches counts
_ABOUT_HAND = [('hand', 'above the head', ABOVE_HEAD), ('hand', 'near the head', NEAR_HEAD)]
_ABOUT_KNEE = [('knee', 'bent', BENT), ('knee', 'straight', STRAIGHT)]
_ABOUT_FEET = [('legs', 'apart', APART), ('legs', 'together', r'(?:close )?together')]
_ABOUT_LEAN = [
    ('trunk', 'leaning left', rf'{LEANING} {LEFT_OF_IMAGE}'),
    ('trunk', 'leaning right', rf'{LEANING} {RIGHT_OF_IMAGE}'),
    ('trunk', 'leaning', rf'{LEANING} (?:to(?:wards?)? )?(?:{WHOSE} )?(?:left|right)'),  # theirs or that of the image?
    ('trunk', 'leaning forward', rf'{LEANING} forwards?'),
    ('trunk', 'leaning backward', rf'{LEANING} (?:backwards?|back)'),
    ('trunk', 'bent over', r'(?:bent|bends?|bending) over'),
    ('trunk', 'upright', r'upright|vertical|erect'),
]
PHRASES: Dict[str, List[Tuple[str, str, str]]] = dict(
    arm=[
        *_ABOUT_HAND,
        ('arm', 'stretched sideways', SIDEWAYS),
        ('arm', 'stretched forward', FORWARD),
        ('arm', 'raised', RAISED),
        ('arm', 'lowered', LOWERED),
        ('arms', 'crossed', r'crossed|folded'),
        ('elbow', 'bent', BENT),
        ('elbow', 'straight', STRAIGHT),
    ],
    elbow=[('elbow', 'bent', BENT), ('elbow', 'straight', STRAIGHT)],
    hand=[
        *_ABOUT_HAND,
        ('hand', 'on the hip', ON_HIP),
        ('hands', 'together', TOGETHER),
        ('hand', 'raised', RAISED),
        ('hand', 'lowered', LOWERED),
    ],
    leg=[
        ('leg', 'raised', r'(?:raised|lifted)(?: up(?:wards?)?)?(?! onto| on)'),
        *_ABOUT_KNEE,
        ('legs', 'crossed', r'crossed'),
        *_ABOUT_FEET,
    ],
    knee=_ABOUT_KNEE,
    foot=_ABOUT_FEET,
    trunk=_ABOUT_LEAN,
    head=[
        ('head', 'facing the camera', rf'{HEAD_TURNED} {CAMERA}'),
        ('head', 'facing left', rf'{HEAD_TURNED} {LEFT}'),
        ('head', 'facing right', rf'{HEAD_TURNED} {RIGHT}'),
        ('head', 'tilted left', rf'{LEANING} {LEFT_OF_IMAGE}'),
        ('head', 'tilted right', rf'{LEANING} {RIGHT_OF_IMAGE}'),
        ('head', 'raised', r'raised|held high'),
        ('head', 'lowered', r'lowered'),
    ],
    person=[
        ('person', 'facing the camera', rf'{FACING} {CAMERA}'),
        ('person', 'facing away', rf'{FACING} away(?: from the (?:camera|viewer))?(?! from)'),
        ('person', 'facing left', rf'{FACING} {LEFT}'),
        ('person', 'facing right', rf'{FACING} {RIGHT}'),
        ('head', 'facing the camera', rf'(?:looking|looks?) {CAMERA}'),
        ('head', 'facing left', rf'(?:looking|looks?) {LEFT}'),
        ('head', 'facing right', rf'(?:looking|looks?) {RIGHT}'),
        (
            'person',
            'standing',
            r'(?:standing|stands?|stood)(?! up\b(?! straight)|(?: out)\b| on (?:his|her|their) (?:hands|head))',
        ),
        ('person', 'sitting', r'sitting|sits?|seated|sat'),
        ('person', 'kneeling', r'kneeling|kneels?'),
        ('person', 'squatting', r'squatting|squats?|crouching|crouch(?:es|ed)?'),
        ('person', 'lying', r'(?:lying|lies)(?: down)?'),
        ('person', 'upside down', r'upside down'),
        *_ABOUT_LEAN,
    ],
)
STATES: Dict[str, List[Tuple[str, str, 're.Pattern[str]']]] = {
    noun: [(part, state, re.compile(rf'(?:{pattern})(?![\w-])')) for part, state, pattern in phrases]
    for noun, phrases in PHRASES.items()
}
