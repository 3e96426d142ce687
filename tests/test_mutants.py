"""The small faults of ``make mutants``."""

from mutants.mutate import mutants_of

SOURCE = '''"""A text, 1."""


def near(points, size=4):
    """Another one."""
    if size < 0:
        raise ValueError(f'{size} is below 0')
    return points.detach().mean(dim=-1) + size
'''


def test_each_small_fault_once(tmp_path):
    """Messages and docstrings have none."""
    (tmp_path / 'a.py').write_text(SOURCE)
    mutants = mutants_of(tmp_path / 'a.py', tmp_path)
    assert {(mutant.line, mutant.original, mutant.mutated) for mutant in mutants} == {
        (4, '4', '5'),
        (4, '4', '0'),
        (6, 'size < 0', '(size <= 0)'),
        (6, 'size < 0', 'True'),
        (6, 'size < 0', 'False'),
        (6, '0', '1'),
        (8, 'return points.detach().mean(dim=-1) + size', 'return None'),
        (8, 'points.detach().mean(dim=-1) + size', '(points.detach().mean(dim=-1) - size)'),
        (8, 'points.detach().mean(dim=-1)', 'points.detach().mean()'),
        (8, 'points.detach()', 'points'),
        (8, '-1', '1'),
        (8, '1', '2'),
        (8, '1', '0'),
    }
    assert all((mutant.first, mutant.last) == (mutant.line, mutant.line) for mutant in mutants)
    [detached] = [mutant for mutant in mutants if mutant.original == 'points.detach()']
    assert detached.source == SOURCE.replace('.detach()', '') and detached.name == 'a.py: points.detach() -> points'
