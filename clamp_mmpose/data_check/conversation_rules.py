"""Rules of instruction data."""

from .rule import Rule

CONVERSATION_RULES = (
    Rule(
        'CV001',
        'error',
        'record is not complete',
        'a record is {"id", "image", "conversations": [{"from", "value"}, ...]}; the image may be left out',
    ),
    Rule('CV002', 'error', 'speaker is unknown', 'a turn is from human or gpt; the first one may be from system'),
    Rule('CV003', 'error', 'human and gpt do not take turns', 'start with a question and end with an answer'),
    Rule('CV004', 'error', 'turn has no text', 'write it, or remove the record'),
    Rule(
        'CV005',
        'error',
        'image tags are not as many as images',
        'write one image tag for each image of the record, in the questions',
    ),
    Rule(
        'CV006',
        'warning',
        'image has no tag',
        "nothing: it is put in front of the first question; LLaVA's own code does not read it",
    ),
    Rule('CV007', 'warning', 'conversation begins with an answer', 'add its question: the answer is left out'),
    Rule(
        'CV008',
        'error',
        'nothing can be learned from a record',
        'correct what the message names; training stops at this record',
    ),
    Rule(
        'CV009',
        'error',
        'conversation is longer than max_length or the context of the language model',
        "shorten it, or set max_length and too_long='skip' or 'drop_rounds' of TokenizeConversation",
    ),
    Rule(
        'CV010',
        'info',
        'conversation is longer than max_length',
        'nothing: too_long of TokenizeConversation says that it is left out, or its last rounds',
    ),
    Rule(
        'CV011',
        'info',
        'records without their image are left out',
        "restore the images, or nothing: missing_images='skip' leaves their records out",
    ),
    Rule(
        'CV012',
        'error',
        'poses are not as many as pose tokens',
        'give the record one pose for each pose token of its answers',
    ),
    Rule(
        'CV013',
        'error',
        'pose is not 24 rotations of SMPL',
        'a pose is {"axis_angle": [24 x [x, y, z]], "joints": [names of those that are labeled]}, finite, in radians',
    ),
    Rule('CV014', 'warning', 'rotation is larger than two full turns', 'give radians, not degrees'),
)
