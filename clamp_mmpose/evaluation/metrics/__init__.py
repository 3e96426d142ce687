from .cape_pck import CapePCK
from .coco_or_pck import CocoOrPCK
from .confidence_auroc import ConfidenceAUROC
from .zero_shot_accuracy import ZeroShotAccuracy

__all__ = ['CapePCK', 'CocoOrPCK', 'ConfidenceAUROC', 'ZeroShotAccuracy']
