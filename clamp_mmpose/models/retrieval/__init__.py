from .pose_mlp_encoder import PoseMLPEncoder
from .pose_text_retrieval import PoseTextRetrieval

__all__ = ['PoseMLPEncoder', 'PoseTextRetrieval']
