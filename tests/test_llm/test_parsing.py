"""Every form in which language models write questions and answers."""

import contextlib
import json
import time

import pytest

from clamp_mmpose.llm.tasks.parsing import parse_description, parse_rounds

FIRST = ('What is she doing?', 'She skis down a slope.')
SECOND = ('Where are her arms?', 'Both arms are stretched out.')
BOTH = [FIRST, SECOND]
FORMS = {
    'labels': 'Question: {0}\nAnswer: {1}\nQuestion: {2}\nAnswer: {3}',
    'lower case, blank lines': 'question: {0}\n\nanswer: {1}\n\nquestion: {2}\n\nanswer: {3}\n',
    'short labels': 'Q: {0}\nA: {1}\nQ: {2}\nA: {3}',
    'one line': 'Q: {0} A: {1}\nQ: {2} A: {3}',
    'label on its own line': 'Question:\n{0}\nAnswer:\n{1}\n\nQuestion:\n{2}\nAnswer:\n{3}',
    'rules, as in LLaVA': 'Question:\n{0}\n===\nAnswer:\n{1}\n===\nQuestion:\n{2}\n===\nAnswer:\n{3}\n===',
    'bold labels': '**Question:** {0}\n**Answer:** {1}\n\n**Question:** {2}\n**Answer:** {3}',
    'bold, colon outside': '**Question**: {0}\n**Answer**: {1}\n**Question**: {2}\n**Answer**: {3}',
    'bold and numbered': '**Q1:** {0}\n**A1:** {1}\n\n**Q2:** {2}\n**A2:** {3}',
    'bold rounds': '**Q1: {0}**\n**A1:** {1}\n**Q2: {2}**\n**A2:** {3}',
    'numbered labels': 'Question 1: {0}\nAnswer 1: {1}\nQuestion 2: {2}\nAnswer 2: {3}',
    'list of labels': '1. **Question:** {0}\n   **Answer:** {1}\n\n2. **Question:** {2}\n   **Answer:** {3}',
    'bullets': '- Question: {0}\n- Answer: {1}\n- Question: {2}\n- Answer: {3}',
    'points': 'Q1. {0}\nA1. {1}\nQ2. {2}\nA2. {3}',
    'headings': '### Question 1\n{0}\n\n### Answer 1\n{1}\n\n### Question 2\n{2}\n\n### Answer 2\n{3}',
    'headings above labels': '### Question 1\n**Question:** {0}\n**Answer:** {1}\n### Question 2\nQ: {2}\nA: {3}',
    'rounds': '**Round 1**\nQ: {0}\nA: {1}\n\n---\n\n**Round 2**\nQ: {2}\nA: {3}',
    'numbers above': '1.\nQ: {0}\nA: {1}\n\n2.\nQ: {2}\nA: {3}',
    'speakers': 'User: {0}\nAssistant: {1}\nUser: {2}\nAssistant: {3}',
    'brackets': '[Question]: {0}\n[Answer]: {1}\n[Question]: {2}\n[Answer]: {3}',
    'text before': 'Sure! Here is a conversation:\n\nQuestion: {0}\nAnswer: {1}\nQuestion: {2}\nAnswer: {3}',
    'fence': '```\nQuestion: {0}\nAnswer: {1}\nQuestion: {2}\nAnswer: {3}\n```',
    'fence after text': 'Here:\n```text\nQ: {0}\nA: {1}\nQ: {2}\nA: {3}\n```',
    'plain': '{0}\n{1}\n\n{2}\n{3}',
    'plain and numbered': 'Here are two questions:\n\n1. {0}\n   {1}\n\n2. {2}\n   {3}',
    'plain and bold': '**{0}**\n{1}\n\n**{2}**\n{3}',
    'labels of answers only': '1. {0}\n   Answer: {1}\n\n2. {2}\n   Answer: {3}',
    'bold questions, labels of answers': 'Here:\n\n**{0}**\n\n**A:** {1}\n\n**{2}**\n\n**A:** {3}',
    'a person and an AI': 'Person: {0}\nAI: {1}\nPerson: {2}\nAI: {3}',
    'Windows': 'Question: {0}\r\nAnswer: {1}\r\nQuestion: {2}\r\nAnswer: {3}\r\n',
}


@pytest.mark.parametrize('form', FORMS.values(), ids=FORMS)
def test_forms(form):
    assert parse_rounds(form.format(*FIRST, *SECOND)) == BOTH


PAIRS = [dict(question=question, answer=answer) for question, answer in BOTH]
JSONS = {
    'list': PAIRS,
    'capitals': [dict(Question=question, Answer=answer) for question, answer in BOTH],
    'short': [dict(q=question, a=answer, id=7) for question, answer in BOTH],
    'under a key': dict(image='785', conversation=PAIRS),
    'numbered keys': dict(question_1=FIRST[0], answer_1=FIRST[1], question_2=SECOND[0], answer_2=SECOND[1]),
    'turns of LLaVA': [{'from': kind, 'value': text} for pair in BOTH for kind, text in zip(('human', 'gpt'), pair)],
    'turns of OpenAI': [
        dict(role=kind, content=text) for pair in BOTH for kind, text in zip(('user', 'assistant'), pair)
    ],
}


@pytest.mark.parametrize('content', JSONS.values(), ids=JSONS)
def test_json(content):
    text = json.dumps(content, indent=1)
    assert parse_rounds(text) == BOTH
    assert parse_rounds(f'Here it is:\n```json\n{text}\n```\nI hope this helps.') == BOTH
    assert parse_rounds(f'```json\n{text}') == BOTH  # the fence is not closed


def test_json_lines_and_one_object():
    assert parse_rounds('\n'.join(map(json.dumps, PAIRS))) == BOTH
    assert parse_rounds(json.dumps(PAIRS[0])) == [FIRST]


def test_long_answers_keep_their_lists_and_bold_words():
    answer = 'They play boules:\n\n1. **Central Participant**: throws.\n2. **Others**: wait. Will they win? A: perhaps.'
    text = f'**Question:** What do they play?\n\n**Answer:** {answer}'
    assert parse_rounds(text, single=True) == [('What do they play?', answer)]
    # of plain lines, only the first is a question
    plain = 'What do they play?\n\nBoules.\nWho wins?\nNobody knows.'
    assert parse_rounds(plain, single=True) == [('What do they play?', 'Boules.\nWho wins?\nNobody knows.')]
    assert len(parse_rounds(plain)) == 2


def test_short_answers():
    text = '1.\nQ: How many are there?\nA: 2.\n\n2.\nQ: Which round is it?\nA: Round 2\n'
    assert parse_rounds(text) == [('How many are there?', '2.'), ('Which round is it?', 'Round 2')]


def test_words_that_look_like_labels():
    answer = 'A 4-year-old boy.\nAnswer him: no.\nQuestions remain.\nA. Smith wrote it; 1. A man: tall.'
    assert parse_rounds(f'Q: Who is it?\nA: {answer}') == [('Who is it?', answer)]


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        ('', "no question and answer in ''"),
        ('A woman skis.', "no question and answer in 'A woman skis.'"),
        ('A woman skis.\nShe smiles.\nWhy?\nNobody knows.', 'no question and answer in'),
        ('1. What is she doing? She skis.', 'no question and answer'),
        ("I'm sorry, but I can't help with that.", 'no question and answer in "I\'m sorry'),
        ('Question: What is she doing?', 'question 1 has no answer'),
        ('Question: What?\nAnswer: A.\nQuestion: Why?', 'question 2 has no answer'),
        ('Question: What?\nQuestion: Why?\nAnswer: B.', 'question 1 has no answer'),
        ('Question: What?\nAnswer:\nQuestion: Why?\nAnswer: B.', 'question 1 has no answer'),
        ('Question:\nAnswer: B.', 'question 1 is empty'),
        ('Answer: A.\nQuestion: Why?\nAnswer: B.', 'answer 1 has no question'),
        ('Question: What?\nAnswer: A.\nAnswer: B.', 'answer 2 has no question'),
        ('A man skis.\nAnswer: yes.', 'answer 1 has no question'),
        ('What is she doing?\nWhere is she?\nOn a hill.', 'question 1 has no answer'),
        ("Question: Who is it?\nAnswer: I'm sorry, I can't identify people.", 'answer 1 is a refusal: "I\'m sorry, I'),
        ('Question: <image> What?\nAnswer: A.', 'it holds <image>'),
        ('[{"question": "What?", "answ', 'it starts like JSON, but'),
        ('[{"question": "What?"}]', 'must hold questions and answers in turn, got question'),
        ('[{"question": "What?", "answer": 3}]', 'the JSON must hold texts, got 3'),
        ('[{"question": "What?", "answer": ""}]', 'question 1 has no answer'),
        ('[]', 'the JSON is not a list of questions and answers'),
        ('["What?", "A."]', 'the JSON is not a list of questions and answers'),
        ('[{"caption": "A."}]', 'in turn, got none'),
    ],
)
def test_what_cannot_be_read(text, reason):
    with pytest.raises(ValueError) as caught:
        parse_rounds(text)
    assert reason in str(caught.value) and '\n' not in str(caught.value)


def test_descriptions():
    assert parse_description(' A man walks.\n\nHe waves. ') == 'A man walks.\n\nHe waves.'
    assert parse_description('```\nA man walks.\n```') == 'A man walks.'
    assert parse_description('**Detailed Description:**\nA man walks.') == 'A man walks.'
    for text, reason in (
        ('```\n```', 'it is empty'),
        ("I'm sorry, but I cannot see images.", 'a refusal: "I\'m sorry'),
        ('As an AI, I see no image.', 'a refusal'),
        ('See <image>.', 'it holds <image>'),
    ):
        with pytest.raises(ValueError, match=reason):
            parse_description(text)


@pytest.mark.parametrize('filler', ['\n', '* ', '*', '- ', ' ', '1.\n', '"', '[', 'Q', '?', '\n---'])
def test_what_a_model_repeats_without_end_takes_no_long_time(filler):
    start = time.perf_counter()
    for text in (f'Question: What?{filler * 20_000}Answer: A.{filler * 20_000}B.', f'What?\n{filler * 20_000}x'):
        with contextlib.suppress(ValueError):
            parse_rounds(text)
    assert time.perf_counter() - start < 2
