"""The notebooks: valid, run by Jupyter once, and their code still gives what their outputs and texts say."""

import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip('nbformat')

FOLDER = Path(__file__).parents[1] / 'docs/notebooks'


def run(name, tmp_path, monkeypatch, changes=()):
    """What the code cells of a notebook define, run in this process: a kernel needs seconds to start.

    ``changes`` are (old, new) parts of the code.
    """
    import matplotlib

    matplotlib.use('Agg')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    defined = {}
    for cell in nbformat.read(FOLDER / name, 4).cells:
        if cell.cell_type == 'code':
            source = cell.source
            for old, new in changes:
                source = source.replace(old, new)
            exec(compile(source, name, 'exec'), defined)
    defined['plt'].close('all')
    return defined


@pytest.mark.parametrize('path', sorted(FOLDER.glob('*.ipynb')), ids=lambda path: path.name)
def test_valid_and_executed(path):
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == 'code']
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert {output.output_type for output in outputs} == {'display_data', 'execute_result', 'stream'}
    assert '/tmp/' not in str(outputs) and path.stat().st_size < 100_000
    for link in re.findall(r'\]\(([^)#]+)', ''.join(cell.source for cell in notebook.cells)):
        assert (FOLDER / link).is_file(), link


def test_names_find_shapes(tmp_path, monkeypatch):
    shorter = [('STEPS = 120', 'STEPS = 80'), ('range(25)', 'range(8)')]
    defined = run('ask_by_name.ipynb', tmp_path, monkeypatch, shorter)
    assert defined['STEPS'] == 80
    colors = {name: share for name, share in defined['found'].items() if 'green' not in name}
    assert len(colors) == 6 and min(colors.values()) > 0.5
    assert defined['found']['green square'] < 0.5  # as the notebook says: taken for the green spot
    assert defined['positions'].shape == (2, 2) and (defined['scores'] > 0).all()


def test_labels_become_a_data_folder(tmp_path, monkeypatch, capsys):
    defined = run('own_labels.ipynb', tmp_path, monkeypatch)
    assert defined['report'].folder.names == ['snout', 'left ear', 'right ear', 'tail base']
    assert [(swap.first, swap.second) for swap in defined['report'].swaps] == [(1, 2)]
    assert defined['findings'] == [] and len(defined['annotations']['annotations']) == 10
    notebook = nbformat.read(FOLDER / 'own_labels.ipynb', 4)
    shown = ''.join(output.get('text', '') for cell in notebook.cells for output in cell.get('outputs', []))
    assert shown == capsys.readouterr().out
