from .clip_text_encoder import CLIPTextEncoder
from .hf_text_encoder import HFTextEncoder
from .text_embeddings import TextEmbeddings
from .word_text_encoder import WordTextEncoder

__all__ = ['CLIPTextEncoder', 'HFTextEncoder', 'TextEmbeddings', 'WordTextEncoder']
