from .cape_pck import CapePCK
from .confidence_auroc import ConfidenceAUROC

__all__ = ['CapePCK', 'ConfidenceAUROC']
