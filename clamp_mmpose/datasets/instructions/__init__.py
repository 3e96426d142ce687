from .collate import collate_conversations
from .instruction_dataset import InstructionDataset
from .read_facts import FactsRead, read_facts

__all__ = ['FactsRead', 'InstructionDataset', 'collate_conversations', 'read_facts']
