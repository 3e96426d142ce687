from .clip_text_encoder import CLIPTextEncoder
from .hf_text_encoder import HFTextEncoder
from .text_embeddings import TextEmbeddings

__all__ = ['CLIPTextEncoder', 'HFTextEncoder', 'TextEmbeddings']
