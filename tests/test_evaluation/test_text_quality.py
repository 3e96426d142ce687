import json
import math

import numpy as np
import pytest

from clamp_mmpose.evaluation.bootstrap import Interval
from clamp_mmpose.evaluation.text_quality.assess import assess, differences, short_names
from clamp_mmpose.evaluation.text_quality.diversity import factors, mtld, published_mtld
from clamp_mmpose.evaluation.text_quality.published import published_chunks, published_quality, tfidf_cosine
from clamp_mmpose.evaluation.text_quality.readability import published_readability, readability
from clamp_mmpose.evaluation.text_quality.repetition import duplicate_shares, ngram_repetition
from clamp_mmpose.evaluation.text_quality.scores import Scores, difference, mean_of, scores_of, sum_by_image, summarize
from clamp_mmpose.evaluation.text_quality.splitting import letter_words, plain_words, sentences, word_tokens
from clamp_mmpose.evaluation.text_quality.texts import Text, read_texts, without_repeats

pytest.importorskip('punkt', reason='needs the extra "texts"')
STANDING = 'The person is standing.'  # 4 words, 6 syllables


def test_sentences_and_words():
    text = "He's 2 m from Mr. Li-Wei.\n\nA well-known“pose”: stand"
    assert sentences(text) == ["He's 2 m from Mr. Li-Wei.", 'A well-known“pose”: stand']
    assert sentences('no stop\n\nhere') == ['no stop\n\nhere']
    assert sentences('no stop\n\nhere', 'paragraph') == ['no stop', 'here']
    assert word_tokens("It's bent.") == ['It', "'s", 'bent', '.']
    assert plain_words("He's 2 m from Mr. Li-Wei.") == ['hes', '2', 'm', 'from', 'mr', 'liwei']
    assert letter_words(text) == ['he', 's', 'm', 'from', 'mr', 'liwei', 'a', 'wellknown', 'pose', 'stand']


def test_flesch_kincaid_grade():
    assert readability([STANDING]) == pytest.approx(0.39 * 4 + 11.8 * 6 / 4 - 15.59)
    assert readability(['Jump!', '...', STANDING]) == pytest.approx(0.39 * 5 / 2 + 11.8 * 7 / 5 - 15.59)
    # textstat does not count the sentence of one word: 0.39 * 5 + 11.8 * 1.4 - 15.59 = 2.88
    assert published_readability(f'Jump! {STANDING}') == 2.9
    # nor one of two words: 0.39 * 6 + 11.8 * 1.3 - 15.59 = 2.09
    assert published_readability(f'The man. {STANDING}') == 2.1
    assert published_readability('Jump!') == -3.5  # -3.4, by the floor


def test_mtld():
    # 1, 1, 1, 3/4: a part of a factor, (1 - 0.75) / (1 - 0.72)
    assert mtld(list('abca')) == pytest.approx(4 / (0.25 / 0.28))
    # forward 3/5 ends a factor after 5 words, backward 4/6 after 6; the rest does not repeat
    assert mtld(list('abcabcd')) == 7
    # forward 18/25 = 0.72 ends a factor, and two words are left that do not repeat; backward 3/5, 1/2 and 1/2 end one
    at_the_threshold = [*map(str, range(18)), *['0'] * 7, '18', '19']
    assert mtld(at_the_threshold) == (27 / 1 + 27 / 3) / 2
    assert mtld(list('abc')) == 3  # no word repeats
    assert mtld([]) is None


def test_published_mtld():
    # no factor is shorter than 10 words: (1 - 4/7) / 0.28 factors
    assert published_mtld(list('abcabcd')) == pytest.approx(7 / (3 / 7 / 0.28))
    assert published_mtld(list('abc')) == 0
    # forward: 2/10 ends a factor, then "a b": none; backward: 2/10 likewise
    assert published_mtld(list('ab' * 6)) == 12
    # the 10th word is the last, which never ends a factor
    assert published_mtld(list('ab' * 5)) == pytest.approx(10 / (0.8 / 0.28))


def test_pooled_mtld_does_not_depend_on_the_order():
    texts = [Text('a b c a'), Text('x y z')]
    for order in (texts, texts[::-1]):
        # 7 words, 0.25 / 0.28 factors
        assert assess(order).values['mtld_pooled'].value == pytest.approx(7 / (0.25 / 0.28))
    assert factors(list('abcabcd')) == (1, 1)
    assert assess(texts[1:]).values['mtld_pooled'] is None  # infinite


def test_ngram_repetition():
    tokens = list('abcabcd')
    assert ngram_repetition(tokens, 2) == pytest.approx(4 / 6)
    assert ngram_repetition(tokens, 3) == pytest.approx(2 / 5)
    assert ngram_repetition(list('aaaa'), 3) == 1
    assert ngram_repetition(list('ab'), 3) == ngram_repetition([], 3) == 0


def test_duplicates():
    assert duplicate_shares(['A man.', 'a  man.', 'A dog.', 'A MAN.']) == pytest.approx([2 / 3, 2 / 3, 0, 2 / 3])


def test_tfidf_cosine():
    rare = math.log(3 / 2) + 1  # a word of one of two texts; 1 for a word of both
    assert tfidf_cosine(['aa bb', 'AA cc.']) == pytest.approx(2 * 1 / (1 + rare**2) / 4)
    assert tfidf_cosine(['aa', 'aa', 'b']) == pytest.approx(2 / 9)  # words of one letter do not count
    assert tfidf_cosine(['a', '!']) is None


def test_published_chunks_lose_the_rest_of_a_long_sentence():
    assert published_chunks('One two. One two three four five.', 3) == ['One two.', 'One two three', 'four five .']
    assert published_chunks('One two three four.', 3) == ['One two three']


def test_published_numbers():
    found = published_quality([STANDING, f'{STANDING} {STANDING}'])
    assert found.readability == pytest.approx(3.7)
    assert (found.shortest, found.longest, found.length, found.length_std) == (5, 10, 7.5, 2.5)
    # bigrams of the second: 9, of which the 4 within the sentence occur twice
    assert found.repetition == pytest.approx((0 + 8 / 9) / 2)
    # 12 words, 4 types: 4/10 ends a factor of 10 in both directions, two words are left
    assert found.mtld == 12


def test_value_of_a_ratio_and_its_interval():
    texts = [Text('', '1.jpg'), Text('', '2.jpg'), Text('', '1.jpg'), Text('')]
    measured = sum_by_image(Scores(np.array([1.0, 2, 3, 0]), np.array([4.0, 2, 4, 0])), texts)
    assert measured.names == ['1.jpg', '2.jpg', 3] and measured.texts == 3
    # image 1 has 4/8, image 2 has 2/2; a draw is 4/8, 6/10 or 2/2
    assert summarize(measured) == Interval(0.6, 0.5, 1)
    assert mean_of(scores_of([1, None, 4])) == 2.5 and mean_of(scores_of([None])) is None


def test_difference_is_of_the_shared_images():
    first = sum_by_image(scores_of([1, 5, 100, None]), [Text('', name) for name in 'abcd'])
    second = sum_by_image(scores_of([3, 2, 7, 9, 1]), [Text('', name) for name in ['b', 'a', 'a', 'x', 'd']])
    # a: 4.5 - 1 of two texts, b: 3 - 5; together (2 + 7 + 3) / 3 - 3
    assert difference(first, second).value == pytest.approx(1)
    # images are drawn together: two more for each of them
    shifted = sum_by_image(scores_of([102, 7, 3]), [Text('', name) for name in 'cba'])
    assert difference(first, shifted) == pytest.approx(Interval(2, 2, 2))
    assert difference(first, sum_by_image(scores_of([1]), [Text('', 'e')])) is None
    assert difference(sum_by_image(scores_of([1]), [Text('')]), sum_by_image(scores_of([1]), [Text('')])) is None


def test_texts_without_words_are_counted_and_left_out():
    found = assess([Text(STANDING, 'a'), Text('', 'b'), Text(' ?!… ', 'c')])
    assert (found.texts, found.images, found.wordless) == (3, 3, 2)
    assert found.values['length'] == Interval(4, 4, 4) and found.scores['length'].texts == 1
    empty = assess([Text('')])
    assert empty.wordless == 1 and set(empty.values.values()) == {None}


@pytest.mark.parametrize(
    'text',
    [
        '90',
        'Jump',
        '人が立っている。',
        'आदमी खड़ा है।',
        '\u202eالرجل واقف',
        'x' * 10**4,
        'The arm is up. ' * 800,
        '\ud800 half',
    ],
)
def test_unusual_texts_have_numbers(text):
    found = assess([Text(text, 'a')])
    assert found.wordless == 0 and found.values['length'].value >= 1
    assert all(math.isfinite(value.value) for value in found.values.values() if value is not None)
    assert math.isfinite(published_quality([text]).readability)


def test_leaks_are_counted_by_kind():
    found = assess([Text('The keypoints show it.', 'a'), Text('A man.', 'b', 'What do keypoints say of [0.1, 0.2]?')])
    assert found.values['leaks'].value == 100
    assert found.leak_kinds['keypoint'] == 2 and found.leak_kinds['list of numbers'] == 1


def test_an_image_described_for_each_person_counts_once():
    texts = [
        Text('A.', 'a'),
        Text('A.', 'a'),
        Text('A.', 'b'),
        Text('A.'),
        Text('A.'),
        Text('A.', 'c', 'Who?'),
        Text('A.', 'c', 'Who?'),
    ]
    assert without_repeats(texts) == [texts[0], *texts[2:]]
    found = assess(texts)
    assert (found.texts, found.repeated) == (7, 1)
    assert found.values['duplicates'].value == pytest.approx(100 * 5 / 6)


def test_files_of_texts(tmp_path):
    record = dict(
        id='1',
        image='a/1.jpg',
        conversations=[
            {'from': 'human', 'value': '<image>\nWho?'},
            {'from': 'gpt', 'value': 'A man.'},
            {'from': 'human', 'value': 'Where?'},
            {'from': 'gpt', 'value': 'There.'},
        ],
    )
    entries = [record, dict(image='2.jpg', description=['One.', 'Two.']), dict(text='Three.'), 'Four.']
    expected = [
        Text('A man.\n\nThere.', 'a/1.jpg', 'Who?\n\nWhere?'),
        Text('One.', '2.jpg'),
        Text('Two.', '2.jpg'),
        Text('Three.'),
        Text('Four.'),
    ]
    (tmp_path / 'a.json').write_text(json.dumps(entries))
    (tmp_path / 'a.jsonl').write_text('\n\n'.join(map(json.dumps, entries)) + '\n')
    (tmp_path / 'a.txt').write_text('Four.\r\n\n Three. \n', encoding='utf-8')
    assert read_texts(tmp_path / 'a.json') == read_texts(tmp_path / 'a.jsonl') == expected
    assert read_texts(tmp_path / 'a.txt') == [Text('Four.'), Text('Three.')]


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('a.csv', 'x', 'expected a file of texts that ends in .json, .jsonl, .txt'),
        ('a.json', '{"a": 1}', 'must be a JSON array'),
        ('a.json', '[]', 'holds no texts'),
        ('a.txt', ' \n\n', 'holds no texts'),
        ('a.json', '["x", 3]', 'entry 1: expected a text, '),
        ('a.json', '[{"caption": "x"}]', 'entry 0: expected a text, .* got an object with caption'),
        ('a.json', '[{"image": 3, "text": "x"}]', 'the image must be a file name, got 3'),
        ('a.jsonl', '"x"\n{"text": [1]}', r'line 2: the text must be a text or a list of texts, got \[1\]'),
        ('a.jsonl', '"x"\n{', 'line 2: not JSON'),
        ('a.json', '[{"conversations": 3}]', 'entry 0: a turn must be'),
        ('a.json', '[{"conversations": [{"from": "human", "value": "x"}]}]', 'entry 0: .* no turn from "gpt"'),
    ],
)
def test_wrong_files(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        read_texts(tmp_path / name)


def test_missing_files(tmp_path):
    for name in ('a.json', 'a.jsonl'):
        with pytest.raises(FileNotFoundError, match=f'{name} not found'):
            read_texts(tmp_path / name)


def test_names_of_files():
    assert short_names(['a/x.json', 'b/y.json']) == ['x', 'y']
    assert short_names(['a/x.json', 'b/x.json', 'b/y.json']) == ['a/x', 'b/x', 'b/y']
    with pytest.raises(ValueError, match='expected different files'):
        short_names(['a/x.json', 'a/../a/x.json'])


def test_differences_of_files():
    first = assess([Text('The arm is up.', 'a'), Text('A man.', 'b'), Text('A man sits.')])
    other = assess([Text('The arm is up. The keypoints say so.', 'a'), Text('Who?', 'x')])
    found = differences(first, other)
    assert found['length'] == Interval(4, 4, 4) and found['leaks'].value == 100


def test_a_missing_package_is_named(monkeypatch):
    from clamp_mmpose.evaluation.text_quality import readability as module
    from clamp_mmpose.evaluation.text_quality import splitting

    for name, function in (('punkt', splitting._punkt), ('nltk.tokenize.destructive', splitting._word_tokenizer)):
        function.cache_clear()
        monkeypatch.setitem(__import__('sys').modules, name, None)
        with pytest.raises(
            ImportError, match=r'the quality of texts needs nltk.*: .* -m pip install "clamp_mmpose\[texts\]"'
        ):
            function(*['ignore'] * (name == 'punkt'))
    module._hyphens.cache_clear()
    monkeypatch.setitem(__import__('sys').modules, 'pyphen', None)
    with pytest.raises(ImportError, match=r'needs pyphen: .* -m pip install "clamp_mmpose\[texts\]"'):
        module._hyphens()
