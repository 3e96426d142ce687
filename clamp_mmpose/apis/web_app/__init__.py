try:
    import gradio  # noqa: F401
except ImportError as error:
    raise ImportError('the web page needs Gradio: pip install "clamp_mmpose[app]"') from error

from .chat_page import build_chat
from .page import build_app, launch
from .search import read_names

__all__ = ['build_app', 'build_chat', 'launch', 'read_names']
