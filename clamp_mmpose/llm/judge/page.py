"""A page that shows image, question, and answers side by side with their scores and the judge's reasons."""

import base64
import html
import io
from pathlib import Path
from typing import Dict, List, Mapping, Sequence, Tuple, Union

from clamp_mmpose.llm.image_parts import FORMATS

from .comparison import Comparison
from .question import Question
from .rating import Rating

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 1280px; margin: 2em auto; padding: 0 1em; color: #1d2330; }
section { border-top: 1px solid #c8cdd6; padding: 1.2em 0; }
.asked { display: flex; gap: 1em; flex-wrap: wrap; }
.asked img { max-width: 320px; max-height: 260px; border-radius: 4px; }
.asked div { flex: 1; min-width: 260px; }
.answers { display: grid; grid-template-columns: repeat(auto-fit, minmax(240px, 1fr)); gap: 1em; margin: 1em 0; }
.answers div { background: #f4f6f9; border-radius: 4px; padding: .6em .8em; }
h1, h2, h3 { margin: 0 0 .4em; } h2 { font-size: 1.1em; } h3 { font-size: 1em; }
p, li, td { white-space: pre-wrap; overflow-wrap: anywhere; }
p { margin: .3em 0; }
table { border-collapse: collapse; width: 100%; }
th, td { border: 1px solid #c8cdd6; padding: .3em .5em; text-align: left; vertical-align: top; }
.note { color: #5b6475; }
"""
MAX_SIDE = 512  # pixels, of the images in the page


def write_page(
    path: Union[str, Path],
    questions: Sequence[Question],
    answers: Mapping[str, Mapping[str, str]],
    comparisons: Sequence[Comparison],
    image_folder: Union[str, Path] = '',
) -> None:
    """Write one HTML file that loads nothing: images are inside, texts of models are shown as the text they are.

    Args:
        path: the file.
        questions: in the order shown.
        answers: by model and id of the question.
        comparisons: of these answers.
        image_folder: of the questions' images; an image that cannot be read is replaced by a note.
    """
    from clamp_mmpose.utils.files import atomic_write

    judged: Dict[str, List[Comparison]] = {}
    for item in comparisons:
        judged.setdefault(item.question.id, []).append(item)
    images: Dict[str, str] = {}
    sections = []
    for question in questions:
        if question.image not in images:
            images[question.image] = _image(Path(image_folder, question.image), question.image)
        sections.append(_section(question, images[question.image], answers, judged.get(question.id, [])))
    page = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Judged answers</title>\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">\n"
        f'<style>{STYLE}</style></head><body>\n<h1>Judged answers</h1>\n'
        f'<p class="note">{len(questions):,} questions, {len(comparisons):,} comparisons in both orders.</p>\n'
        + '\n'.join(sections)
        + '\n</body></html>\n'
    )
    atomic_write(Path(path), page.encode('utf-8', 'replace'))


def _section(
    question: Question, image: str, answers: Mapping[str, Mapping[str, str]], judged: Sequence[Comparison]
) -> str:
    columns = ''.join(
        f'<div><h3>{_text(name)}{_text(_mean_score(name, judged))}</h3><p>{_text(texts[question.id])}</p></div>'
        for name, texts in answers.items()
        if question.id in texts
    )
    rows = ''.join(_row(item, order) for item in judged for order in (0, 1))
    table = (
        f'<table><tr><th>Shown</th><th>Scores</th><th>Reasons</th></tr>{rows}</table>'
        if rows
        else ('<p class="note">Not judged.</p>')
    )
    return (
        f'<section><h2>{_text(question.id)} <span class="note">{_text(question.type)}</span></h2>\n'
        f'<div class="asked">{image}<div><p><b>{_text(question.text)}</b></p>'
        f'<p class="note">{_text(chr(10).join(question.context.captions))}</p></div></div>\n'
        f'<div class="answers">{columns}</div>\n{table}</section>'
    )


def _mean_score(name: str, judged: Sequence[Comparison]) -> str:
    scores = [
        item.scores[(item.first, item.second).index(name)] for item in judged if name in (item.first, item.second)
    ]
    return f': {sum(scores) / len(scores):.2f}' if scores else ''


def _row(item: Comparison, order: int) -> str:
    shown: List[Tuple[str, Rating]] = list(zip((item.first, item.second), item.ratings[order]))
    if order:
        shown.reverse()
    names = ', then '.join(name for name, _ in shown)
    scores = '\n'.join(f'{name}: {_scores(rating)}' for name, rating in shown)
    reasons = '\n'.join(f'{name}: {rating.reason}' for name, rating in shown)
    if shown[0][1].reason == shown[1][1].reason:  # one text about both
        reasons = shown[0][1].reason
    return f'<tr><td>{_text(names)}</td><td>{_text(scores)}</td><td>{_text(reasons)}</td></tr>'


def _scores(rating: Rating) -> str:
    aspects = ', '.join(f'{aspect} {score:g}' for aspect, score in rating.aspects.items())
    return f'{rating.score:g}' + (f' ({aspects})' if aspects else '')


def _image(path: Path, name: str) -> str:
    from PIL import Image

    try:
        with Image.open(path, formats=FORMATS) as image:
            small = image.convert('RGB')
            small.thumbnail((MAX_SIDE, MAX_SIDE))
            buffer = io.BytesIO()
            small.save(buffer, 'JPEG', quality=85)
    except (OSError, ValueError, Image.DecompressionBombError):
        return f'<p class="note">{_text(name)}: the image cannot be read.</p>'
    return f'<img alt="{_text(name)}" src="data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}">'


def _text(text: str) -> str:
    """Inert in HTML, between tags and in attributes."""
    return html.escape(text, quote=True)
