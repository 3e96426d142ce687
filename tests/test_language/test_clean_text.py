"""Names and descriptions are cleaned once; what the tokenizer cannot tell apart is a duplicate."""

import pytest

from clamp_mmpose.language.clean_text import alike, clean_text, comparable
from clamp_mmpose.language.text_queries import TextQueries
from clamp_mmpose.models.text_encoders.clip_text_encoder import bpe_tokenizer


@pytest.mark.parametrize(
    'text, clean',
    [
        (' left\u00a0 eye\t', 'left eye'),
        ('tip &amp; tail', 'tip & tail'),
        ('tip &amp;amp; tail', 'tip & tail'),
        ('le\u0301vre', 'lévre'),
        ('\n left eye \n', 'left eye'),
        ('nez\u3000droit', 'nez droit'),
        ('❤\ufe0f', '❤'),
        ('Nase', 'Nase'),
        ('鼻子 😀 μύτη', '鼻子 😀 μύτη'),
    ],
)
def test_clean(text, clean):
    assert clean_text(text) == clean


@pytest.mark.parametrize(
    'text, error',
    [
        ('left \ud800 eye', 'UTF-8'),
        ('\udcff', 'UTF-8'),
        ('a\x00b', r'control character, U\+0000'),
        ('left\neye', r'control character, U\+000A'),
        ('\x1b[31mred', r'U\+001B'),
        ('eye\x85lid', r'U\+0085'),
        ('\u202eeye', r'format character, U\+202E'),
        ('le\u200bft', r'format character, U\+200B'),
        ('\ufeffeye', r'U\+FEFF'),
        ('soft\u00adhyphen', r'U\+00AD'),
        ('a\u2028b', r'line break, U\+2028'),
        ('a\u2029b', r'line break, U\+2029'),
        ('a\u3164b', r'invisible character, U\+3164'),
        ('left&#10;eye', r'U\+000A'),
        ('&#8203;eye', r'U\+200B'),
        ('x' * 2001, '2,001 characters'),
    ],
)
@pytest.mark.parametrize('where', ['names', 'descriptions'])
def test_refused(text, error, where):
    with pytest.raises(ValueError, match=error):
        TextQueries.create(
            [text, 'nose'] if where == 'names' else ['eye', 'nose'], None if where == 'names' else ['', text]
        )


SAME = [
    ('Left eye', 'left  EYE'),
    ('tip &amp; tail', 'tip & tail'),
    ('l\u00e8vre', 'le\u0300vre'),
    ('\uff4e\uff4f\uff53\uff45', 'nose'),
    ('\ufb01n', 'fin'),
    ('rider\u2019s hand', "rider's hand"),
    ('ẞ', 'ß'),
    ('l 1', 'l1'),
    ('left-eye', 'left - eye'),
    ('point 12', 'point 1 2'),
    ('lÃ¨vre', 'lèvre'),
    ('❤\ufe0f', '❤'),
    ('\u212aelvin', 'kelvin'),
]
DIFFERENT = [('İris', 'iris'), ('straße', 'strasse'), ('eye lid', 'eyelid'), ('left_eye', 'left eye'), ('- _', '-_')]


@pytest.mark.parametrize('first, second', SAME + DIFFERENT)
def test_alike_as_for_the_tokenizer(first, second):
    first_ids, second_ids = (bpe_tokenizer().encode(clean_text(text)) for text in (first, second))
    assert (first_ids == second_ids) == ((first, second) in SAME)
    assert (comparable(first) == comparable(second)) == ((first, second) in SAME)


def test_duplicates_are_named_as_they_are_written():
    assert alike(['Nose', 'tail', 'nose', 'nose']) == [('Nose', 'nose'), ('Nose', 'nose')]
    with pytest.raises(ValueError, match="must differ, but 'Left eye' and 'left EYE' are the same"):
        TextQueries.parse('Left eye, left  EYE')
    with pytest.raises(ValueError, match="'eye: Tip' and 'eye: tip' are the same"):
        TextQueries.create(['eye', 'eye'], ['Tip', 'tip'])
    assert TextQueries.create([' tip &amp; tail'], ['a\tb']).texts == ['tip & tail: a b']
