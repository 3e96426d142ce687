import torch

from demos.common import threads


def stat(*idle):
    lines = [f'cpu{i} 5 0 5 {ticks // 3} {ticks - ticks // 3} 0 0 0' for i, ticks in enumerate(idle)]
    return '\n'.join(['cpu  9 9 9 9 9', *lines, 'intr 7'])


def test_idle_cores_of_those_that_the_process_may_use(monkeypatch, tmp_path):
    """100 ticks per second: in half a second core 0 is idle all the time, core 1 a fifth; core 2 may not be used."""
    path = tmp_path / 'stat'
    path.write_text(stat(1000, 2000, 3000))
    monkeypatch.setattr(threads, 'STAT', path)
    monkeypatch.setattr('os.sched_getaffinity', lambda _: {0, 1})
    monkeypatch.setattr('os.sysconf', lambda _: 100)
    monkeypatch.setattr('time.sleep', lambda _: path.write_text(stat(1052, 2010, 3050)))
    assert threads.idle_cores(0.5) == 1.2


def test_one_thread_for_each_idle_core(monkeypatch):
    used, idle = [], iter([1.9, 1.2, 0.1, 30.0])
    monkeypatch.setattr(torch, 'set_num_threads', used.append)
    monkeypatch.setattr(threads, 'MOST', 2)
    monkeypatch.setattr(threads, 'idle_cores', lambda: next(idle))
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    for _ in range(4):
        threads.use_idle_cores()
    assert used == [2, 1, 1, 2]
    monkeypatch.setenv('OMP_NUM_THREADS', '7')  # set by the user
    threads.use_idle_cores()
    assert len(used) == 4
