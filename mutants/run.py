"""Share of small faults in models, losses and metrics that the tests find; see docs/architecture.md.

Each mutant is one changed piece of source in a copy of the package. A child process of one that has imported PyTorch
and MMPose, but not the package, runs the tests that execute the changed lines, the fastest first, until one fails.
"""

import argparse
import ast
import hashlib
import importlib
import json
import multiprocessing
import os
import random
import runpy
import shutil
import signal
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Set

import pytest
import yaml

from mutants.mutate import Mutant, mutants_of

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ('clamp_mmpose/models', 'clamp_mmpose/evaluation')
TESTS = (
    'tests/test_models',
    'tests/test_evaluation',
    'tests/test_checkpoints',
    'tests/test_layers.py',
)
EQUIVALENT = ROOT / 'mutants/equivalent.yml'
MAP = ROOT / 'work_dirs/mutants.json'
SLOW_IMPORTS = ('mmpose.apis', 'mmengine.runner', 'open_clip', 'transformers', 'scipy.stats', 'pandas')
OPTIONS = ['-q', '-x', '-p', 'no:cacheprovider', '-p', 'no:xdist', '--no-header', '--tb=line']
GOAL = 0.9


class Test(NamedTuple):
    """How long a test takes, and the lines that it runs of each file."""

    seconds: float
    lines: Dict[str, Set[int]]


class Tracer:
    """Pytest plugin: the lines that each test runs; those of a shared fixture count for all tests that use it."""

    def __init__(self, package: Path):
        self.prefix = f'{package.parent}{os.sep}'
        self.sources = tuple(f'{self.prefix}{source}' for source in SOURCES)
        self.found: Dict[str, dict] = {}
        self.fixtures: Dict[str, Dict[str, Set[int]]] = {}
        self.lines: Dict[str, Set[int]] = {}

    def trace(self, frame, event, _):
        """As ``sys.settrace`` wants it."""
        name = frame.f_code.co_filename
        if event == 'call' and not name.startswith(self.sources):
            return None
        self.lines.setdefault(name[len(self.prefix) :], set()).add(frame.f_lineno)
        return self.trace

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef):
        if fixturedef.scope == 'function':
            return (yield)
        outer, self.lines = self.lines, self.fixtures.setdefault(fixturedef.argname, {})
        try:
            return (yield)
        finally:
            self.lines = outer

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        self.lines, start = {}, time.perf_counter()
        sys.settrace(self.trace)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            for fixture in item.fixturenames:
                for name, lines in self.fixtures.get(fixture, {}).items():
                    self.lines.setdefault(name, set()).update(lines)
            self.found[item.nodeid] = dict(
                seconds=time.perf_counter() - start, lines={name: sorted(lines) for name, lines in self.lines.items()}
            )


def map_tests(jobs: int) -> Dict[str, Test]:
    """The map of all tests. Each file's is kept until that file, the package or a helper of the tests changes.

    Raises:
        RuntimeError: a test fails without any mutant.
    """
    files = sorted(path for name in TESTS for path in _python_files(ROOT / name))
    helpers = [path for path in _python_files(ROOT / 'tests') if not path.name.startswith('test_')]
    common = _hash([*_python_files(ROOT / 'clamp_mmpose'), *helpers])
    kept = json.loads(MAP.read_text()) if MAP.exists() else {}
    maps = {path.relative_to(ROOT).as_posix(): f'{common} {_hash([path])}' for path in files}
    maps = {name: kept[name] if kept.get(name, {}).get('key') == key else dict(key=key) for name, key in maps.items()}
    missing = [name for name, entry in maps.items() if 'tests' not in entry]
    print(f'mapping the tests of {len(missing)} files', flush=True)
    with _processes(jobs) as pool:
        for name, tests in zip(missing, pool.map(_map_file, missing)):
            maps[name]['tests'] = tests
    MAP.parent.mkdir(exist_ok=True)
    MAP.write_text(json.dumps(maps))
    return {
        test: Test(found['seconds'], {file: set(lines) for file, lines in found['lines'].items()})
        for entry in maps.values()
        for test, found in entry['tests'].items()
    }


def _map_file(name: str) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        package, result = _copy(folder), Path(folder) / 'map.json'

        def run() -> int:
            tracer = Tracer(package)
            code = pytest.main([name, *OPTIONS], plugins=[tracer])
            result.write_text(json.dumps(tracer.found))
            return code

        if _in_child(run, package, 600) not in (0, 5):  # 5: all skipped
            log = (package.parent / 'log').read_text()
            raise RuntimeError(f'{name} fails without a mutant: make the tests pass first.\n{log}')
        return json.loads(result.read_text())


def tests_of(mutant: Mutant, tests: Dict[str, Test]) -> List[str]:
    """The tests that run the mutant's statement, else its function (its defaults), else its file; the fastest first."""
    statement = range(mutant.first, mutant.last + 1)
    for lines in (statement, *_functions(mutant), range(1, 1 << 20)):
        names = [name for name, test in tests.items() if any(line in lines for line in test.lines.get(mutant.file, ()))]
        if names:
            return sorted(names, key=lambda name: tests[name].seconds)
    return []


def survives(mutant: Mutant, names: Sequence[str], seconds: float) -> bool:
    """Whether all these tests pass, which take so long without the mutant. A run that takes far longer is a failure."""
    with tempfile.TemporaryDirectory() as folder:
        package = _copy(folder)
        (package.parent / mutant.file).write_text(mutant.source)
        return not names or _in_child(lambda: pytest.main([*names, *OPTIONS]), package, 60 + 5 * seconds) == 0


def _functions(mutant: Mutant) -> List[range]:
    """Lines of the functions around the mutant, the innermost first."""
    nodes = [node for node in ast.walk(ast.parse(mutant.source)) if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    around = [
        range(node.lineno, node.end_lineno + 1) for node in nodes if node.lineno <= mutant.line <= node.end_lineno
    ]
    return sorted(around, key=len)


def _in_child(function: Callable[[], int], package: Path, limit: float) -> Optional[int]:
    """Exit code of the function in a fork that imports the package from this copy; None after the time limit."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        sink = os.open(package.parent / 'log', os.O_WRONLY | os.O_CREAT)
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        os.chdir(ROOT)
        sys.path[:0] = [str(package.parent), str(ROOT)]
        os.environ['PYTHONPATH'] = os.pathsep.join([str(package.parent), os.environ.get('PYTHONPATH', '')])
        code = 1
        try:
            code = int(function())
        finally:
            os._exit(code)
    end = time.monotonic() + limit
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _copy(folder: str) -> Path:
    return Path(shutil.copytree(ROOT / 'clamp_mmpose', Path(folder) / 'clamp_mmpose'))


def _processes(jobs: int) -> ProcessPoolExecutor:
    """Forks of this process; threads would not do, as some tests fork too."""
    return ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context('fork'))


def _python_files(path: Path) -> List[Path]:
    return [path] if path.is_file() else sorted(path.rglob('*.py'))


def _hash(paths: Sequence[Path]) -> str:
    return hashlib.sha256(b'\0'.join(path.read_bytes() for path in paths)).hexdigest()[:16]


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--count', type=int, default=100, help='number of mutants, drawn at random')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--jobs', type=int, default=2, help='processes')
    parser.add_argument('--under', default='', help='only files whose path begins so')
    args = parser.parse_args(argv)
    runpy.run_path(str(ROOT / 'clamp_mmpose/compat.py'))['install']()
    for module in SLOW_IMPORTS:
        importlib.import_module(module)

    files = [path for source in SOURCES for path in _python_files(ROOT / source)]
    equivalent = {entry['mutant'] for entry in yaml.safe_load(EQUIVALENT.read_text())}
    every = [mutant for path in files for mutant in mutants_of(path, ROOT) if mutant.file.startswith(args.under)]
    every = [mutant for mutant in every if mutant.name not in equivalent]
    drawn = random.Random(args.seed).sample(every, min(args.count, len(every)))
    tests = map_tests(args.jobs)
    print(f'{len(drawn)} of {len(every):,} mutants, seed {args.seed}', flush=True)

    names = [tests_of(mutant, tests) for mutant in drawn]
    seconds = [sum(tests[name].seconds for name in own) for own in names]
    survivors = 0
    with _processes(args.jobs) as pool:
        for mutant, survived in zip(drawn, pool.map(survives, drawn, names, seconds)):
            if survived:
                survivors += 1
                print(f'{mutant.file}:{mutant.line}  {mutant.original} -> {mutant.mutated}', flush=True)
    caught = len(drawn) - survivors
    print(f'{caught} of {len(drawn)} are caught: {caught / len(drawn):.0%}')
    return int(caught < GOAL * len(drawn))


if __name__ == '__main__':
    sys.exit(main())
