"""The texts of CapeLLM's conversations, for each of its switches."""

import pytest

from clamp_mmpose.language.cape_instruction import CapeInstruction, Turn
from clamp_mmpose.language.text_queries import TextQueries

QUESTION = 'Where is the {} of this object in this image? Please provide its coordinates.'
HORSE = TextQueries.create(['nose', 'left eye'], ['The tip’s end.', ''], category='horse_body')


def test_base_is_the_published_wording():
    first, second = (CapeInstruction().turns(HORSE, k) for k in range(2))
    assert first == [Turn(QUESTION.format('nose'), 'The tip’s end.')]
    assert first[0].prompt == f'User: {QUESTION.format("nose")}\nReference: The tip’s end.\nAssistant:'
    assert second[0].prompt == f'User: {QUESTION.format("left eye")}\nAssistant:'  # no empty reference
    assert CapeInstruction(description=False).turns(HORSE, 0) == [Turn(QUESTION.format('nose'))]
    assert CapeInstruction().turns(TextQueries.create(['nose']), 0) == [Turn(QUESTION.format('nose'))]
    assert CapeInstruction().opening(HORSE) == ''


def test_opening():
    names = 'The keypoints of this object are: nose, left eye.'
    assert CapeInstruction(keypoint_list=True).opening(HORSE) == names
    outline = CapeInstruction(outline=True).opening(HORSE)
    assert outline.startswith('This is a conversation about the keypoints of one object in the image. The user names')
    assert outline.endswith('and y from 0 at the top to 1 at the bottom.')
    assert CapeInstruction(keypoint_list=True, outline=True).opening(HORSE) == f'{outline}\n{names}'


def test_step_by_step_names_the_object_first():
    turns = CapeInstruction('step_by_step').turns(HORSE, 0)
    answer = 'The object is a horse body. The tip’s end.'
    assert turns == [
        Turn('What is the object in this image, and what is its nose?', answer=answer),
        Turn(QUESTION.format('nose')),
    ]
    unknown = CapeInstruction('step_by_step', description=False).turns(TextQueries.create(['nose']), 0)
    assert unknown[0].answer == 'The object is a single object.'


def test_direct_qa_asks_for_the_name():
    assert CapeInstruction('direct_qa').turns(HORSE, 1, '[0.200,0.300]') == [
        Turn('Which keypoint of this object is at [0.200,0.300] in this image?', answer='It is the left eye.')
    ]


def test_step_by_step_qa_goes_from_the_object_to_the_name():
    assert CapeInstruction('step_by_step_qa').turns(HORSE, 1, '[0.200,0.300]') == [
        Turn('What is the object in this image?', answer='It is a horse body.'),
        Turn('Is there a left eye in this image?', answer='Yes, there is.'),
        Turn('Which of these keypoints is at [0.200,0.300]: nose, left eye?', answer='It is the left eye.'),
    ]


@pytest.mark.parametrize('kind', ['base', 'step_by_step', 'direct_qa', 'step_by_step_qa'])
def test_only_qa_answers_with_names(kind):
    instruction = CapeInstruction(kind)
    assert instruction.answers_with_points == (kind in ('base', 'step_by_step'))
    assert (instruction.turns(HORSE, 0)[-1].answer is None) == instruction.answers_with_points


def test_wordings():
    instruction = CapeInstruction(questions='random')
    assert (instruction.num_wordings, CapeInstruction().num_wordings) == (25, 1)
    asked = [instruction.turns(HORSE, 1, wording=i)[-1].question for i in range(25)]
    assert len(set(asked)) == 25 and all(' left eye' in question for question in asked)
    assert asked[0] == QUESTION.format('left eye')  # as it is asked later


@pytest.mark.parametrize('kind', ['base', 'step_by_step', 'direct_qa', 'step_by_step_qa'])
def test_braces_and_special_tokens_are_plain_text(kind):
    names = ['{name}', '{0} </s>', '{', '%s']
    queries = TextQueries.create(names, ['{category}', '{}', '', '}'], category='{names}')
    instruction = CapeInstruction(kind, keypoint_list=True)
    assert instruction.opening(queries).endswith(': {name}, {0} </s>, {, %s.')
    for k, name in enumerate(names):
        texts = ' '.join(f'{turn.question} {turn.reference} {turn.answer}' for turn in instruction.turns(queries, k))
        assert f'the {name}' in texts or f'its {name}' in texts


@pytest.mark.parametrize('wrong', [dict(kind='steps'), dict(questions='many')])
def test_unknown_choices(wrong):
    with pytest.raises(ValueError, match='expected one of'):
        CapeInstruction(**wrong)
