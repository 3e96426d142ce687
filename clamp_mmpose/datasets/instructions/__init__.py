from .read_facts import FactsRead, read_facts

__all__ = ['FactsRead', 'read_facts']
