"""Questions to a tuned vision-language model, against transformers' own processor and generation."""

import io
import threading

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_llava import IMAGE_TOKENS

from clamp_mmpose.apis import ImageChat
from clamp_mmpose.apis.chat import read_chat_config
from clamp_mmpose.cli import chat as command
from clamp_mmpose.cli import export

QUESTION = 'Where is the left eye of this object?'
PIXELS = np.random.default_rng(0).integers(0, 255, (2, 40, 30, 3), np.uint8)  # two images, RGB
IMAGES = [Image.fromarray(pixels) for pixels in PIXELS]


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp('chat')
    for i, image in enumerate(IMAGES):
        image.save(folder / f'{i}.png')
    (folder / 'broken.png').write_bytes((folder / '0.png').read_bytes()[:500])
    return folder


@pytest.fixture(scope='module')
def chat(tuned):
    return ImageChat(str(tuned[0]), str(tuned[1]), 'cpu')


def message(role, text, images=0):
    return dict(role=role, content=[dict(type='image')] * images + [dict(type='text', text=text)])


def reference(model, messages, images=()):
    """The likeliest 8 tokens by transformers alone."""
    processor = model.processor
    text = processor.apply_chat_template(messages, add_generation_prompt=True)
    inputs = processor(images=list(images) or None, text=[text], return_tensors='pt')
    with torch.no_grad():
        ids = model.vlm.generate(
            **inputs, do_sample=False, max_new_tokens=8, eos_token_id=model.stops, pad_token_id=model.pad
        )
    return processor.tokenizer.decode(ids[0, inputs['input_ids'].shape[1] :], skip_special_tokens=True).strip()


def test_answers_are_those_of_transformers(tuned, chat, files):
    model = tuned[2]
    expected = [reference(model, [message('user', QUESTION, 1)], [image]) for image in IMAGES]
    assert expected[0] and expected[0] != expected[1]
    assert chat(files / '0.png', QUESTION) == chat(PIXELS[0][..., ::-1], QUESTION) == expected[0]
    assert chat(IMAGES[1], QUESTION) == chat([str(files / '1.png')], QUESTION) == expected[1]
    assert chat(None, QUESTION) == reference(model, [message('user', QUESTION)]) != expected[0]
    assert chat(IMAGES, QUESTION) == reference(model, [message('user', QUESTION, 2)], IMAGES)
    # the same conversation in both forms; the image belongs to its first question
    second = 'Which object is it?'
    asked = [message('user', QUESTION, 1), message('assistant', 'Above.'), message('user', second)]
    after = reference(model, asked, IMAGES[:1])
    assert chat(IMAGES[0], second, [(QUESTION, 'Above.')]) == after != reference(model, asked[2:])
    turns = [('human', QUESTION), ('gpt', 'Above.'), ('human', second)]
    assert chat(IMAGES[0], [{'from': speaker, 'value': text} for speaker, text in turns]) == after
    assert chat(IMAGES[0], second, [(QUESTION, 'Above.'), ('Why?', ' ')]) == after  # nothing was answered


def test_many_questions(chat):
    images = [IMAGES[0], None, IMAGES, IMAGES[1], IMAGES[0]]
    questions = [QUESTION, 'Who?', 'Which of the two?', QUESTION, 'Where is it?']
    expected = [chat(*pair) for pair in zip(images, questions)]
    assert len(set(expected)) > 2
    for size in (2, 8):
        assert chat.ask(images, questions, batch_size=size) == expected
    assert chat.ask([], []) == []
    with pytest.raises(ValueError, match='question 2: the conversation has'):
        chat.ask([None] * 3, ['a', 'b', 'where ' * 600], batch_size=2)
    with pytest.raises(ValueError, match='one question for each image, got 1 for 2 images'):
        chat.ask(IMAGES, [QUESTION])


def test_four_threads(chat, monkeypatch):
    """They get their own answers, one after another: transformers may change layers while they run."""
    questions = [QUESTION, 'Who?', 'Which of the two?', 'Where is it?']
    expected = [chat(IMAGES[i % 2], questions[i]) for i in range(4)]
    found, running, generate = [''] * 4, [], chat.model.generate

    def alone(*args):
        running.append(1)
        assert len(running) == 1
        answer = generate(*args)
        running.pop()
        return answer

    monkeypatch.setattr(chat.model, 'generate', alone)
    together = threading.Barrier(4)

    def work(i):
        together.wait(20)
        found[i] = chat(IMAGES[i % 2], questions[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == expected


def test_folders_need_no_checkpoint(tuned, chat, tmp_path):
    """An exported folder and a folder of transformers; the latter has the weights before tuning."""
    config, checkpoint, _ = tuned
    assert export.main([str(config), str(checkpoint), '--out', str(tmp_path / 'out')]) == 0
    exported = ImageChat(tmp_path / 'out', device='cpu')
    assert exported(IMAGES[0], QUESTION) == chat(IMAGES[0], QUESTION)
    base = ImageChat(str(config.parent / 'model'), device='cpu')
    expected = reference(base.model, [message('user', QUESTION, 1)], IMAGES[:1])
    assert base(IMAGES[0], QUESTION, max_new_tokens=8) == expected != chat(IMAGES[0], QUESTION)
    assert ImageChat(str(config), device='cpu')(IMAGES[0], QUESTION) == expected


def test_length_and_temperature(chat, monkeypatch):
    passed = []
    monkeypatch.setattr(chat.model, 'generate', lambda images, turns, *settings: passed.append(settings) or [''])
    chat(IMAGES[0], QUESTION)
    chat(IMAGES[0], QUESTION, max_new_tokens=3, temperature=0.5)
    chat(IMAGES[0], QUESTION, max_new_tokens=1024)
    turns = [{'from': 'human', 'value': QUESTION}]
    length = len(chat.model.chat.prompt(turns, IMAGES[:1]))
    assert length > IMAGE_TOKENS + 10
    assert passed == [(8, 0.0), (3, 0.5), (512 - length, 0.0)]  # the model reads 512 tokens
    with pytest.raises(
        ValueError, match=r'the conversation has [\d,]+ tokens with its images, and the model reads 512'
    ):
        chat(IMAGES[0], 'where ' * 600)
    monkeypatch.setattr(chat, 'max_length', length + 1)
    chat(IMAGES[0], QUESTION)
    assert passed[-1] == (1, 0.0)
    monkeypatch.setattr(chat, 'max_length', length)
    with pytest.raises(ValueError, match=f'has {length} tokens with its images, and the model reads {length} with'):
        chat(IMAGES[0], QUESTION)


@pytest.mark.parametrize(
    'image, question, settings, message',
    [
        ('none.png', QUESTION, {}, 'none.png does not exist'),
        ('broken.png', QUESTION, {}, 'broken.png is truncated'),
        (np.zeros((4, 4, 7), np.uint8), QUESTION, {}, r'image 0 is ndarray of uint8 with the shape \[4, 4, 7\]'),
        (None, '  ', {}, 'the question is empty'),
        (None, 'Who </s> is it?', {}, "has the special token '</s>'"),
        (None, '<image> Who?', {}, '0 images for 1 <image> tag'),
        (None, [], {}, 'conversations must be a list of turns'),
        (None, [{'from': 'gpt', 'value': 'I.'}], {}, 'the last turn is from gpt, expected human'),
        (None, [{'from': 'human', 'value': 'Who?'}], dict(history=[('a', 'b')]), 'leave out history'),
        (None, QUESTION, dict(max_new_tokens=0), 'max_new_tokens=0, expected at least 1'),
        (None, QUESTION, dict(temperature=-1), 'temperature=-1, expected at least 0'),
        (None, QUESTION, dict(temperature=float('nan')), 'temperature=nan, expected a finite number'),
    ],
)
def test_errors(chat, files, image, question, settings, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        chat(files / image if isinstance(image, str) else image, question, **settings)


def test_other_models(tuned, tmp_path):
    other = tmp_path / 'other.py'
    other.write_text("model = dict(type='TopdownPoseEstimator')")
    with pytest.raises(ValueError, match=r'other\.py has a TopdownPoseEstimator, expected a VisionLanguageModel'):
        ImageChat(other)
    other.write_text('optimizer = 1')
    with pytest.raises(ValueError, match=r'other\.py has no model, expected a VisionLanguageModel'):
        ImageChat(str(other))
    with pytest.raises(FileNotFoundError, match=r'checkpoint none\.pth does not exist'):
        ImageChat(str(tuned[0]), 'none.pth')
    with pytest.raises(FileNotFoundError, match='config nothing does not exist'):
        ImageChat('nothing')
    model = read_chat_config('llava-hf/llava-1.5-7b-hf', {'model.dtype': 'bfloat16'}).model
    assert model.model == model.init_cfg.checkpoint == 'llava-hf/llava-1.5-7b-hf'
    assert (model.tune, model.dtype) == ('frozen', 'bfloat16')


def run(capsys, *argv):
    code = command.main([*map(str, argv), '--device', 'cpu'])
    return code, *capsys.readouterr()


def test_command(tuned, chat, files, capsys):
    config, checkpoint, _ = tuned
    # the question behind or before the options, with and without checkpoint
    image = ['--image', files / '0.png']
    expected = f'{chat(IMAGES[0], QUESTION)}\n'
    assert run(capsys, config, checkpoint, *image, QUESTION)[:2] == (0, expected)
    both = ['--image', files / '0.png', '--image', files / '1.png', '--max-new-tokens', 2]
    assert run(capsys, config, checkpoint, QUESTION, *both)[1] == f'{chat(IMAGES, QUESTION, max_new_tokens=2)}\n'
    untuned = run(capsys, config, *image, QUESTION)[1]
    assert untuned == f'{ImageChat(str(config), device="cpu")(IMAGES[0], QUESTION)}\n' != expected
    options = ['--cfg-options', 'model.test_cfg.max_new_tokens=2', '--temperature', '0']
    assert run(capsys, config, checkpoint, QUESTION, *options)[1] == f'{chat(None, QUESTION, max_new_tokens=2)}\n'
    for bad, text in ((['--image', 'none.png'], 'image none.png does not exist'), (['no.pth'], 'checkpoint no.pth')):
        code, _, error = run(capsys, config, *bad)
        assert code == 1 and error.startswith(f'error: {text}') and error.count('\n') == 1


def test_command_reads_a_conversation(tuned, chat, files, capsys, monkeypatch):
    config, checkpoint, _ = tuned
    second = 'Which object is it?'
    monkeypatch.setattr('sys.stdin', io.StringIO(f'{QUESTION}\n\n{"where " * 600}\n{second}\n'))
    code, out, error = run(capsys, config, checkpoint, '--image', files / '0.png')
    first = chat(IMAGES[0], QUESTION)
    assert out == f'{first}\n{chat(IMAGES[0], second, [(QUESTION, first)])}\n'
    assert code == 1 and error.splitlines()[-1].startswith('error: the conversation has')
