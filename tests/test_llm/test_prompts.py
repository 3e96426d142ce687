import pytest

from clamp_mmpose.llm.prompts import load_prompt

GIVEN = """\
name: own
version: 2
source: ours
system: 'Write about {subjects}; sets are {{1}}.'
instructions: ['Go on.']
few_shot: seeds.yml
opening: Hello.
"""


def write(tmp_path, text, old='', new=''):
    path = tmp_path / 'own.yml'
    path.write_text(text.replace(old, new) if old else text, encoding='utf-8')
    return path


def load(path):
    return load_prompt(path, placeholders=['subjects'], parts=['opening'])


def test_a_prompt_of_the_user(tmp_path):
    prompt = load(write(tmp_path, GIVEN))
    assert prompt.id == 'own/2' and prompt.source == 'ours'
    assert prompt.system.format(subjects='dogs') == 'Write about dogs; sets are {1}.'
    assert prompt.instructions == ('Go on.',) and prompt.parts == {'opening': 'Hello.'}
    assert prompt.few_shot == tmp_path / 'seeds.yml'


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('name: own\n', '', 'own.yml has no name: add it'),
        ('opening: Hello.\n', '', 'has no opening: add it'),
        ('opening', 'openning', 'has no opening'),
        ('few_shot', 'fewshot', 'has the unknown keys fewshot; expected name, version, source, system, instructions'),
        ("'Write about {subjects}; sets are {{1}}.'", '[1]', r'system must be a text, got \[1\]'),
        ('{subjects}', '{animals}', 'system has the placeholder {animals}, expected subjects'),
        ('{{1}}', '{1}', 'system has the placeholder {1}'),
        (
            '{subjects}',
            '{subjects:>9999999999}',
            r'system has the placeholder {subjects:>9999999999}, expected subjects',
        ),
        ('{{1}}', '{1', 'system: .* a brace that is no placeholder is written twice'),
        ("['Go on.']", 'Go on.', "instructions must be a list of texts, got 'Go on.'"),
        ("['Go on.']", "['Go {on}.']", r'instructions\[0\] has the placeholder {on}'),
        ("['Go on.']", '[1]', r'instructions\[0\] must be a text, got 1'),
        ('Hello.', "' '", 'opening must be a text'),
        ('seeds.yml', '[a]', r"few_shot must be the name of a file, got \['a'\]"),
        (GIVEN, '- 1', 'must be a mapping with the keys name, version, source, system'),
        ('Hello.', '!!python/object:os.system x', 'cannot be read as YAML'),
    ],
)
def test_wrong_prompts(tmp_path, old, new, message):
    with pytest.raises(ValueError, match=message) as caught:
        load(write(tmp_path, GIVEN, old, new))
    assert '\n' not in str(caught.value)


def test_unknown_prompts(tmp_path):
    with pytest.raises(ValueError, match="prompt='conversations', expected one of "):
        load_prompt('conversations')
    with pytest.raises(ValueError, match='expected one of '):
        load_prompt('../tasks/conversation')
    with pytest.raises(FileNotFoundError, match=r'prompt .*nowhere.yml not found'):
        load_prompt(tmp_path / 'nowhere.yml')
