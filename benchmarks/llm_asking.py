"""Asking language models: resuming a long journal, and the rate of requests against a server with a fixed delay."""

import asyncio
import hashlib
import json
import multiprocessing
import re
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Callable, Dict, List

from clamp_mmpose.llm.ask import ask
from clamp_mmpose.llm.client import OpenAIClient
from clamp_mmpose.llm.journal import Entry, Journal
from clamp_mmpose.llm.language_model import LanguageModel
from clamp_mmpose.llm.request import Reply, Request, Usage

from .cape_llm import forget_peak, memory

TEXT = 'The person on the left raises the left arm, and the right knee is bent. ' * 15  # 1080 characters
CONCURRENCY = 16


class NoModel(LanguageModel):
    """Everything is in the journal."""

    settings = dict(model='gpt-4o', temperature=0.7, max_tokens=1024, seed=0)

    async def answer(self, request: Request, attempt: int) -> Reply:
        raise RuntimeError(f'{request.id} is not in the journal')


def make_request(i: int, length: int = 0) -> Request:
    """With ``length`` characters before its number."""
    return Request(f'detail/{i}', (dict(role='user', content=f'{"x" * length}{i}'),), 'detail/1')


def journal(lines: int) -> Dict[str, float]:
    """Open a journal, and ask what it has the answers to, in a process of its own; memory beyond the start (Linux)."""
    with TemporaryDirectory() as folder:
        path = str(Path(folder, 'journal.jsonl'))
        for work in (_write_journal, _resume):
            with ProcessPoolExecutor(1, multiprocessing.get_context('spawn')) as pool:
                result = pool.submit(work, path, lines).result()
    return result


def _write_journal(path: str, lines: int) -> None:
    model = NoModel()
    with Journal(path) as journal:
        for i in range(lines):
            request = make_request(i)
            journal.append(
                Entry(
                    model.key(request),
                    request.id,
                    'done',
                    0,
                    text=TEXT,
                    finish_reason='stop',
                    usage=Usage(900, 250),
                    model='gpt-4o-2024-08-06',
                    prompt=request.prompt,
                    settings=model.settings,
                )
            )


def _resume(path: str, lines: int) -> Dict[str, float]:
    requests = [make_request(i) for i in range(lines)]
    before = memory('VmRSS')
    forget_peak()
    start, used = time.perf_counter(), time.process_time()
    with Journal(path) as journal:
        opened, opened_cpu = time.perf_counter() - start, time.process_time() - used
        opened_memory = memory('VmHWM') - before
        asked = ask(requests, NoModel(), journal, _digest, progress=False)
    resumed, resumed_cpu = time.perf_counter() - start, time.process_time() - used
    if asked.reused != lines:
        raise RuntimeError(f'{asked.reused} of {lines} answers were found')
    return dict(
        lines=lines,
        file_mib=Path(path).stat().st_size / 2**20,
        opened_s=opened,
        opened_cpu_s=opened_cpu,
        opened_mib=opened_memory,
        resumed_s=resumed,
        resumed_cpu_s=resumed_cpu,
        resumed_mib=memory('VmHWM') - before,
    )


def _digest(request: Request, text: str) -> bytes:
    """A short value instead of a parsed text, whose memory is the task's."""
    return hashlib.md5(text.encode()).digest()


def rate(requests: int, delay: float) -> Dict[str, float]:
    """Requests per second at concurrency 16, against a server process that answers after ``delay`` seconds.

    ``bare``: the package openai alone, in the same loop of 16 workers, without journal, parser and checks.
    """
    receiver, sender = multiprocessing.Pipe(duplex=False)
    server = multiprocessing.get_context('spawn').Process(target=_serve, args=(sender, delay), daemon=True)
    server.start()
    url = f'http://127.0.0.1:{receiver.recv()}/v1'
    try:
        runs: Dict[str, Callable[[], Any]] = dict(
            ours=lambda: _ask(url, requests), bare=lambda: asyncio.run(_bare(url, requests))
        )
        seconds: Dict[str, List[float]] = {name: [] for name in runs}
        cpu: Dict[str, float] = {}
        for _ in range(3):
            for name, run in runs.items():
                start, used = time.perf_counter(), time.process_time()
                run()
                seconds[name].append(time.perf_counter() - start)
                cpu[name] = (time.process_time() - used) / requests
    finally:
        server.kill()
    ideal = CONCURRENCY / delay
    rates = {name: requests / sorted(found)[1] for name, found in seconds.items()}
    return dict(
        requests=requests,
        delay_s=delay,
        ideal_per_s=ideal,
        per_s=rates['ours'],
        bare_per_s=rates['bare'],
        of_ideal=rates['ours'] / ideal,
        of_bare=rates['ours'] / rates['bare'],
        cpu_ms=1000 * cpu['ours'],
        bare_cpu_ms=1000 * cpu['bare'],
    )


def _ask(url: str, number: int) -> None:
    with TemporaryDirectory() as folder, Journal(Path(folder, 'journal.jsonl')) as journal:
        client = OpenAIClient('tiny', url, concurrency=CONCURRENCY)
        requests = [make_request(i, 2000) for i in range(number)]
        asked = ask(requests, client, journal, lambda _, text: text, progress=False)
    if len(asked.values) != number:
        raise RuntimeError(asked.summary())


async def _bare(url: str, number: int) -> None:
    from openai import AsyncOpenAI

    requests = iter([make_request(i, 2000) for i in range(number)])
    async with AsyncOpenAI(api_key='none', base_url=url) as client:

        async def work() -> None:
            for request in requests:
                await client.chat.completions.create(
                    model='tiny', messages=list(request.messages), temperature=0.7, max_tokens=1024, seed=0
                )

        await asyncio.gather(*[work() for _ in range(CONCURRENCY)])


def _serve(port: Any, delay: float) -> None:
    """A server of the least work: the same answer to everything."""
    message = dict(role='assistant', content=TEXT)
    usage = dict(prompt_tokens=500, completion_tokens=250, total_tokens=750)
    choice = dict(index=0, message=message, finish_reason='stop')
    content = json.dumps(
        dict(id='a', object='chat.completion', created=0, model='tiny', choices=[choice], usage=usage), allow_nan=False
    ).encode()
    head = f'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n'.encode()

    class Answering(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            self.transport, self.received = transport, b''

        def data_received(self, data: bytes) -> None:
            self.received += data
            start, _, body = self.received.partition(b'\r\n\r\n')
            length = re.search(rb'(?i)content-length: *(\d+)', start)
            if length and len(body) >= int(length.group(1)):
                self.received = b''  # the next request follows the answer
                asyncio.get_running_loop().call_later(delay, self.transport.write, head + content)

    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(Answering, '127.0.0.1', 0)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())
