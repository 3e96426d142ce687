from typing import Any, Dict

import gradio as gr

from clamp_mmpose.apis.chat import ImageChat

from . import chat_handlers
from .page import AT_ONCE, KEPT, WAITING

HELP = (
    'Drop an image and ask about it; further questions continue the conversation. Another image, or Clear, starts a '
    'new one. Without an image, the model answers from the question alone.'
)


def build_chat(chat: ImageChat) -> gr.Blocks:
    """A page with questions and answers about an image; :func:`launch` serves it."""
    with gr.Blocks(title='Ask about an image', analytics_enabled=False, delete_cache=(KEPT // 4, KEPT)) as app:
        # the state of one user; each browser tab has its own
        image, talk = (gr.State(value, time_to_live=KEPT) for value in (None, chat_handlers.NOTHING))
        gr.Markdown(f'# Ask about an image\n{HELP}')
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
                with gr.Row():
                    ask_button = gr.Button('Ask', variant='primary', elem_id='ask')
                    clear_button = gr.Button('Clear', elem_id='clear')
                message = gr.HTML(elem_id='message')

        # no public API, and the handlers check all values themselves, as on the page for keypoints
        private: Dict[str, Any] = dict(api_visibility='private', preprocess=False, concurrency_limit=AT_ONCE)
        gr.on(
            [photo.upload, photo.clear],
            chat_handlers.load,
            photo,
            [photo, image, talk, conversation, message],
            trigger_mode='multiple',
            concurrency_id='image',
            **private,
        )
        gr.on(
            [ask_button.click, question.submit],
            lambda *values: chat_handlers.ask(chat, *values),
            [image, question, talk],
            [question, talk, conversation, message],
            trigger_mode='once',
            concurrency_id='ask',
            **private,
        )
        gr.on(
            [clear_button.click, conversation.clear],
            chat_handlers.clear,
            None,
            [talk, conversation, message],
            show_progress='hidden',
            concurrency_id='image',
            **private,
        )
    app.queue(max_size=WAITING)
    return app
