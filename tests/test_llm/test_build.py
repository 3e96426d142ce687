import pytest

from clamp_mmpose.llm.build import build_language_model


def test_fields_are_the_arguments_of_the_client():
    config = dict(type='openai', model='tiny', base_url='http://localhost:8000/v1', max_tokens=5, concurrency=3)
    client = build_language_model(config)
    assert (client.base_url, client.concurrency) == ('http://localhost:8000/v1', 3)
    assert client.settings == dict(model='tiny', temperature=0.7, max_tokens=5, seed=0)
    assert config['type'] == 'openai'


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        (dict(type='gpt'), r"llm.type='gpt', expected one of 'openai', 'template'"),
        (dict(model='tiny'), 'llm.type=None'),
        (dict(type='openai'), "llm of type 'openai' needs model"),
        (dict(type='openai', model='m', api_key='sk-1'), "llm of type 'openai' has no field api_key; expected model, "),
        (
            dict(type='openai', model='m', settings=dict(Authorization='sk-1')),
            'settings must not hold authorization: set OP',
        ),
        (
            dict(type='openai', model='m', settings=dict(seed=1)),
            'settings must not hold seed: give seed beside settings',
        ),
        (dict(type='openai', model='m', concurrency=0), 'concurrency=0, expected a number above 0'),
    ],
)
def test_wrong_configs(config, message):
    with pytest.raises(ValueError, match=message) as raised:
        build_language_model(config)
    assert 'sk-1' not in str(raised.value)
