import hashlib

import pytest

from clamp_mmpose.llm.request import Request

MESSAGES = (dict(role='user', content='Où?'),)


def test_key_is_the_hash_of_messages_and_settings():
    text = '{"messages":[{"content":"O\\u00f9?","role":"user"}],"settings":{"model":"m","seed":0}}'
    request = Request('785', MESSAGES, 'conversation/1')
    assert request.key(dict(seed=0, model='m')) == hashlib.sha256(text.encode()).hexdigest()


def test_key_does_not_depend_on_the_id_but_on_its_settings():
    settings = dict(model='m', temperature=0.7)
    plain, other, warmer = (
        Request(name, MESSAGES, 'conversation/1', own).key(settings)
        for name, own in (('a', {}), ('b', {}), ('a', dict(temperature=1.0)))
    )
    assert plain == other != warmer
    assert warmer == Request('a', MESSAGES, 'conversation/1').key(dict(settings, temperature=1.0))


def test_lone_surrogates_have_a_key_and_nan_has_none():
    assert Request('a', (dict(role='user', content='\ud800'),), 'p/1').key({})
    with pytest.raises(ValueError, match=r"request 'a' is not JSON"):
        Request('a', MESSAGES, 'p/1', dict(temperature=float('nan'))).key({})
