from .answers import BinsAnswer, PointerAnswer, TextAnswer, TokenAnswer
from .graph_decoder import GraphDecoder
from .joint_encoder import JointEncoder
from .pose_tower import PoseTower
from .projectors import LinearProjector, MLPProjector
from .prompt_cross_attention import PromptCrossAttention
from .prompt_encoder import PromptEncoder
from .prompt_learner import PromptLearner
from .similarity_proposal import SimilarityProposal

__all__ = [
    'BinsAnswer',
    'GraphDecoder',
    'JointEncoder',
    'LinearProjector',
    'MLPProjector',
    'PointerAnswer',
    'PoseTower',
    'PromptCrossAttention',
    'PromptEncoder',
    'PromptLearner',
    'SimilarityProposal',
    'TextAnswer',
    'TokenAnswer',
]
