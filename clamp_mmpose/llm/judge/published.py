"""The judge of LLaVA (Liu et al., NeurIPS 2023), which LLaVA-Pose (arXiv 2506.21317) uses, with its faults.

A reply that cannot be read scores -1 and is averaged in; each pair is asked in one order.
"""

from typing import Dict, List, NamedTuple, Sequence, Tuple

from clamp_mmpose.llm.prompts import FOLDER, load_prompt
from clamp_mmpose.llm.request import Message, Request

from .question import Question

SETTINGS = dict(temperature=0.2, max_tokens=1024)
LLAVA_NAMES = {'conversation': 'conv', 'detail': 'detail', 'reasoning': 'complex'}
FAILED = (-1.0, -1.0)


def published_request(name: str, question: Question, first: str, second: str) -> Request:
    """LLaVA's messages and settings; the judge is told captions and boxes, but no keypoints."""
    prompt = load_prompt(FOLDER / 'published' / 'judge.yml')
    context = '\n'.join(question.context.captions) + '\n\n' + '\n'.join(question.context.boxes)
    answers = ''.join(
        f'[{role}]\n{answer}\n\n[End of {role}]\n\n'
        for role, answer in (('Assistant 1', first), ('Assistant 2', second))
    )
    text = f'[Context]\n{context}\n\n[Question]\n{question.text}\n\n{answers}[System]\n{prompt.instructions[0]}\n\n'
    messages = Message(role='system', content=prompt.system), Message(role='user', content=text)
    return Request(name, messages, prompt.id, dict(SETTINGS))


def parse_score(reply: str) -> Tuple[float, float]:
    """The two scores as LLaVA reads them: '8 9' and '8,9', but also 'nan 3' and '11 -2'; all else is -1 and -1.

    '8, 9' is read as three words and fails, as do '8/10 9/10', a leading empty line and a trailing space.
    """
    words = reply.split('\n')[0].replace(',', ' ').split(' ')
    if len(words) != 2:
        return FAILED
    try:
        return float(words[0]), float(words[1])
    except ValueError:
        return FAILED


class SummaryRow(NamedTuple):
    """The second answers in percent of the first, and the means x 10 of both, failures included."""

    type: str
    relative: float
    first: float
    second: float


def summarize(reviews: Sequence[Tuple[str, Tuple[float, float]]]) -> List[SummaryRow]:
    """LLaVA's summary of the reviews of a pair: a row for all, and one for each type, in order of the alphabet.

    Means are rounded to three decimals, and the three numbers that are made of them to one.

    Args:
        reviews: type, as LLaVA calls it, and scores of each.
    """
    types: Dict[str, List[Tuple[float, float]]] = {'all': [scores for _, scores in reviews]}
    for kind, scores in reviews:
        types.setdefault(kind, []).append(scores)
    rows = []
    for kind, scores in sorted(types.items()):
        first, second = (round(sum(values) / len(values), 3) for values in zip(*scores))
        relative = second / first * 100 if first else float('nan')
        rows.append(SummaryRow(kind, round(relative, 1), round(first * 10, 1), round(second * 10, 1)))
    return rows


def summary_text(name: str, rows: Sequence[SummaryRow]) -> str:
    """The summary as LLaVA prints it."""
    lines = [f'{row.type} {row.relative} {row.first} {row.second}' for row in rows]
    return '\n'.join([name, *lines, '=' * 33]) + '\n'


def table_cells(reviews: Sequence[Tuple[str, float]]) -> Dict[str, float]:
    """A row of LLaVA-Pose's Table 3: mean score x 10 of each type, and ``all``, the mean of these.

    Args:
        reviews: type and score of each; of a model in several pairs, all of them (as the paper's LLaVA-7B).
    """
    types: Dict[str, List[float]] = {}
    for kind, score in reviews:
        types.setdefault(kind, []).append(score)
    cells = {kind: 10 * sum(scores) / len(scores) for kind, scores in types.items()}
    return {**cells, 'all': sum(cells.values()) / len(cells)}
