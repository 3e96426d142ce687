"""Questions and answers in the text of a language model, in the forms that they come in."""

import re
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from clamp_mmpose.utils.files import parse_json

QUESTION, ANSWER = 'question|q|user|human', 'answer|a|assistant|gpt|ai'
# a label at the start of a line: 'Question:', '**Q1:**', '2. **Answer 2**:', '### Question 1', '[Question]:'
START = r'^[ \t]{0,9}(?:[-*•>#]+[ \t]+)*(?:\(?\d{1,2}[.):]+[ \t]{0,9})?[*_#\[(]*[ \t]{0,9}'
COLON = r'[ \t]{0,9}#?(?:\d{1,2})?[ \t]{0,9}[\])*_]*[ \t]{0,9}[:：][*_]*'
NUMBERED = r'[ \t]{0,9}#?\d{1,2}[\])*_]*(?:[.)]|[ \t]+[-–][ \t]|[ \t]{0,9}$)'  # 'Question 1.', 'Question 1 - '
ALONE = r'[\])*_]*[ \t]{0,9}$'


def _label(words: str, long: str) -> str:
    return rf'(?:{words}){COLON}|{long}(?:{NUMBERED}|{ALONE})|{long[0]}\d{{1,2}}[.)]'


LABELS = re.compile(
    rf'{START}(?:(?P<question>{_label(QUESTION, "question")})|(?P<answer>{_label(ANSWER, "answer")}))'
    # 'Q: What is she doing? A: She skis.' in one line
    r'|(?<=\?)["”*_ \t]*(?P<inline>(?:answer|a)[ \t]{0,9}\d*[*_]*[:：][*_]*)',
    re.IGNORECASE | re.MULTILINE,
)
FENCE = re.compile(r'^[ \t]*```[\w-]*[ \t]*$', re.MULTILINE)
FENCED = re.compile(r'```[\w-]*[ \t]*\n(.*?)(?:```|\Z)', re.DOTALL)
JSON_KEYS = re.compile(rf'(?:(?P<question>{QUESTION})|(?P<answer>{ANSWER}|response))[ _-]?(?P<number>\d*)')
# between two rounds: a rule, 'Round 2', the number of the next question
BETWEEN = re.compile(
    r'[-=*_]{3,}|[#*_ ]*(?:round|turn|conversation|exchange|pair)\b.{0,12}|[*_]*\d{1,2}[.)][*_]*', re.IGNORECASE
)
PERSON = r'(?:person[ \t]*[:：][*_ \t]*)?'
PLAIN_QUESTION = re.compile(
    rf'^[ \t]*(?:[-•][ \t]+)?(?:\(?\d{{1,2}}[.)][ \t]*)?[*_"“]*{PERSON}(?P<text>\S.*\?)[*_"”]*[ \t]*$', re.IGNORECASE
)
REFUSAL = re.compile(r"(?:i[’']m sorry|i am sorry|sorry,|i can(?:no|[’'])t |i[’']m (?:unable|not able)|as an ai)", re.I)
IMAGE = '<image>'


class Round(NamedTuple):
    """One question and its answer."""

    question: str
    answer: str


def parse_rounds(text: str, single: bool = False) -> List[Round]:
    """The questions and answers of a text.

    Three forms are read: labels ('Question: ... Answer: ...', '**Q1:** ...', '### Question 1', 'User: ...'); JSON (a
    list of ``{"question": ..., "answer": ...}`` or of LLaVA's or OpenAI's turns, alone or under one key); plain lines,
    of which those that end with '?' are questions. Code fences, and text before the first question, are dropped.

    Args:
        text: of the language model.
        single: there is one question; of plain lines, only the first can be one.

    Raises:
        ValueError: there is no question, a question has no answer, an answer has no question or is a refusal, or
            the text holds '<image>'; the message says which.
    """
    if IMAGE in text:
        raise ValueError(f'it holds {IMAGE}, which stands for the image in records')
    rounds = _from_json(text)
    if rounds is None:
        text = FENCE.sub('', text).strip()
        rounds = _from_labels(text)
    if rounds is None:
        rounds = _from_plain_lines(text, single)
    for number, (question, answer) in enumerate(rounds, 1):
        if not question:
            raise ValueError(f'question {number} is empty')
        if not answer:
            raise ValueError(f'question {number} has no answer')
        if REFUSAL.match(answer):
            raise ValueError(f'answer {number} is a refusal: {answer[:60]!r}')
    return rounds


def parse_description(text: str) -> str:
    """A text without code fences and without a heading such as 'Description:'.

    Raises:
        ValueError: the text is empty, a refusal, or holds '<image>'.
    """
    if IMAGE in text:
        raise ValueError(f'it holds {IMAGE}, which stands for the image in records')
    text = FENCE.sub('', text).strip()
    text = re.sub(r'^[#*_ ]*(?:detailed )?description[*_ ]*[:：\n][*_ ]*', '', text, flags=re.I).strip()
    if not text:
        raise ValueError('it is empty')
    if REFUSAL.match(text):
        raise ValueError(f'a refusal: {text[:60]!r}')
    return text


def parse_object(text: str) -> Dict[str, Any]:
    """The JSON object that a text is, alone or in a code fence.

    Raises:
        ValueError: there is none, or it is not JSON.
    """
    fenced = FENCED.search(text)
    content = (fenced[1] if fenced else text).strip()
    if not content.startswith('{'):
        raise ValueError(f'expected a JSON object, got {content[:60]!r}')
    return parse_json(content)


def _from_labels(text: str) -> Optional[List[Round]]:
    """None: there is no label."""
    labels = list(LABELS.finditer(text))
    if not labels:
        return None
    if not any(label['question'] for label in labels):
        text = _with_question_labels(text)
        labels = list(LABELS.finditer(text))
    parts: List[Tuple[str, str]] = []  # kind and text
    ends = [label.start() for label in labels[1:]] + [len(text)]
    for label, end in zip(labels, ends):
        content = text[label.end() : end]
        kind = 'question' if label['question'] else 'answer'
        if label['inline'] and parts and parts[-1][0] == 'answer':  # 'Will they win? A: ...' within an answer
            parts[-1] = ('answer', parts[-1][1] + text[label.start() : end])
        elif kind == 'question' and parts and parts[-1] == ('question', ''):  # a heading 'Question 1' above
            parts[-1] = (kind, content)
        else:
            parts.append((kind, content if content.strip() else ''))
    rounds: List[Round] = []
    waiting: Optional[str] = None
    for kind, content in parts:
        if kind == 'answer':
            if waiting is None:
                raise ValueError(f'answer {len(rounds) + 1} has no question')
            rounds.append(Round(_clean(waiting), _clean(content)))
            waiting = None
        elif waiting is not None:
            raise ValueError(f'question {len(rounds) + 1} has no answer')
        else:
            waiting = content
    if waiting is not None:
        raise ValueError(f'question {len(rounds) + 1} has no answer')
    return rounds


def _plain_question(line: str) -> Optional[str]:
    """The question of a line that ends with one."""
    if not line.rstrip(' \t\r*_"”').endswith('?'):
        return None
    found = PLAIN_QUESTION.match(line)
    return found['text'] if found else None


def _with_question_labels(text: str) -> str:
    """Before the plain questions that a label of an answer follows."""
    lines = [line for line in text.split('\n') if line.strip()]
    for i, (line, following) in enumerate(zip(lines, lines[1:])):
        found = _plain_question(line)
        if found and LABELS.match(following):
            lines[i] = f'Question: {found}'
    return '\n'.join(lines)


def _from_plain_lines(text: str, single: bool) -> List[Round]:
    preamble: List[str] = []
    blocks: List[Tuple[str, List[str]]] = []  # a question and the lines after it
    for line in text.split('\n'):
        found = None if single and blocks else _plain_question(line)
        if found:
            blocks.append((found, []))
        elif blocks:
            blocks[-1][1].append(line)
        elif line.strip():
            preamble.append(line)
    if not blocks or len(preamble) > 1:
        raise ValueError(f'no question and answer in {" ".join(text.split())[:60]!r}')
    return [Round(_clean(question), _clean('\n'.join(answer))) for question, answer in blocks]


def _clean(text: str) -> str:
    """Without rules and headings between rounds, and without bold or quotes around the whole."""
    lines = text.strip().split('\n')
    while len(lines) > 1 and (not lines[-1].strip() or BETWEEN.fullmatch(lines[-1].strip())):
        lines.pop()  # not the only line: '2.' may be the answer
    text = '\n'.join(lines).strip()
    if text.count('**') % 2:  # the other half was part of the label
        text = text[2:] if text.startswith('**') else text[:-2] if text.endswith('**') else text
    for mark in ('**', '"'):
        if len(text) > 2 * len(mark) and text.startswith(mark) and text.endswith(mark) and text.count(mark) == 2:
            text = text[len(mark) : -len(mark)]
    return text.strip()


def _from_json(text: str) -> Optional[List[Round]]:
    """None: the text is not JSON."""
    fenced = FENCED.search(text)
    for candidate in ([fenced[1]] if fenced else []) + [text]:
        candidate = candidate.strip()
        if not candidate.startswith(('[', '{')):
            continue
        lines = [line for line in candidate.split('\n') if line.strip()]
        if len(lines) > 1 and all(line.startswith('{') and line.rstrip(',').endswith('}') for line in lines):
            candidate = f'[{",".join(line.rstrip(",") for line in lines)}]'  # one object a line
        try:
            content = parse_json(candidate)
        except ValueError as error:
            if LABELS.search(candidate):  # '[Question]: ...'
                continue
            raise ValueError(f'it starts like JSON, but {error}') from error
        return _rounds_of(content)
    return None


def _rounds_of(content: Any) -> List[Round]:
    if isinstance(content, dict):
        lists = [value for value in content.values() if isinstance(value, (list, dict))]
        if len(lists) == 1:
            return _rounds_of(lists[0])
        content = [content]
    if not isinstance(content, list) or not content or not all(isinstance(item, dict) for item in content):
        raise ValueError('the JSON is not a list of questions and answers')
    turns: List[Tuple[str, str]] = []
    for item in content:
        turns += _turns_of({str(key).lower(): value for key, value in item.items()})
    kinds = [kind for kind, _ in turns]
    if not turns or kinds != ['question', 'answer'] * (len(turns) // 2):
        raise ValueError(f'the JSON must hold questions and answers in turn, got {", ".join(kinds) or "none"}')
    return [Round(_clean(turns[i][1]), _clean(turns[i + 1][1])) for i in range(0, len(turns), 2)]


def _turns_of(item: Dict[str, Any]) -> List[Tuple[str, str]]:
    """The turns of one object: a pair, numbered pairs, or one turn with its speaker."""
    speaker = item.get('from', item.get('role'))
    if isinstance(speaker, str):
        item = {speaker.lower(): item.get('value', item.get('content'))}
    found = [(JSON_KEYS.fullmatch(key), value) for key, value in item.items()]
    turns = [(int(key['number'] or 0), not key['question'], value) for key, value in found if key]
    wrong = [value for *_, value in turns if not isinstance(value, str)]
    if wrong:
        raise ValueError(f'the JSON must hold texts, got {wrong[0]!r:.60}')
    return [('answer' if is_answer else 'question', value) for _, is_answer, value in sorted(turns)]
