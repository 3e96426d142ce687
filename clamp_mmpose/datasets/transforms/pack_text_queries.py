from mmpose.datasets.transforms import PackPoseInputs
from mmpose.registry import TRANSFORMS

KEYS = ('texts', 'text_links', 'text_partners', 'hidden_is_absent')


@TRANSFORMS.register_module()
class PackTextQueries(PackPoseInputs):
    """:class:`PackPoseInputs` that also packs what :class:`GetTextQueries` gave; arguments as there."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.meta_keys = (*self.meta_keys, *KEYS)
