from .collate import collate_conversations
from .instruction_dataset import InstructionDataset
from .predicted_people import PredictedPeople
from .read_facts import FactsRead, read_facts

__all__ = ['FactsRead', 'InstructionDataset', 'PredictedPeople', 'collate_conversations', 'read_facts']
