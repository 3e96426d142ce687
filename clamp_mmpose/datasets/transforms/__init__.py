from .cape_bbox_transform import CapeBBoxTransform
from .crop_person import CropPerson
from .focus_mask import FocusMask
from .generate_focus_heatmap import GenerateFocusHeatmap
from .get_text_queries import GetTextQueries
from .load_intact_image import LoadIntactImage
from .open_clip_preprocess import OpenCLIPPreprocess
from .pack_focus_inputs import PackFocusInputs
from .pack_pose_text import PackPoseText
from .pack_text_queries import PackTextQueries
from .pack_zero_shot_inputs import PackZeroShotInputs
from .resize_to_input import ResizeToInput
from .sample_description import SampleDescription
from .tokenize_conversation import TokenizeConversation
from .whole_image_box import WholeImageBox

__all__ = [
    'CapeBBoxTransform',
    'CropPerson',
    'FocusMask',
    'GenerateFocusHeatmap',
    'GetTextQueries',
    'LoadIntactImage',
    'OpenCLIPPreprocess',
    'PackFocusInputs',
    'PackPoseText',
    'PackTextQueries',
    'PackZeroShotInputs',
    'ResizeToInput',
    'SampleDescription',
    'TokenizeConversation',
    'WholeImageBox',
]
