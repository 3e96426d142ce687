from typing import Any, Callable, Dict, List, Union

import gradio as gr

from clamp_mmpose.apis.chat import ImageChat
from clamp_mmpose.apis.pose_chat import PoseChat

from . import chat_handlers, pose_handlers
from .page import AT_ONCE, KEPT, WAITING

HELP = (
    'Drop an image and ask about it; further questions continue the conversation. Another image, or Clear, starts a '
    'new one. Without an image, the model answers from the question alone.'
)
POSE_HELP = (
    " The poses of the last answer are below: drag the body to turn it; the person's left side is blue, the right side "
    'orange, where bones are drawn.'
)


def build_chat(chat: Union[ImageChat, PoseChat]) -> gr.Blocks:
    """A page with questions and answers about an image, and with the poses of the answers; :func:`launch` serves it."""
    has_poses = isinstance(chat, PoseChat)
    with gr.Blocks(title='Ask about an image', analytics_enabled=False, delete_cache=(KEPT // 4, KEPT)) as app:
        # the state of one user; each browser tab has its own
        image, talk = (gr.State(value, time_to_live=KEPT) for value in (None, chat_handlers.NOTHING))
        gr.Markdown(f'# Ask about an image\n{HELP}{POSE_HELP if has_poses else ""}')
        with gr.Row():
            with gr.Column(scale=2):
                photo = gr.Image(
                    label='Image',
                    format='jpeg',
                    height=350,
                    sources=['upload', 'clipboard'],
                    buttons=[],
                    elem_id='photo',
                )
            with gr.Column(scale=3):
                # questions and answers are texts: no Markdown, formulas, links or images; the handlers escape HTML
                conversation = gr.Chatbot(
                    label='Conversation',
                    height=420,
                    render_markdown=False,
                    latex_delimiters=[],
                    buttons=[],
                    elem_id='conversation',
                )
                question = gr.Textbox(
                    label='Question', lines=1, max_lines=5, placeholder='What is the person doing?', elem_id='question'
                )
                force = gr.Checkbox(
                    label='Give a pose with every answer', visible=has_poses, interactive=True, elem_id='force'
                )
                with gr.Row():
                    ask_button = gr.Button('Ask', variant='primary', elem_id='ask')
                    clear_button = gr.Button('Clear', elem_id='clear')
                message = gr.HTML(elem_id='message')

        poses: List[Any] = []
        if has_poses:
            with gr.Row():
                body = gr.Model3D(label='Body', height=420, interactive=False, elem_id='body', buttons=[], scale=2)
                views = gr.Image(
                    label='From four sides',
                    show_label=False,  # it would lie on the name of the first view
                    format='png',
                    interactive=False,
                    buttons=['download', 'fullscreen'],
                    elem_id='views',
                    scale=3,
                )
            poses = [body, views]

        def ask(*values: Any) -> tuple:
            if isinstance(chat, PoseChat):
                return pose_handlers.ask(chat, poses[0].GRADIO_CACHE, *values)
            return chat_handlers.ask(chat, *values)

        # no public API, and the handlers check all values themselves, as on the page for keypoints
        private: Dict[str, Any] = dict(api_visibility='private', preprocess=False, concurrency_limit=AT_ONCE)
        gr.on(
            [photo.upload, photo.clear],
            _then_nothing(chat_handlers.load, len(poses)),
            photo,
            [photo, image, talk, conversation, message, *poses],
            trigger_mode='multiple',
            concurrency_id='image',
            **private,
        )
        gr.on(
            [ask_button.click, question.submit],
            ask,
            [image, question, talk, *([force] if has_poses else [])],
            [question, talk, conversation, message, *poses],
            trigger_mode='once',
            concurrency_id='ask',
            **private,
        )
        gr.on(
            [clear_button.click, conversation.clear],
            _then_nothing(chat_handlers.clear, len(poses)),
            None,
            [talk, conversation, message, *poses],
            show_progress='hidden',
            concurrency_id='image',
            **private,
        )
    app.queue(max_size=WAITING)
    return app


def _then_nothing(handler: Callable[..., tuple], number: int) -> Callable[..., tuple]:
    """The handler, which also empties further components."""
    return lambda *values: (*handler(*values), *[None] * number)
