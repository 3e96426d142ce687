from .descriptions import *  # noqa: F403
from .mp100 import *  # noqa: F403
from .transforms import *  # noqa: F403
from .zero_shot import *  # noqa: F403
