from .backbones import *  # noqa: F403
from .heads import *  # noqa: F403
from .image_text import *  # noqa: F403
from .language_models import *  # noqa: F403
from .layers import *  # noqa: F403
from .losses import *  # noqa: F403
from .pose_estimators import *  # noqa: F403
from .text_encoders import *  # noqa: F403
