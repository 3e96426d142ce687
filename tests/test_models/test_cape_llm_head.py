"""CapeLLM's head: what it is trained on, and how it is asked."""

import numpy as np
import pytest
import torch
from tiny_cape_llm import build, sample
from tiny_tokenizers import byte_level, sentence_piece

from clamp_mmpose.models.language_models.packing import pack

ANSWERS = ['text', 'token', 'bins', 'pointer']


@pytest.fixture(scope='module', params=['triples', 'digits', 'pieces'])
def tokenizer(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp('tokenizer') / request.param
    if request.param == 'pieces':
        return sentence_piece(folder)
    return byte_level(folder, triples=request.param == 'triples', start=request.param == 'triples')


def learned_texts(head, samples):
    """The labeled tokens of each row as text, in runs."""
    rows, *_ = head._training_rows(samples, head.queries(samples, len(samples)), 4)
    packed = pack(rows, 'cpu')
    texts = []
    for ids, labels in zip(packed.ids.tolist(), packed.labels.tolist()):
        assert all(label in (-100, token) for token, label in zip(ids, labels))
        runs = ''.join('|' if label == -100 else chr(label + 200) for label in labels).split('|')
        texts.append([head.tokens.tokenizer.decode([ord(c) - 200 for c in run]).strip() for run in runs if run])
    return texts


@pytest.mark.parametrize('mask', ['chained', 'isolated'])
def test_exactly_the_answers_are_learned(tokenizer, mask):
    head = build(tokenizer, rounds_mask=mask)
    samples = [
        sample(['nose', 'left eye'], ['The nose [0.1,0.2]</s> of 12 cm.', 'It’s left.'], [[0.1234, 1.0], [0.0, 0.5]]),
        sample(['tip'], None, [[0.9996, 0.25]]),
    ]
    end = head.tokens.tokenizer.eos_token
    assert learned_texts(head, samples) == [[f'[0.123,0.999]{end}', f'[0.000,0.500]{end}'], [f'[0.999,0.250]{end}']]


QUESTION = 'Where is the {} of this object in this image? Please provide its coordinates.'
NOSE = f'User: {QUESTION.format("nose")}\nReference: The tip.\nAssistant: [0.200,0.999]</s>'
EYE = f'User: {QUESTION.format("eye")}\nAssistant: [0.700,0.100]</s>'
NAMED = 'User: What is the object in this image, and what is its {}?\nAssistant: The object is a cat. {}</s>'
AT = 'User: Which keypoint of this object is at {} in this image?\nAssistant: It is the {}.</s>'
KNOWN = (
    'User: What is the object in this image?\nAssistant: It is a cat.</s>'
    'User: Is there a {1} in this image?\nAssistant: Yes, there is.</s>'
    'User: Which of these keypoints is at {0}: nose, eye?\nAssistant: It is the {1}.</s>'
)


@pytest.mark.parametrize(
    'arguments, opening, rounds, answers',
    [
        (dict(), '', [NOSE, EYE], [['[0.200,0.999]'], ['[0.700,0.100]']]),
        (
            dict(description=False),
            '',
            [NOSE.replace('\nReference: The tip.', ''), EYE],
            [['[0.200,0.999]'], ['[0.700,0.100]']],
        ),
        (
            dict(keypoint_list=True),
            '\nThe keypoints of this object are: nose, eye.',
            [NOSE, EYE],
            [['[0.200,0.999]'], ['[0.700,0.100]']],
        ),
        (dict(outline=True), None, [NOSE, EYE], [['[0.200,0.999]'], ['[0.700,0.100]']]),
        (
            dict(instruction='step_by_step'),
            '',
            [
                NAMED.format('nose', 'The tip.') + NOSE.replace('\nReference: The tip.', ''),
                NAMED.format('eye', '').replace(' </s>', '</s>') + EYE,
            ],
            [['The object is a cat. The tip.', '[0.200,0.999]'], ['The object is a cat.', '[0.700,0.100]']],
        ),
        (
            dict(instruction='direct_qa'),
            '',
            [AT.format('[0.200,0.999]', 'nose'), AT.format('[0.700,0.100]', 'eye')],
            [['It is the nose.'], ['It is the eye.']],
        ),
        (
            dict(instruction='step_by_step_qa'),
            '',
            [KNOWN.format('[0.200,0.999]', 'nose'), KNOWN.format('[0.700,0.100]', 'eye')],
            [['It is a cat.', 'Yes, there is.', f'It is the {name}.'] for name in ('nose', 'eye')],
        ),
    ],
)
@pytest.mark.parametrize('mask', ['chained', 'isolated'])
def test_conversations(tokenizer, mask, arguments, opening, rounds, answers):
    """What a round sees behind the image, as text, and what is learned of it."""
    head = build(tokenizer, rounds_mask=mask, **arguments)
    samples = [sample(['nose', 'eye'], ['The tip.', ''], [[0.2, 1.0], [0.7, 0.1]], category='cat')]
    (row,), *_ = head._training_rows(samples, head.queries(samples, 1), 4)
    if opening is None:
        opening = '\n' + head.instruction.opening(head.queries(samples, 1)[0])
    expected = [f'{opening}\n{"".join(rounds)}'] if mask == 'chained' else [f'{opening}\n{one}' for one in rounds]
    assert max(row.segments) == (0 if mask == 'chained' else 2)
    for i, text in enumerate(expected, 1):
        ids = [token for token, segment in zip(row.ids, row.segments) if segment in (0, i)]
        ids = ids[len(head.tokens.start) + 4 :]
        assert head.tokens.tokenizer.decode(ids, clean_up_tokenization_spaces=False) == text
    assert learned_texts(head, samples) == [[f'{answer}</s>' for own in answers for answer in own]]


def test_random_questions_are_drawn_from_torchs_generator(tokenizer):
    head = build(tokenizer, questions='random')
    samples = [sample([f'part {i}' for i in range(12)])]

    def asked(seed):
        torch.manual_seed(seed)
        (row,), *_ = head._training_rows(samples, head.queries(samples, 1), 4)
        return row.ids

    assert asked(1) == asked(1) != asked(2)
    with torch.no_grad():  # asked later: always the first wording
        (found,) = head.predict((torch.randn(1, 8, 2, 2),), samples, dict(output_texts=True))
    assert found.keypoint_questions[0].tolist() == [QUESTION.format(f'part {i}') for i in range(12)]


@pytest.mark.parametrize('answer', ANSWERS)
def test_a_keypoint_is_answered_as_if_it_were_asked_alone(tokenizer, answer):
    head = build(tokenizer, answer=answer)
    feats = (torch.randn(2, 8, 3, 4),)
    names = ['nose', 'left eye', 'tip of the tail', 'back', 'a']
    samples = [sample(names[:2], ['The nose.', '']), sample(names)]
    with torch.no_grad():
        together = head.predict(feats, samples)
        head.chunk = 2
        in_chunks = head.predict(feats, samples)
        alone = [head.predict((feats[0][1:],), [sample([name])])[0] for name in names]
    for i, name in enumerate(names):
        for found in (together[1], in_chunks[1]):
            np.testing.assert_allclose(found.keypoints[0, i], alone[i].keypoints[0, 0], atol=1e-3, err_msg=name)
            np.testing.assert_allclose(found.keypoint_scores[0, i], alone[i].keypoint_scores[0, 0], atol=1e-5)
    np.testing.assert_allclose(together[0].keypoints, in_chunks[0].keypoints, atol=1e-3)


@pytest.mark.parametrize('answer', ANSWERS)
def test_isolated_rounds_train_what_is_asked(tokenizer, answer):
    """The loss of a row of isolated rounds is the mean of the losses of each round alone."""
    head = build(tokenizer, answer=answer)
    feats = (torch.randn(1, 8, 4, 4),)
    names, points = ['nose', 'left eye', 'back'], [[0.2, 0.3], [0.7, 0.1], [0.5, 0.9]]
    name = head.answer.loss_name
    together = head.loss(feats, [sample(names, None, points)])[name]
    alone = [head.loss(feats, [sample(names, None, points, [k])])[name] for k in range(3)]
    assert together.item() == pytest.approx(float(sum(alone)) / 3, rel=1e-5)
    chained = build(tokenizer, answer=answer, rounds_mask='chained')
    assert chained.loss(feats, [sample(names, None, points)])[name].item() != pytest.approx(together.item(), rel=1e-5)


def test_words_that_all_questions_begin_with_are_read_once(tokenizer):
    samples = [sample(['nose', 'left eye', 'left ear'])]
    head = build(tokenizer)
    (query,) = head.queries(samples, 1)
    shared, questions = head.conversations.questions(query, 4)
    decode = head.tokens.tokenizer.decode
    words = shared.ids[len(head.tokens.start) + 4 :]
    assert decode(words).strip() == 'User: Where is the' and shared.shared == len(shared)
    for name, tokens in zip(query.keypoint_names, questions):
        assert f'Where is the {name} of this object' in decode([*words, *tokens])
    for mask, times in (('isolated', 1), ('chained', 3)):
        ((row,), *_) = build(tokenizer, rounds_mask=mask)._training_rows(samples, [query], 4)
        assert decode([max(0, token) for token in row.ids]).count('Where is the') == times


@pytest.mark.parametrize('answer', ANSWERS)
def test_learns_one_image_by_heart(tokenizer, answer):
    head = build(tokenizer, answer=answer)
    feats = (torch.randn(1, 8, 4, 4),)
    names, points = ['nose', 'left eye'], [[0.2, 0.3], [0.71, 0.62]]
    optimizer = torch.optim.Adam(head.parameters(), lr=3e-3)
    for _ in range(dict(text=150, token=100).get(answer, 60)):
        optimizer.zero_grad()
        losses = head.loss(feats, [sample(names, None, points)])
        losses[head.answer.loss_name].backward()
        optimizer.step()
    assert losses['acc_pose'] == 1
    with torch.no_grad():
        (found,) = head.predict(feats, [sample(names)])
    np.testing.assert_allclose(found.keypoints[0] / 64, points, atol=0.06)
    assert (found.keypoint_scores > 0.15).all()


def test_redraws_are_counted(tokenizer):
    """The samples that KeypointRounds drew again, over the batch."""
    samples = [sample(['nose']), sample(['back']), sample(['tip'])]
    for one, redraws in zip(samples, (2, 0, 1)):
        one.set_metainfo(dict(redraws=redraws))
    assert build(tokenizer, answer='bins').loss((torch.randn(3, 8, 2, 2),), samples)['redraws'] == 3
