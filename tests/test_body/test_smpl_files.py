import pickle
import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from body_files import hand_layout, published_layout
from parity_folders import parity_folder
from scipy.sparse import csc_matrix

from clamp_mmpose.body.rotations import axis_angle_to_matrix
from clamp_mmpose.body.smpl_body import SmplBody
from clamp_mmpose.body.smpl_files import read_body_file, write_body_file
from clamp_mmpose.cli import convert_checkpoint


@pytest.fixture()
def chumpy():
    """Modules named as chumpy's, whose objects pickle as chumpy's do; gone again before the file is read."""
    modules = {name: ModuleType(name) for name in ('chumpy', 'chumpy.ch', 'chumpy.reordering', 'chumpy.ch_ops')}
    for module, name in (('chumpy.ch', 'Ch'), ('chumpy.reordering', 'Select'), ('chumpy.ch_ops', 'add')):
        setattr(modules[module], name, type(name, (), dict(__module__=module)))
    sys.modules.update(modules)

    def node(module, name, **state):
        made = getattr(modules[module], name)()
        made.__dict__.update(state, _dirty_vars=set(), _itr=None)
        return made

    def dump(path, content, protocol=2):
        path.write_bytes(pickle.dumps(content, protocol))
        for name in modules:
            sys.modules.pop(name, None)

    node.dump = dump
    yield node
    for name in modules:
        sys.modules.pop(name, None)


def old_layout(node):
    """SMPL 1.0's file: sparse regressors, chumpy's objects, notes."""
    content = published_layout()
    shapes = np.concatenate([content['shapedirs'], np.full_like(content['shapedirs'], 7)], 2)
    kept = np.arange(shapes.size).reshape(shapes.shape)[:, :, :10]
    content.update(
        J_regressor=csc_matrix(content['J_regressor']),
        J_regressor_prior=csc_matrix(content['J_regressor']),
        v_template=node('chumpy.ch', 'Ch', x=content['v_template']),
        shapedirs=node(
            'chumpy.reordering',
            'Select',
            a=node('chumpy.ch', 'Ch', x=shapes),
            idxs=kept.ravel(),
            preferred_shape=kept.shape,
        ),
        weights_prior=node('chumpy.ch_ops', 'add', a=1, b=2),
        bs_type='lrotmin',
        bs_style='lbs',
        vert_sym_idxs=np.arange(72),
    )
    return content


@pytest.mark.parametrize('protocol', [0, 2])
def test_an_old_pickle_of_chumpy(tmp_path, chumpy, protocol):
    chumpy.dump(tmp_path / 'SMPL_NEUTRAL.pkl', old_layout(chumpy), protocol)
    file = read_body_file(tmp_path / 'SMPL_NEUTRAL.pkl')
    assert 'chumpy' not in sys.modules
    assert file.kind == 'SMPL' and file.parents[:4] == (-1, 0, 0, 0)
    true = published_layout()
    for name, array in dict(
        v_template=file.template, shapedirs=file.shapes, J_regressor=file.regressor, weights=file.weights, f=file.faces
    ).items():
        np.testing.assert_array_equal(array, true[name], err_msg=name)

    write_body_file(file, tmp_path / 'kept/SMPL_NEUTRAL.npz')
    kept = read_body_file(tmp_path / 'kept/SMPL_NEUTRAL.npz')
    assert kept.kind == 'SMPL' and kept.parents == file.parents
    outputs = np.load(parity_folder('smpl_synthetic') / 'outputs.npz')
    rotations = axis_angle_to_matrix(torch.from_numpy(outputs['axis_angle']))
    output = SmplBody(kept, torch.float64)(rotations, torch.from_numpy(outputs['betas']))
    np.testing.assert_allclose(output.vertices + outputs['transl'][:, None], outputs['vertices'], atol=1e-7)


def python2_array(array):
    """Pickle instructions for an array as Python 2 wrote them: its bytes are a string."""
    data = array.tobytes()
    return (
        b'cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01'
        + b''.join(b'M' + size.to_bytes(2, 'little') for size in array.shape)
        + (b'\x86' if array.ndim == 2 else b'\x87')
        + b'cnumpy\ndtype\nU\x02'
        + array.dtype.str[1:].encode()
        + b'K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T'
        + len(data).to_bytes(4, 'little')
        + data
        + b'tb'
    )


def test_a_pickle_of_python_2(tmp_path):
    content = published_layout()
    parts = [b'U' + bytes([len(name)]) + name.encode() + python2_array(array) for name, array in content.items()]
    (tmp_path / 'basicModel.pkl').write_bytes(b'\x80\x02}(' + b''.join(parts) + b'u.')
    file = read_body_file(tmp_path / 'basicModel.pkl')
    np.testing.assert_array_equal(file.pose_shapes, content['posedirs'])
    np.testing.assert_array_equal(file.faces, content['f'])


class Call:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def os_system(mark):
    import os

    return pickle.dumps({'v_template': Call(os.system, f'touch {mark}')}, 2)


def builtins_eval(mark):
    return pickle.dumps({'v_template': Call(eval, f'open({str(mark)!r}, "w")')}, 2)


def eval_in_chumpy(mark):
    return b'\x80\x02cchumpy.ch\nCh\n)\x81}U\x01xc__builtin__\neval\n(U' + _short(f'open({str(mark)!r},"w")') + b'tRsb.'


def instance_of_eval(mark):
    return b"(S'" + f'open({str(mark)!r},"w")'.replace("'", '"').encode() + b"'\ni__builtin__\neval\n."


def objects_of_numpy(mark):
    return pickle.dumps({'v_template': np.array([Call(eval, f'open({str(mark)!r}, "w")')], object)}, 2)


def object_dtype_by_state(mark):
    """A dtype of floats whose state makes it one of objects, over bytes that would be read as pointers."""
    return (
        b'\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K\x01\x85'
        b'cnumpy\ndtype\nU\x01OK\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb\x89U\x08AAAAAAAAtb.'
    )


def numpy_loader(mark):
    np.save(mark.with_suffix('.npy'), np.array([Call(eval, f'open({str(mark)!r}, "w")')], object), allow_pickle=True)
    return pickle.dumps(Call(np.load, str(mark.with_suffix('.npy')), None, True), 2)


def numpy_exec(mark):
    return b'\x80\x02cnumpy.testing._private.utils\nrunstring\nU' + _short(f'open({str(mark)!r},"w")') + b'}\x86R.'


def method_of_an_array(mark):
    return b'\x80\x02cnumpy\nndarray.tofile\n(U' + _short(str(mark)) + b'tR.'


def _short(text):
    return bytes([len(text)]) + text.encode()


@pytest.mark.parametrize(
    'attack, named',
    [
        (os_system, r'posix\.system'),
        (builtins_eval, r'builtins\.eval'),
        (eval_in_chumpy, r'builtins\.eval'),
        (instance_of_eval, r'builtins\.eval'),
        (objects_of_numpy, r"numpy\.dtype\('O|builtins\.eval"),
        (object_dtype_by_state, r"numpy\.dtype\('O'\)"),
        (numpy_loader, r'numpy\.(lib\S*\.)?load'),
        (numpy_exec, r'numpy\.testing\._private\.utils\.runstring'),
        (method_of_an_array, r'numpy\.ndarray\.tofile'),
    ],
)
def test_code_is_refused_by_name_and_does_not_run(tmp_path, attack, named):
    (tmp_path / 'body.pkl').write_bytes(attack(tmp_path / 'mark'))
    with pytest.raises(
        ValueError, match=rf'body\.pkl was refused, and nothing in it was executed.*\((.*, )?{named}'
    ) as caught:
        read_body_file(tmp_path / 'body.pkl')
    assert not (tmp_path / 'mark').exists()
    assert '\n' not in str(caught.value)


def test_the_attacks_work_elsewhere(tmp_path):
    for attack in (os_system, builtins_eval, instance_of_eval, objects_of_numpy):
        pickle.loads(attack(tmp_path / attack.__name__), encoding='latin1')
        assert (tmp_path / attack.__name__).exists(), attack


def test_objects_in_an_npz_are_refused(tmp_path):
    np.savez(tmp_path / 'body.npz', **{**published_layout(), 'weights': np.array([Call(print, 'no')], object)})
    with pytest.raises(ValueError, match=r'body\.npz cannot be read \(ValueError: Object arrays cannot be loaded'):
        read_body_file(tmp_path / 'body.npz')
    notes = np.array(dict(a=1), object)  # SMPL-X's files have such notes, which are not read
    np.savez(tmp_path / 'notes.npz', **published_layout(), part2num=notes, bs_type=b'lrotmin')
    assert read_body_file(tmp_path / 'notes.npz').kind == 'SMPL'


def test_an_operation_of_chumpy_is_named(tmp_path, chumpy):
    content = old_layout(chumpy)
    content['weights'] = chumpy('chumpy.ch', 'Ch', x=chumpy('chumpy.ch_ops', 'add', a=1, b=2))
    chumpy.dump(tmp_path / 'body.pkl', content)
    with pytest.raises(ValueError, match=r'body\.pkl: weights is a chumpy\.ch_ops\.add, expected an array'):
        read_body_file(tmp_path / 'body.pkl')


def change(key, function):
    def changed(layout):
        layout[key] = function(layout[key])

    return changed


def set_item(key, place, value):
    def changed(layout):
        layout[key][place] = value

    return changed


@pytest.mark.parametrize(
    'changed, message',
    [
        (lambda layout: layout.pop('posedirs'), r'has no posedirs: it is not one of SMPL, SMPL-H or SMPL-X'),
        (
            change('kintree_table', lambda tree: tree[:, :16]),
            r'kintree_table is \[2, 16\], expected \[2, J\] with J 24',
        ),
        (change('posedirs', lambda array: array[:, :, :93]), r'posedirs is \[72, 3, 93\], expected \[72, 3, 207\]'),
        (change('weights', lambda array: array[:70]), r'weights is \[70, 24\], expected \[72, 24\]'),
        (change('weights', lambda array: array * 1.01), r'rows of weights must sum to 1, they differ by up to 0\.01'),
        (change('J_regressor', lambda array: array * 0.9), r'rows of J_regressor must sum to 1, .* up to 0\.1'),
        (set_item('shapedirs', (3, 1, 2), np.nan), r'shapedirs holds numbers that are not finite'),
        (set_item('kintree_table', (0, 5), 9), r'kintree_table is no tree whose joints follow their parents'),
        (set_item('kintree_table', (0, 0), 3), r'kintree_table is no tree whose joints follow their parents'),
        (set_item('kintree_table', (0, 9), 1), r"the joints' parents are .*, expected SMPL's"),
        (set_item('f', (0, 0), 72), r'faces name vertices 0 to 72, it has 72'),
        (change('f', lambda array: array.astype(float)), r'f is of type float64, expected integers'),
        (change('v_template', lambda array: array.astype(str)), r'v_template is of type <U\d+, expected floats'),
        (lambda layout: layout.update(bs_type='lrotmat'), r"pose shapes of type 'lrotmat', expected lrotmin"),
    ],
)
def test_another_version_is_refused_in_one_line(tmp_path, changed, message):
    layout = published_layout()
    changed(layout)
    np.savez(tmp_path / 'body.npz', **layout)
    with pytest.raises(ValueError, match=r'^body file \S+body\.npz.*' + message) as caught:
        read_body_file(tmp_path / 'body.npz')
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    'content', [b'', b'\x80\x02}(', b'PK\x03\x04nothing', b'hello', pickle.dumps([1]), b'\x80\x02)\x81.']
)
def test_a_damaged_file_is_refused_in_one_line(tmp_path, content):
    (tmp_path / 'body.pkl').write_bytes(content)
    with pytest.raises(ValueError, match=r'^body file \S+body\.pkl') as caught:
        read_body_file(tmp_path / 'body.pkl')
    assert '\n' not in str(caught.value)


def test_hand_layouts_are_named(tmp_path):
    for kind in ('SMPL-H', 'SMPL-X'):
        np.savez(tmp_path / 'body.npz', **hand_layout(kind, shapes=20))
        file = read_body_file(tmp_path / 'body.npz')
        assert file.kind == kind and len(file.parents) == len(file.regressor)
        write_body_file(file, tmp_path / 'again.npz')
        assert read_body_file(tmp_path / 'again.npz').shapes.shape == file.shapes.shape


def test_the_command(tmp_path, chumpy, capsys):
    chumpy.dump(tmp_path / 'SMPL_NEUTRAL.pkl', old_layout(chumpy))
    out = tmp_path / 'bodies/smpl.npz'
    assert convert_checkpoint.main(['body', str(tmp_path / 'SMPL_NEUTRAL.pkl'), str(out)]) == 0
    assert capsys.readouterr().out == f'SMPL: 24 joints, 72 vertices, 10 betas.\nWrote {out}.\n'
    assert read_body_file(out).template.shape == (72, 3)
    assert convert_checkpoint.main(['body', str(out), str(tmp_path / 'smpl.pkl')]) == 1
    assert 'expected a name that ends in .npz' in capsys.readouterr().err
    assert not (tmp_path / 'smpl.pkl').exists()
