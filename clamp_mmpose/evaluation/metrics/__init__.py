from .cape_pck import CapePCK
from .confidence_auroc import ConfidenceAUROC
from .zero_shot_accuracy import ZeroShotAccuracy

__all__ = ['CapePCK', 'ConfidenceAUROC', 'ZeroShotAccuracy']
