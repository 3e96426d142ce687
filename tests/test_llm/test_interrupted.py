"""Runs that are killed or interrupted lose no answer that arrived, and none that is under way at a first Ctrl-C."""

import multiprocessing
import os
import signal
import threading
import time

import pytest
from replay_server import Answer, completion, replay

from clamp_mmpose.llm.ask import ask
from clamp_mmpose.llm.client import OpenAIClient
from clamp_mmpose.llm.journal import Journal, JournalIndex
from clamp_mmpose.llm.request import Request

REQUESTS = [Request(f'r{i}', (dict(role='user', content=str(i)),), 'p/1') for i in range(40)]


def run(url, path):
    with Journal(path) as journal:
        client = OpenAIClient('tiny', url, concurrency=4)
        return ask(REQUESTS, client, journal, lambda _, text: text, progress=False)


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_killed_run_goes_on(tmp_path):
    path = tmp_path / 'j'
    with replay([Answer(completion('Yes.'), delay=0.05)]) as server:
        process = multiprocessing.get_context('fork').Process(target=run, args=(server.url, path))
        process.start()
        wait_until(lambda: len(server.bodies) >= 12)
        process.kill()
        process.join()
        kept, sent = len(JournalIndex(path)), len(server.bodies)
        assert kept >= 8 and sent - kept <= 4  # what was under way
        asked = run(server.url, path)
        assert (asked.reused, asked.sent) == (kept, 40 - kept) and len(asked.values) == 40


@pytest.mark.parametrize('times', [1, 2])
def test_ctrl_c(tmp_path, times):
    """Once: what is under way is awaited; twice: it is left."""
    path = tmp_path / 'j'
    with replay([Answer(completion('Yes.'), delay=0.3)]) as server:

        def interrupt():
            wait_until(lambda: len(server.bodies) == 4)
            for _ in range(times):
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.05)

        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            run(server.url, path)
        thread.join()
        assert len(server.bodies) == 4
    assert len(JournalIndex(path)) == (4 if times == 1 else 0)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
