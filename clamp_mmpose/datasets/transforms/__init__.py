from .focus_mask import FocusMask
from .generate_focus_heatmap import GenerateFocusHeatmap
from .get_text_queries import GetTextQueries
from .load_intact_image import LoadIntactImage
from .pack_focus_inputs import PackFocusInputs
from .pack_text_queries import PackTextQueries
from .resize_to_input import ResizeToInput

__all__ = [
    'FocusMask', 'GenerateFocusHeatmap', 'GetTextQueries', 'LoadIntactImage', 'PackFocusInputs', 'PackTextQueries',
    'ResizeToInput']
