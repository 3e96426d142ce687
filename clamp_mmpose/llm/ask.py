"""Asking a language model many requests: concurrently, within a budget, and none that the journal has an answer to."""

import asyncio
import logging
import signal
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Callable, Deque, Dict, List, Optional, Sequence, Tuple

from mmengine.logging import print_log
from tqdm import tqdm

from .asked import Asked, Prices
from .journal import Entry, Journal
from .language_model import AnswerError, LanguageModel, ServerError
from .request import Reply, Request, Usage
from .tokens import approximate, at_most, prompt_tokens

Parse = Callable[[Request, str], Any]
REFUSALS = ('refusal', 'content_filter')
FEWEST_ERRORS = 20  # in a row, after which the server is taken to be broken
SECONDS_TO_SYNC = 1.0  # between two fsync of the journal, 3 ms each


def ask(
    requests: Sequence[Request],
    model: LanguageModel,
    journal: Journal,
    parse: Parse,
    retries: int = 2,
    budget: Optional[float] = None,
    prices: Optional[Prices] = None,
    progress: bool = True,
) -> Asked:
    """Ask all requests that the journal has no answer to, and parse the answers.

    Every answer is in the journal before anything else happens to it. Requests with the same key are asked once.
    Truncated, refused and unparsable answers stay in the journal and are asked again. After Ctrl-C the answers under
    way are still awaited, and a second Ctrl-C leaves them.

    Args:
        requests: with different ids.
        parse: gets a request and a text, and returns the value or raises ValueError.
        retries: how often a request is asked again, over all runs; errors count in this run only.
        budget: the most that all answers in the journal may cost. What is under way counts at its highest cost: one
            token for each byte of the prompt (1000 for an image), and ``max_tokens``.
        prices: needed for a budget.
        progress: show a progress bar, on a terminal.

    Raises:
        ServerError: the server cannot be used. What was answered is in the journal.
        KeyboardInterrupt: after Ctrl-C, likewise.
        ValueError: two requests have one id, or there is a budget without prices or ``max_tokens``.
    """
    run = _Run(requests, model, journal, parse, retries, budget, prices)
    if run.pending:
        _complete(run, progress)
    if run.stop is not None:
        raise run.stop
    return run.asked


def _complete(run: '_Run', progress: bool) -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(run.all(progress))
        return
    with ThreadPoolExecutor(1) as pool:  # in Jupyter, an event loop runs in this thread
        done = pool.submit(lambda: asyncio.run(run.all(progress)))
        try:
            done.result()
        except KeyboardInterrupt as interrupt:
            run.stop = run.stop or interrupt
            done.result()


class _Job:
    """Requests with the same key, of which the first is asked."""

    __slots__ = ('attempts', 'failure', 'key', 'paid', 'requests')

    def __init__(self, key: str):
        self.key = key
        self.requests: List[Request] = []
        self.paid = 0  # attempts that were answered, badly
        self.attempts = 0
        self.failure = ''


class _Run:
    def __init__(
        self,
        requests: Sequence[Request],
        model: LanguageModel,
        journal: Journal,
        parse: Parse,
        retries: int,
        budget: Optional[float],
        prices: Optional[Prices],
    ):
        if budget is not None and prices is None:
            raise ValueError('a budget needs the prices of tokens.')
        self.model, self.journal, self.parse, self.retries = model, journal, parse, retries
        self.budget, self.prices = budget, prices
        self.asked = Asked()
        self.jobs: Dict[str, _Job] = {}
        for request in requests:
            key = model.key(request)
            self.jobs.setdefault(key, _Job(key)).requests.append(request)
        ids = Counter(request.id for request in requests)
        if len(ids) < len(requests):
            raise ValueError(f'two requests have the id {ids.most_common(1)[0][0]!r}: give each its own.')
        self.pending: Deque[_Job] = deque(job for job in self.jobs.values() if not self._answered(job))
        self.reserved: Dict[str, float] = {}  # highest cost of what is under way, by key
        self.errors = 0  # in a row
        self.stop: Optional[BaseException] = None
        self._count_cost()

    async def all(self, progress: bool) -> None:
        """Answer what is pending; the journal is on the disk at the end, whatever happens."""
        self.freed = asyncio.Event()
        done = len(self.jobs) - len(self.pending)
        self.bar = tqdm(total=len(self.jobs), initial=done, unit='answer', disable=None if progress else True)
        workers = [asyncio.ensure_future(self._work()) for _ in range(min(self.model.concurrency, len(self.pending)))]
        loop = asyncio.get_running_loop()
        handled = self._handle_interrupts(loop, workers)
        sync = asyncio.ensure_future(self._sync())
        try:
            await asyncio.wait(workers)
        finally:
            sync.cancel()
            if handled:
                loop.remove_signal_handler(signal.SIGINT)
            await self.model.close()
            self.bar.close()
            self.journal.sync()
            self._count_cost()
        for job in self.pending:
            for request in job.requests:
                self.asked.failed[request.id] = f'not asked: {self.asked.stopped}'

    def _answered(self, job: _Job) -> bool:
        """Whether the journal has an answer, or no further attempt is left."""
        for entry in self.journal.entries(job.key):
            job.attempts += 1
            if entry.status == 'error':
                continue
            if entry.status in ('done', 'unparsable') and entry.text.strip():  # the parser may have changed
                try:
                    self._take(job, entry, self.parse(job.requests[0], entry.text))
                except ValueError as error:
                    entry = replace(entry, status='unparsable', reason=str(error))
                else:
                    self.asked.reused += len(job.requests)
                    return True
            job.paid += 1
            job.failure = _failure(entry)
        if job.paid > self.retries:
            self._fail(job)
            return True
        return False

    async def _work(self) -> None:
        while self.pending and self.stop is None and self.asked.stopped is None:
            job = self.pending.popleft()
            try:
                if not await self._finish(job):
                    self.pending.appendleft(job)
                    return
            except Exception as error:  # what is under way is still recorded
                self.stop = self.stop or error
                return
            self.bar.update()

    async def _finish(self, job: _Job) -> bool:
        """Ask until an answer is good or no attempt is left; False if the run ends before."""
        for _ in range(self.retries + 1 - job.paid):
            if not await self._reserve(job):
                return False
            try:
                done = await self._attempt(job)
            finally:
                del self.reserved[job.key]
                self.freed.set()
            if done:
                return True
        self._fail(job)
        return True

    async def _attempt(self, job: _Job) -> bool:
        """Ask once and record the answer; whether nothing is left to do."""
        request, attempt = job.requests[0], job.attempts
        origin: Dict[str, Any] = dict(prompt=request.prompt, settings=self._settings(request))
        self.asked.sent += 1
        job.attempts += 1
        try:
            reply = await self.model.answer(request, attempt)
        except AnswerError as error:
            self._record(job, Entry(job.key, request.id, 'error', attempt, reason=str(error), **origin))
            self.errors += 1
            if self.errors >= max(FEWEST_ERRORS, 2 * self.model.concurrency):
                raise ServerError(f'{self.errors} requests failed in a row, the last one: {error}.') from None
            if not error.again:
                self._fail(job)
            return not error.again
        self.errors = 0
        status, reason, value, fault = self._judge(request, reply)
        entry = Entry(
            job.key,
            request.id,
            status,
            attempt,
            text=reply.text,
            reason=reason,
            finish_reason=reply.finish_reason,
            usage=reply.usage or Usage(prompt_tokens(request.messages), approximate(reply.text)),
            estimated=reply.usage is None,
            model=reply.model,
            **origin,
        )
        self._record(job, entry)
        if fault is not None:
            raise fault
        if status == 'done':
            self._take(job, entry, value)
        return status == 'done'

    def _judge(self, request: Request, reply: Reply) -> Tuple[str, str, Any, Optional[Exception]]:
        """Status, reason, value, and an error of the parser itself, to be raised once the answer is recorded."""
        if reply.finish_reason in REFUSALS:
            return 'refused', ' '.join(reply.text.split())[:200] or reply.finish_reason, None, None
        if reply.finish_reason == 'length':
            return 'truncated', 'raise max_tokens', None, None
        if not reply.text.strip():
            return 'unparsable', 'the text is empty', None, None
        try:
            return 'done', '', self.parse(request, reply.text), None
        except ValueError as error:
            return 'unparsable', str(error), None, None
        except Exception as error:
            return 'unparsable', repr(error), None, error

    def _take(self, job: _Job, entry: Entry, value: Any) -> None:
        """Keep the value for the first request of the job, and parse the text for the others."""
        for request in job.requests:
            try:
                self.asked.values[request.id] = value if request is job.requests[0] else self.parse(request, entry.text)
            except ValueError as error:
                self.asked.failed[request.id] = f'unparsable: {error}'
                continue
            self.asked.provenance[request.id] = dict(
                key=entry.key,
                model=entry.model,
                prompt=request.prompt,
                settings=self._settings(request),
                attempts=entry.attempt + 1,
                time=entry.time,
            )

    def _fail(self, job: _Job) -> None:
        for request in job.requests:
            self.asked.failed[request.id] = job.failure

    def _settings(self, request: Request) -> Dict[str, Any]:
        return {**self.model.settings, **request.settings} if request.settings else self.model.settings

    def _record(self, job: _Job, entry: Entry) -> None:
        self.journal.append(entry)
        job.failure = _failure(entry)
        self.asked.usage = Usage(*(a + b for a, b in zip(self.asked.usage, entry.usage)))
        self.asked.estimated += entry.estimated
        self._count_cost()
        if self.asked.total_cost is not None:
            self.bar.set_postfix(cost=f'{self.asked.total_cost:.2f}', failed=len(self.asked.failed), refresh=False)

    def _count_cost(self) -> None:
        if self.prices is not None:
            self.asked.cost = self.prices.cost(self.asked.usage)
            self.asked.total_cost = self.prices.cost(self.journal.index.usage)

    async def _reserve(self, job: _Job) -> bool:
        """Wait until the request fits into the budget; False if it does not, or the run ends."""
        cost = self._highest_cost(job.requests[0])
        while self.stop is None and self.asked.stopped is None:
            if (
                self.budget is None
                or (self.asked.total_cost or 0.0) + sum(self.reserved.values()) + cost <= self.budget
            ):
                self.reserved[job.key] = cost
                return True
            if not self.reserved:
                self.asked.stopped = f'the next request may exceed the budget of {self.budget:g}'
                self.freed.set()
                return False
            self.freed.clear()
            await self.freed.wait()
        return False

    def _highest_cost(self, request: Request) -> float:
        if self.budget is None:
            return 0.0
        most = self._settings(request).get('max_tokens')
        if most is None:
            raise ValueError('a budget needs max_tokens in llm: without it an answer may cost any amount.')
        return self.prices.cost(Usage(prompt_tokens(request.messages, at_most), most))

    async def _sync(self) -> None:
        while True:
            await asyncio.sleep(SECONDS_TO_SYNC)
            await asyncio.get_running_loop().run_in_executor(None, self.journal.sync)

    def _handle_interrupts(self, loop: asyncio.AbstractEventLoop, workers: Sequence['asyncio.Future[None]']) -> bool:
        """Let the first Ctrl-C end the run after what is under way; False where that is not possible."""

        def interrupt() -> None:
            if isinstance(self.stop, KeyboardInterrupt):
                for worker in workers:
                    worker.cancel()
                return
            self.stop = KeyboardInterrupt()
            self.freed.set()
            print_log(
                f'Waiting for {len(self.reserved)} answers under way; Ctrl-C again to leave them.',
                logger='current',
                level=logging.WARNING,
            )

        try:
            loop.add_signal_handler(signal.SIGINT, interrupt)
        except (NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread
            return False
        return True


def _failure(entry: Entry) -> str:
    return f'{entry.status}: {entry.reason}'
