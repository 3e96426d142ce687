import contextlib
from typing import Any, AsyncIterator, Dict, Optional, Sequence

import gradio as gr
from gradio.themes import Default

from clamp_mmpose.apis.inferencer import TextPoseInferencer
from clamp_mmpose.language.category_texts import CategoryTexts

from . import handlers
from .guard import Guard, known_names
from .handlers import WHOLE
from .uploads import MAX_BYTES

OWN = 'own'  # instead of the id of a category
AT_ONCE = 4  # requests of one kind that run in parallel
WAITING = 64  # further requests
SESSIONS = 100  # users; the state of the one who was away longest is dropped for another
KEPT = 3600  # seconds that states and files are kept
HELP = (
    'Drop an image, pick a category or type your own keypoint names, and press Find. Two clicks on the image '
    'set the corners of a box around one object; without a box the whole image is searched.'
)


def build_app(inferencer: TextPoseInferencer, texts: Dict[int, CategoryTexts]) -> gr.Blocks:
    """The page; :func:`launch` serves it.

    Args:
        inferencer: of a model whose head reads text; with other models, Find shows an error.
        texts: the categories whose names and descriptions can be picked, as from :func:`load_texts`.
    """
    # the number distinguishes categories of the same name
    categories = sorted(
        (f'{category.name} ({len(category.names)} points)', number) for number, category in texts.items()
    )
    presets = {
        number: ('\n'.join(category.names), ', '.join(f'{i}-{j}' for i, j in category.skeleton))
        for number, category in texts.items()
    }

    with gr.Blocks(title='Keypoints from text', analytics_enabled=False, delete_cache=(KEPT // 4, KEPT)) as app:
        # the state of one user; each browser tab has its own. Of the image it has the path, since the arrays of many
        # users would fill the memory
        image, corners, picked, found = (
            gr.State(value, time_to_live=KEPT) for value in (None, [], (OWN, ('', '')), None)
        )
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
                    info='fills in its names, and describes them to the model',
                    num_choices_shown=None,
                    elem_id='category',
                )
                names = gr.Textbox(
                    label='Keypoint names',
                    info='one per line, or separated by commas',
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
                    drawn = gr.Image(
                        label='Keypoints',
                        format='png',
                        height=480,
                        interactive=False,
                        buttons=['download', 'fullscreen'],
                        elem_id='drawn',
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
            answers = gr.Dataframe(
                headers=['keypoint', 'question', 'answer'],
                interactive=False,
                buttons=[],
                datatype=['str', 'str', 'str'],
                elem_id='answers',
                label='What the language model was asked and answered',
                column_widths=['15%', '60%', '25%'],
                wrap=True,
                max_height=400,
                visible=False,
            )
            has_maps = inferencer.has_score_maps
            gr.Markdown('Score maps: bright where the image looks like the name', visible=has_maps)
            score_maps = gr.Gallery(
                show_label=False,
                columns=5,
                fit_columns=False,
                height='auto',
                object_fit='contain',
                interactive=False,
                buttons=[],
                elem_id='score-maps',
                visible=has_maps,
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
        outputs = [message, results, found, drawn, table, score_maps, code, answers]

        # no public API: programs can use tools/predict.py. The handlers check all values themselves: Gradio would read
        # the image before its path is checked, and end in a stack trace for values that its components refuse
        private: Dict[str, Any] = dict(
            api_visibility='private', preprocess=False, concurrency_limit=AT_ONCE, concurrency_id='image'
        )
        quick: Dict[str, Any] = dict(private, show_progress='hidden')
        # pasting an image sends two events, clear and upload
        gr.on(
            [photo.upload, photo.clear],
            handlers.load,
            photo,
            [photo, image, corners, box, *outputs],
            trigger_mode='multiple',
            **private,
        )
        photo.select(handlers.click, [image, corners], [photo, corners, box], trigger_mode='multiple', **quick)
        clear_box.click(handlers.clear_box, image, [photo, corners, box], **quick)
        category.input(
            lambda *values: handlers.choose(presets, OWN, *values),
            [category, names, skeleton, picked],
            [names, skeleton, picked],
            trigger_mode='always_last',
            **quick,
        )
        find_button.click(
            lambda *values: handlers.run(inferencer, texts, *values),
            [image, corners, names, skeleton, threshold, picked],
            outputs,
            **{**private, 'concurrency_id': 'find'},
        )
        threshold.change(handlers.redraw, [found, threshold], drawn, trigger_mode='always_last', **quick)
    app.queue(max_size=WAITING)
    return app


def launch(
    app: gr.Blocks, host: str = '127.0.0.1', port: Optional[int] = None, allowed_hosts: Sequence[str] = ()
) -> str:
    """Serve the page in the background, without requests to other machines.

    Args:
        app: from :func:`build_app`.
        host: address to listen on.
        port: None: the first free one from 7860.
        allowed_hosts: names that browsers may use for this machine, beyond ``host``, localhost and its addresses.

    Returns:
        str: the address.

    Raises:
        ValueError: a host that is not a name or an address, or a port out of range.
        OSError: the port is not free.
    """
    names = known_names(host, *allowed_hosts)
    if port is not None and not 0 < port < 65536:
        raise ValueError(f'the port must be from 1 to 65535, got {port}.')

    @contextlib.asynccontextmanager
    async def guarded(server: Any) -> AsyncIterator[None]:
        # before the first request; added as a middleware, it would be inside of Gradio's, which answer some requests
        server.middleware_stack = Guard(server.middleware_stack, app, names)
        yield

    theme = Default(primary_hue='blue', font=['system-ui', 'sans-serif'], font_mono=['ui-monospace', 'monospace'])
    # every setting that Gradio would otherwise read from the environment
    _, address, _ = app.launch(
        server_name=f'[{host}]' if ':' in host and not host.startswith('[') else host,
        server_port=port,
        share=False,
        show_error=False,
        prevent_thread_lock=True,
        quiet=True,
        theme=theme,
        css='#clear-box {align-self: center}',
        footer_links=[],
        run_history=False,
        max_file_size=MAX_BYTES,
        state_session_capacity=SESSIONS,
        enable_monitoring=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        num_workers=0,
        app_kwargs=dict(lifespan=guarded),
    )
    return address
