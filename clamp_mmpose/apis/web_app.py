import html
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

import cv2
import mmengine
import numpy as np
from mmpose.structures import split_instances

from clamp_mmpose.datasets.files.images import read_image
from clamp_mmpose.language.category_texts import CategoryTexts
from clamp_mmpose.visualization import draw_named_keypoints, score_map_grid
from clamp_mmpose.visualization.score_maps import revert_score_maps

from .inferencer import TextPoseInferencer
from .keypoint_queries import KeypointQueries

try:
    import gradio as gr
except ImportError as error:
    raise ImportError('the web page needs Gradio: pip install "clamp_mmpose[app]"') from error

SHOWN = 640  # longer side of the picture with the points, on which they and their names are of a readable size
TILE = 240  # longer side of a score map
BOX_COLOR = (255, 200, 0)
OWN = 'own'  # in the place of a category's id
WHOLE = 'the whole image'
HELP = (
    'Drop an image, pick a category or name any points of your own, and press Find. Two clicks on the image are '
    'the corners of a box around one object; without a box the whole image is searched.'
)


class Found(NamedTuple):
    """What was found in one box.

    ``instance`` is what ``tools/predict.py`` writes, in pixels of the original image. ``image [h, w, 3]`` (RGB) and
    ``score_maps``, one picture for each keypoint, are as large as they are shown; ``scale`` is the former's width over
    the original's.
    """

    instance: dict
    links: Sequence[Tuple[int, int]]
    image: np.ndarray
    scale: float
    score_maps: List[np.ndarray]


def read_names(text: str) -> List[str]:
    """Names on lines or with commas between them; a line with a colon, 'name: description', is taken whole."""
    parts = [part for line in text.splitlines() for part in ([line] if ':' in line else line.split(','))]
    return [part.strip() for part in parts if part.strip()]


def find(
    inferencer: TextPoseInferencer,
    image: np.ndarray,
    corners: Sequence[Tuple[int, int]],
    names: str,
    skeleton: str = '',
) -> Found:
    """Find the named keypoints in one box.

    Args:
        image: ``[H, W, 3]`` uint8 RGB.
        corners: two opposite corners (x, y) of the box, in pixels of the image; none: the whole image.
        names, skeleton: as a user types them, see :func:`read_names` and :class:`KeypointQueries`.

    Raises:
        ValueError: names, skeleton or box are unusable, or the model reads no text.
    """
    inferencer.set_keypoints(read_names(names), skeleton)
    height, width = image.shape[:2]
    if len(corners) == 1:
        raise ValueError('the box has one corner: click the opposite one, or clear the box.')
    box = [*np.min(corners, axis=0), *np.max(corners, axis=0)] if len(corners) else [0, 0, width, height]
    if box[0] == box[2] or box[1] == box[3]:
        raise ValueError('the box is empty: click two corners that differ in x and in y, or clear the box.')
    # not merged: for that, the maps would be made as large as the photo
    (result,) = inferencer(
        np.ascontiguousarray(image[..., ::-1]),
        bboxes=[box],
        return_datasamples=True,
        draw_score_maps=True,
        merge_results=False,
    )
    (sample,) = result['predictions']
    (instance,) = split_instances(sample.pred_instances)
    instance['keypoint_names'] = inferencer.keypoint_names
    small, scale = _resize(image, TILE)
    sample.set_metainfo(dict(input_center=sample.input_center * scale, input_scale=sample.input_scale * scale))
    maps = revert_score_maps(sample, small.shape[:2])
    tiles = [
        score_map_grid(small, maps[k : k + 1], [f'{score:.2f} {name}'], tile_width=small.shape[1])
        for k, (name, score) in enumerate(zip(_labels(instance), instance['keypoint_scores']))
    ]
    return Found(
        instance, KeypointQueries.parse(inferencer.keypoint_names, skeleton).links, *_resize(image, SHOWN), tiles
    )


def draw_found(found: Found, threshold: float) -> np.ndarray:
    """The image with the named keypoints, hollow where the confidence is below ``threshold``."""
    # a pixel's centre is half a pixel from its corner, in both sizes
    keypoints = (np.array(found.instance['keypoints']) + 0.5) * found.scale - 0.5
    return draw_named_keypoints(
        found.image,
        keypoints,
        _labels(found.instance),
        np.array(found.instance['keypoint_scores']),
        threshold,
        found.links,
        font_scale=0.45,
        hollow=True,
    )


def draw_corners(image: np.ndarray, corners: Sequence[Tuple[int, int]]) -> np.ndarray:
    """The image with the corners clicked so far."""
    image = image.copy()
    thickness = max(1, round(max(image.shape[:2]) / 300))
    if len(corners) == 1:
        cv2.drawMarker(image, corners[0], BOX_COLOR, cv2.MARKER_CROSS, 12 * thickness, thickness)
    if len(corners) == 2:
        cv2.rectangle(image, *corners, (0, 0, 0), thickness + 2)
        cv2.rectangle(image, *corners, BOX_COLOR, thickness)
    return image


def _resize(image: np.ndarray, longer: int) -> Tuple[np.ndarray, float]:
    scale = longer / max(image.shape[:2])
    size = tuple(max(1, round(side * scale)) for side in image.shape[1::-1])
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR), scale


def _labels(instance: dict) -> List[str]:
    """The names without descriptions, for which pictures have no room."""
    return [name.split(':')[0] for name in instance['keypoint_names']]


def _table(instance: dict) -> List[list]:
    return [
        [name, round(x, 1), round(y, 1), round(score, 3)]
        for name, (x, y), score in zip(instance['keypoint_names'], instance['keypoints'], instance['keypoint_scores'])
    ]


def _json(instance: dict) -> str:
    lines = ',\n'.join(f'  "{key}": {mmengine.dump(value, file_format="json")}' for key, value in instance.items())
    return f'{{\n{lines}\n}}'


def _alert(error: Exception) -> str:
    return f'<p role="alert" style="border-left: 4px solid #dc2626; padding: 4px 12px">{html.escape(str(error))}</p>'


def build_app(inferencer: TextPoseInferencer, texts: Dict[int, CategoryTexts]) -> gr.Blocks:
    """The page; :func:`launch` serves it.

    Args:
        inferencer: of a model with a :class:`TextQueryHead`; others are told on the page that they read no text.
        texts: the categories whose names can be picked, as from :func:`load_texts`.
    """
    # the number tells categories of one name apart
    categories = sorted(
        (f'{category.name} ({len(category.names)} points)', number) for number, category in texts.items()
    )
    presets = {
        number: ('\n'.join(category.names), ', '.join(f'{i}-{j}' for i, j in category.skeleton))
        for number, category in texts.items()
    }

    with gr.Blocks(title='Keypoints from text', analytics_enabled=False, delete_cache=(3600, 3600)) as app:
        # what one user has done so far; every browser tab has its own
        image, corners, picked, found = gr.State(), gr.State([]), gr.State((OWN, ('', ''))), gr.State()
        gr.Markdown(f'# Keypoints from text\n{HELP}')
        with gr.Row():
            with gr.Column(scale=3):
                photo = gr.Image(
                    label='Image',
                    format='jpeg',
                    height=350,
                    sources=['upload', 'clipboard'],
                    buttons=[],
                    elem_id='photo',
                )
                with gr.Row():
                    box = gr.Textbox(WHOLE, label='Box', interactive=False, scale=3, elem_id='box')
                    clear_box = gr.Button('Clear box', scale=1, elem_id='clear-box')
            with gr.Column(scale=2):
                category = gr.Dropdown(
                    [('own names', OWN), *categories],
                    value=OWN,
                    label='Category',
                    info='fills in its names',
                    num_choices_shown=None,
                    elem_id='category',
                )
                names = gr.Textbox(
                    label='Keypoint names',
                    info='one per line, or with commas between them',
                    lines=5,
                    max_lines=5,
                    placeholder='left ear\nright ear\nnose',
                    elem_id='names',
                )
                skeleton = gr.Textbox(
                    label='Skeleton (optional)',
                    placeholder='0-2, 1-2',
                    elem_id='skeleton',
                    info='pairs of names that are joined, counted from 0',
                )
                find_button = gr.Button('Find', variant='primary', elem_id='find')
                message = gr.HTML(elem_id='message')
        with gr.Column(visible=False, elem_id='results') as results:
            with gr.Row():
                with gr.Column(scale=3):
                    picture = gr.Image(
                        label='Keypoints',
                        format='png',
                        height=480,
                        interactive=False,
                        buttons=['download', 'fullscreen'],
                        elem_id='picture',
                    )
                    threshold = gr.Slider(
                        0,
                        1,
                        0.3,
                        step=0.01,
                        elem_id='threshold',
                        label='Confidence below which a point is drawn hollow',
                    )
                with gr.Column(scale=2):
                    table = gr.Dataframe(
                        headers=['keypoint', 'x', 'y', 'confidence'],
                        interactive=False,
                        buttons=[],
                        datatype=['str', 'number', 'number', 'number'],
                        elem_id='table',
                        label='In pixels of the image',
                        max_height=560,
                    )
            gr.Markdown('Score maps: bright where the image looks like the name')
            score_maps = gr.Gallery(
                show_label=False,
                columns=5,
                fit_columns=False,
                height='auto',
                object_fit='contain',
                interactive=False,
                buttons=[],
                elem_id='score-maps',
            )
            code = gr.Code(
                label='JSON',
                language='json',
                interactive=False,
                wrap_lines=True,
                show_line_numbers=False,
                max_lines=12,
                buttons=['copy'],
                elem_id='json',
            )
        outputs = [message, results, found, picture, table, score_maps, code]
        nothing = (gr.Column(visible=False), None, None, None, [], '')

        def load(file: Optional[dict]) -> tuple:
            try:
                content = None if file is None else read_image(file['path'])[..., ::-1]
            except ValueError:
                error = ValueError('this file is no whole image: choose another one, such as a PNG, JPEG or WebP.')
                return (None, None, [], WHOLE, _alert(error), *nothing)
            return (gr.skip(), content, [], WHOLE, '', *nothing)

        def click(content: Optional[np.ndarray], clicked: list, event: gr.SelectData) -> tuple:
            if content is None:
                return None, [], WHOLE
            x, y = event.index
            clicked = [*clicked, (x, y)] if len(clicked) == 1 else [(x, y)]
            said = ' to '.join(f'({x}, {y})' for x, y in clicked)
            return (
                draw_corners(content, clicked),
                clicked,
                said if len(clicked) == 2 else f'from {said}: click the opposite corner',
            )

        def choose(number: Union[int, str], named: str, links: str, before: tuple) -> Union[tuple, dict]:
            previous, own = before
            if number == previous:  # a click announces itself twice
                return gr.skip()
            if (named, links) != presets.get(previous):  # typed, or a category's names that were edited
                own = (named, links)
            return (*presets.get(number, own), (number, own))

        def run(content: Optional[np.ndarray], clicked: list, named: str, links: str, least: float) -> tuple:
            try:
                if content is None:
                    raise ValueError('there is no image yet: drop one on the left.')
                new = find(inferencer, content, clicked, named, links)
            except ValueError as error:
                return (_alert(error), *nothing)
            return (
                '',
                gr.Column(visible=True),
                new,
                draw_found(new, least),
                _table(new.instance),
                new.score_maps,
                _json(new.instance),
            )

        # nothing is offered to other programs: tools/predict.py is for them
        private = dict(api_visibility='private')
        quick = dict(private, show_progress='hidden')
        # a pasted image is announced twice in a row: the old one cleared, the new one uploaded; what Gradio cannot
        # preprocess would end in a stack trace
        gr.on(
            [photo.upload, photo.clear],
            load,
            photo,
            [photo, image, corners, box, *outputs],
            trigger_mode='multiple',
            preprocess=False,
            **private,
        )
        photo.select(click, [image, corners], [photo, corners, box], trigger_mode='multiple', **quick)
        clear_box.click(lambda content: (content, [], WHOLE), image, [photo, corners, box], **quick)
        category.input(
            choose, [category, names, skeleton, picked], [names, skeleton, picked], trigger_mode='always_last', **quick
        )
        # one at a time: the model keeps the names it was last asked for
        find_button.click(run, [image, corners, names, skeleton, threshold], outputs, concurrency_limit=1, **private)
        threshold.change(
            lambda last, least: draw_found(last, least) if last else None,
            [found, threshold],
            picture,
            trigger_mode='always_last',
            **quick,
        )
    return app


def launch(app: gr.Blocks, host: str = '127.0.0.1', port: Optional[int] = None) -> str:
    """Serve the page in the background; nothing is fetched from or reported to anyone.

    Args:
        port: None: the first free one from 7860.

    Returns:
        str: the address.
    """
    theme = gr.themes.Default(
        primary_hue='blue', font=['system-ui', 'sans-serif'], font_mono=['ui-monospace', 'monospace']
    )
    _, address, _ = app.launch(
        server_name=host,
        server_port=port,
        share=False,
        show_error=True,
        prevent_thread_lock=True,
        quiet=True,
        theme=theme,
        css='#clear-box {align-self: center}',
        footer_links=[],
        run_history=False,
    )
    return address
