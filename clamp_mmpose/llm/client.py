import asyncio
import logging
import os
import re
from typing import Any, Dict, Optional, Set
from urllib.parse import urlsplit
from urllib.request import getproxies

from mmengine.logging import print_log

from clamp_mmpose.utils.files import parse_json

from .language_model import AnswerError, LanguageModel, ServerError
from .pace import Pace
from .request import Reply, Request, Usage
from .tokens import prompt_tokens, texts_of

try:
    import openai
except ImportError as error:
    raise ImportError('asking a language model needs openai: pip install "clamp_mmpose[texts]"') from error

KEY = 'OPENAI_API_KEY'
SHORTEST_KEY = 8  # characters; local servers are given words such as 'none', which answers may hold
THIS_MACHINE = ('localhost', '127.0.0.1', '::1')
LONGEST_TEXT = 1_000_000  # characters
MOST_TOKENS = 2**31  # of one answer
LONGEST_WAIT = 60.0  # seconds
OTHERS_REMEDY = dict(
    **{name: f'give {name} beside settings' for name in ('model', 'temperature', 'max_tokens', 'seed')},
    messages='the tasks write them',
    stream='answers are read whole',
    n='each request has one answer',
)
OTHERS = {*OTHERS_REMEDY, 'api_key', 'authorization', 'headers', 'extra_headers'}  # what settings must not hold
FORMAT_WORDS = ('response_format', 'json_schema', 'json_object', 'schema', 'grammar')


class OpenAIClient(LanguageModel):
    """A server that speaks OpenAI's protocol: OpenAI's own, vLLM, Ollama, llama.cpp, ``transformers serve``, others.

    The key is read from the environment variable OPENAI_API_KEY; a server on this machine needs none. It is sent by
    https or to this machine only. What a server refuses (``response_format``, ``seed``, ``max_tokens`` by this name) is
    left out of further requests, with a warning.

    Args:
        model: its name on the server.
        base_url: of the server, such as 'http://localhost:8000/v1'. None: that of OPENAI_BASE_URL, else OpenAI's.
        temperature, max_tokens, seed: sent with each request, unless None; attempt k is asked with ``seed + k``.
        settings: further ones that the server knows, such as ``dict(top_p=0.9)``.
        concurrency: how many requests are under way at a time.
        requests_per_minute, tokens_per_minute: the server's limits; a request counts its prompt and ``max_tokens``.
        timeout: seconds without an answer, after which a request is sent again.
        max_retries: how often a request is sent again after a timeout, a lost connection, or HTTP 408, 409, 429 or 5xx.

    Raises:
        ValueError: the ``base_url`` is none, or holds a password, or ``settings`` hold a key or another argument.
    """

    def __init__(
        self,
        model: str,
        base_url: Optional[str] = None,
        temperature: Optional[float] = 0.7,
        max_tokens: Optional[int] = 1024,
        seed: Optional[int] = 0,
        settings: Optional[Dict[str, Any]] = None,
        concurrency: int = 16,
        requests_per_minute: Optional[float] = None,
        tokens_per_minute: Optional[float] = None,
        timeout: float = 600.0,
        max_retries: int = 6,
    ):
        base_url = base_url or os.environ.get('OPENAI_BASE_URL') or None
        parts = urlsplit(base_url or 'https://api.openai.com/v1')
        if parts.scheme not in ('http', 'https') or not parts.hostname:
            raise ValueError(f'base_url={base_url!r:.100}, expected an address such as http://localhost:8000/v1.')
        if parts.username or parts.password or parts.query:
            raise ValueError(f'base_url must not hold a key or password: set {KEY} in the environment.')
        for name in sorted(OTHERS & {name.lower() for name in settings or {}}):
            raise ValueError(
                f'settings must not hold {name}: {OTHERS_REMEDY.get(name, f"set {KEY} in the environment")}.'
            )
        for name, value in dict(concurrency=concurrency, timeout=timeout).items():
            if not value > 0:
                raise ValueError(f'{name}={value!r}, expected a number above 0.')
        self.model = model
        self.base_url = base_url
        self.settings = dict(model=model, temperature=temperature, max_tokens=max_tokens, seed=seed, **(settings or {}))
        self.concurrency = concurrency
        self.timeout = timeout
        self.max_retries = max_retries
        self._keeps_key = parts.scheme == 'https' or parts.hostname in THIS_MACHINE
        self._requests, self._tokens = Pace(requests_per_minute), Pace(tokens_per_minute)
        self._refused: Set[str] = set()  # settings
        self._proven: Set[str] = set()  # what the server has answered: anything, a response_format
        self._client: Optional[openai.AsyncOpenAI] = None
        self._loop: Optional[asyncio.AbstractEventLoop] = None

    async def answer(self, request: Request, attempt: int) -> Reply:
        settings = {name: value for name, value in {**self.settings, **request.settings}.items() if value is not None}
        if 'seed' in settings:
            settings['seed'] += attempt
        await self._requests.wait()
        await self._tokens.wait(prompt_tokens(request.messages) + settings.get('max_tokens', 0))
        body = await self._send(request, settings)
        try:
            content = parse_json(body)
        except ValueError:
            raise AnswerError(f'{self._server} sent no valid JSON: {" ".join(body.split())!r:.100}') from None
        return self._reply(content, settings)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _send(self, request: Request, settings: Dict[str, Any]) -> str:
        """The body of the answer, without the key."""
        probe = True
        while True:
            body = {self._name(name): value for name, value in settings.items() if name not in self._refused}
            # at first without retries: a missing server and a refused response_format, HTTP 500 in llama.cpp, stay so
            new = {'server', *({'response_format'} & set(body))} - self._proven
            client = self._open()
            client = client.with_options(max_retries=0) if new and probe else client
            try:
                # not chat.completions.create, which copies and checks what is sent: a quarter more CPU
                text = await client.post(
                    '/chat/completions',
                    cast_to=str,
                    body={**body, 'messages': list(request.messages)},
                    options={'follow_redirects': False},  # messages go to no other server
                )
            except openai.APIStatusError as error:
                if self._adapt(error, body):
                    continue
                if not (new and probe) or error.status_code not in (408, 409, 429, *range(500, 600)):
                    raise self._status_error(error) from None
                await asyncio.sleep(_retry_after(error))
            except openai.APIConnectionError as error:
                if not (new and probe) or _is_unreachable(error):
                    raise self._connection_error(error) from None
            else:
                self._proven |= new
                return self._hide(text)
            probe = False

    def _open(self) -> 'openai.AsyncOpenAI':
        """The client of this event loop, which its connections belong to."""
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            key = os.environ.get(KEY) or None
            if key is None and self.base_url is None:
                raise ServerError(f'set the environment variable {KEY}, or give the base_url of a local server.')
            self._client = openai.AsyncOpenAI(
                api_key=key if key and self._keeps_key else 'none',
                base_url=self.base_url,
                timeout=openai.Timeout(self.timeout, connect=10.0),
                max_retries=self.max_retries,
                http_client=_http_client(),
            )
            self._loop = loop
        return self._client

    def _name(self, setting: str) -> str:
        """OpenAI's newer models know ``max_tokens`` by another name, which other servers ignore."""
        renamed = setting == 'max_tokens' and 'max_tokens as such' in self._refused
        return 'max_completion_tokens' if renamed else setting

    def _adapt(self, error: 'openai.APIStatusError', sent: Dict[str, Any]) -> bool:
        """Whether the server refused a setting of those sent that it can be asked without."""
        if error.status_code not in (400, 422, 500, 501):
            return False
        message = f'{error} {error.body}'.lower()
        if any(word in message for word in FORMAT_WORDS):
            refused = 'response_format'
        elif 'max_completion_tokens' in message:
            refused = 'max_tokens as such'
        elif 'seed' in message:
            refused = 'seed'
        else:
            return False
        if refused.split()[0] not in sent:
            return False
        if refused not in self._refused:  # otherwise another request has learned it meanwhile
            self._refused.add(refused)
            print_log(
                f'{self._server} refuses {refused}: further requests go without.',
                logger='current',
                level=logging.WARNING,
            )
        return True

    def _reply(self, content: Any, settings: Dict[str, Any]) -> Reply:
        content = content if isinstance(content, dict) else {}
        choices = content.get('choices')
        if not choices and content.get('error'):  # OpenRouter sends errors with HTTP 200
            raise AnswerError(f'{self._server} failed: {self._hide(_message(content))}')
        choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
        message = choice.get('message') if isinstance(choice.get('message'), dict) else {}
        text, finish = ''.join(texts_of(message.get('content'))), choice.get('finish_reason')
        if isinstance(message.get('refusal'), str) and message['refusal']:
            text, finish = text or message['refusal'], 'refusal'
        stop = settings.get('stop') or ()
        for end in [stop] if isinstance(stop, str) else stop:  # transformers serve leaves it in
            text = text.partition(end)[0]
        if len(text) > LONGEST_TEXT:
            text, finish = text[:LONGEST_TEXT], 'length'
        return Reply(
            text=self._hide(text),  # again, as JSON can spell the key with escapes
            finish_reason=finish if finish in ('length', 'refusal', 'content_filter') else 'stop',
            usage=_usage(content.get('usage')),
            model=self._hide(content['model']) if isinstance(content.get('model'), str) else self.model,
        )

    @property
    def _server(self) -> str:
        return f'the server at {self.base_url}' if self.base_url else "OpenAI's server"

    def _status_error(self, error: 'openai.APIStatusError') -> OSError:
        status, said = error.status_code, self._hide(_message(error.body) or str(error))
        answer = f'HTTP {status}: {" ".join(said.split())!r:.300}'
        if 300 <= status < 400:
            return ServerError(f'{self._server} redirects to another address (HTTP {status}): give that as base_url.')
        if status in (401, 403):  # without what the server says, which may show the key
            sent = f'check {KEY}' if self._keeps_key else f'{KEY} is sent by https or to this machine only'
            return ServerError(f'{self._server} refuses the key (HTTP {status}): {sent}.')
        if status == 404 or error.param == 'model':
            return ServerError(
                f'{self._server} has no model {self.model!r} ({answer}): check model and base_url, which mostly ends '
                'in /v1.'
            )
        if status == 402 or error.code == 'insufficient_quota':
            return ServerError(f'{self._server} wants payment ({answer}): add credit, then run the command again.')
        if status == 429:
            return ServerError(
                f'{self._server} allows fewer requests ({answer}), after {self.max_retries} retries: lower concurrency '
                f'({self.concurrency}), or set requests_per_minute or tokens_per_minute.'
            )
        return AnswerError(f'{self._server} failed ({answer})', again=status >= 500 or status in (408, 409))

    def _connection_error(self, error: 'openai.APIConnectionError') -> OSError:
        if _is_unreachable(error):
            return ServerError(f'{self._server} cannot be reached: start it, or check base_url and the network.')
        if type(error.__cause__).__name__ != 'ConnectTimeout' and isinstance(error, openai.APITimeoutError):
            return AnswerError(f'{self._server} did not answer within {self.timeout:g} s: raise timeout')
        return AnswerError(f'{self._server} cut the connection')

    def _hide(self, text: str) -> str:
        """A text of the server without the key, which it may echo, and without halves of character pairs."""
        text = text.encode('utf-8', 'replace').decode()
        key = self._client.api_key if self._client is not None else ''
        if len(key) >= SHORTEST_KEY:
            text = text.replace(key, f'[{KEY}]')
        return text


def _http_client() -> Any:
    """That of aiohttp, which takes less CPU; None, which means httpx, without it or where a proxy may need SOCKS."""
    made = getattr(openai, 'DefaultAioHttpClient', None)
    if made is None or getproxies():
        return None
    try:
        return made()
    except RuntimeError:  # aiohttp is not installed, or Python is too old
        return None


def _is_unreachable(error: 'openai.APIConnectionError') -> bool:
    """Whether no connection was made; over aiohttp a connection that was cut is called a ConnectTimeout too."""
    cause = error.__cause__
    origin = cause.__cause__ if cause is not None else None
    if type(origin).__module__.startswith('aiohttp'):
        return any(kind.__name__ in ('ClientConnectorError', 'ConnectionTimeoutError') for kind in type(origin).__mro__)
    return type(cause).__name__ in ('ConnectError', 'ConnectTimeout')


def _message(body: Any) -> str:
    """What a server says about an error; its forms differ."""
    while isinstance(body, dict):
        body = next((body[name] for name in ('error', 'message', 'detail') if body.get(name)), '')
    return re.sub(r'(?i)bearer\s+\S+', '[key]', str(body or ''))


def _retry_after(error: 'openai.APIStatusError') -> float:
    try:
        return min(max(0.0, float(error.response.headers.get('retry-after', 0))), LONGEST_WAIT)  # 0 for NaN
    except ValueError:  # a date
        return 1.0


def _usage(usage: Any) -> Optional[Usage]:
    numbers = [usage.get(name) for name in ('prompt_tokens', 'completion_tokens')] if isinstance(usage, dict) else []
    valid = numbers and all(type(number) is int and 0 <= number < MOST_TOKENS for number in numbers)
    return Usage(*numbers) if valid else None
