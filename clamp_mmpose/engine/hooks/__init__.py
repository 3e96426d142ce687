from .checkpoint_fit_hook import CheckpointFitHook
from .conversation_length_hook import ConversationLengthHook
from .dataset_fit_hook import DatasetFitHook
from .embed_texts_hook import EmbedTextsHook
from .epoch_seed_hook import EpochSeedHook
from .finite_hook import FiniteHook
from .instruction_check_hook import InstructionCheckHook
from .resume_hook import ResumeHook
from .sync_buffers_hook import SyncBuffersHook
from .text_length_hook import TextLengthHook
from .trained_parts_hook import TrainedPartsHook

__all__ = [
    'CheckpointFitHook',
    'ConversationLengthHook',
    'DatasetFitHook',
    'EmbedTextsHook',
    'EpochSeedHook',
    'FiniteHook',
    'InstructionCheckHook',
    'ResumeHook',
    'SyncBuffersHook',
    'TextLengthHook',
    'TrainedPartsHook',
]
