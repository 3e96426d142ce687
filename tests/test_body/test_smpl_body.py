import numpy as np
import pytest
import torch
from body_files import hand_layout, published_layout
from parity_folders import parity_folder

from clamp_mmpose.body.build import build_body
from clamp_mmpose.body.rotations import axis_angle_to_matrix
from clamp_mmpose.body.smpl_body import SmplBody
from clamp_mmpose.body.smpl_files import read_body_file

MODEL = parity_folder('smpl_synthetic/synthetic_model.npz')


@pytest.fixture(scope='module')
def published():
    return {
        name: torch.from_numpy(array) for name, array in np.load(parity_folder('smpl_synthetic/outputs.npz')).items()
    }


@pytest.fixture(scope='module')
def file():
    return read_body_file(MODEL)


def posed(body, published, rows=slice(None)):
    rotations = axis_angle_to_matrix(published['axis_angle'][rows])
    return body(rotations, published['betas'][rows], published['transl'][rows])


# smplx adds 1e-8 inside the norm of an axis-angle vector
@pytest.mark.parametrize('dtype, tolerance', [(torch.float64, 1e-7), (torch.float32, 2e-6)])
def test_parity(file, published, dtype, tolerance):
    output = posed(SmplBody(file, dtype), published)
    assert output.joints.dtype == output.vertices.dtype == dtype
    for name, value in dict(joints24=output.joints, vertices=output.vertices, extra5=output.vertices[:, :5]).items():
        np.testing.assert_allclose(value, published[name], atol=tolerance, rtol=0, err_msg=name)


def test_a_row_is_the_same_alone_and_without_its_zeros(file, published):
    body = SmplBody(file, torch.float64)
    plain = (published['betas'].abs().sum(1) + published['transl'].abs().sum(1) == 0).nonzero()[0]
    output = body(axis_angle_to_matrix(published['axis_angle'][plain]))
    np.testing.assert_allclose(output.vertices, published['vertices'][plain], atol=1e-7)
    few = body(axis_angle_to_matrix(published['axis_angle']), published['betas'][:1, :3])
    zeros = torch.cat([published['betas'][:1, :3], torch.zeros(1, 7)], 1)
    np.testing.assert_allclose(
        few.vertices,
        body(axis_angle_to_matrix(published['axis_angle']), zeros.expand(len(published['betas']), -1)).vertices,
    )


def test_gradients_are_those_of_differences(file):
    body = SmplBody(file, torch.float64)
    generator = torch.Generator().manual_seed(0)
    axis_angle, betas, translation = (
        torch.randn(2, size, generator=generator, dtype=torch.float64, requires_grad=True) for size in (72, 10, 3)
    )

    def vertices(axis_angle, betas, translation):
        return body(axis_angle_to_matrix(axis_angle.unflatten(1, (24, 3))), betas, translation).vertices[:, ::13]

    assert torch.autograd.gradcheck(vertices, (axis_angle, betas, translation), fast_mode=True)


@pytest.mark.parametrize(
    'kind, shapes, used, knuckles',
    [
        ('SMPL-H', 16, 16, [[22, 25, 28, 31], [37, 40, 43, 46]]),
        ('SMPL-X', 20, 10, [[25, 28, 31, 34], [40, 43, 46, 49]]),
        ('SMPL-X', 400, 300, [[25, 28, 31, 34], [40, 43, 46, 49]]),
    ],
)
def test_hands_and_face_stay_at_rest(tmp_path, published, kind, shapes, used, knuckles):
    lbs = pytest.importorskip('smplx.lbs')
    layout = hand_layout(kind, shapes=shapes)
    np.savez(tmp_path / 'model.npz', **layout)
    file = read_body_file(tmp_path / 'model.npz')
    body = SmplBody(file, torch.float64)
    assert (file.kind, body.num_betas, body.name) == (kind, used, f'{kind} (model.npz)')
    rotations = axis_angle_to_matrix(published['axis_angle'])
    betas = torch.linspace(-1, 1, 4 * 10, dtype=torch.float64).view(4, 10)
    output = body(rotations, betas)

    values = {name: torch.from_numpy(array.astype(float)) for name, array in layout.items()}
    joints = len(layout['weights'][0])
    poses = torch.eye(3).double().repeat(4, joints, 1, 1)
    poses[:, :22] = rotations[:, :22]  # rotations 22 and 23 are of SMPL's hands, which these bodies do not have
    expected = lbs.lbs(
        betas,
        poses,
        values['v_template'],
        values['shapedirs'][:, :, :10],
        values['posedirs'].reshape(-1, 9 * (joints - 1)).T,
        values['J_regressor'],
        torch.tensor(file.parents),
        values['weights'],
        pose2rot=False,
    )
    np.testing.assert_allclose(output.vertices, expected[0], atol=1e-12)
    np.testing.assert_allclose(output.joints[:, :22], expected[1][:, :22], atol=1e-12)
    for joint, hand in zip((22, 23), knuckles):
        np.testing.assert_allclose(output.joints[:, joint], expected[1][:, hand].mean(1), atol=1e-12)


def test_wrong_shapes_are_refused(file):
    body = SmplBody(file)
    rotations = torch.eye(3).repeat(2, 24, 1, 1)
    with pytest.raises(ValueError, match=r'expected rotations \[B, 24, 3, 3\], got \[2, 23, 3, 3\]'):
        body(rotations[:, :23])
    with pytest.raises(ValueError, match=r'expected betas \[2, S\] with S up to 10, got \[2, 11\]'):
        body(rotations, torch.zeros(2, 11))
    with pytest.raises(ValueError, match=r'the regressor is \[17, 6890\], expected \[K, 72\] of SMPL \(synthetic'):
        body.regress(torch.zeros(17, 6890), body(rotations))


def test_joints_by_another_regressor(file):
    body = SmplBody(file, torch.float64)
    output = body(torch.eye(3).repeat(1, 24, 1, 1))
    regressor = torch.zeros(2, 72)
    regressor[0, 5], regressor[1, 8:10] = 1, 0.5
    joints = body.regress(regressor, output)[0]
    np.testing.assert_allclose(joints[0], file.template[5])
    np.testing.assert_allclose(joints[1], (file.template[8] + file.template[9]) / 2)


@pytest.mark.parametrize('kind, vertices, nose', [('SMPL', 6890, 332), ('SMPL-X', 10475, 9120)])
def test_coco_keypoints_of_published_meshes(tmp_path, file, published, kind, vertices, nose):
    assert not hasattr(SmplBody(file), 'coco_keypoints')
    layout = published_layout() if kind == 'SMPL' else hand_layout(kind)
    for key in ('v_template', 'shapedirs', 'posedirs', 'weights'):
        layout[key] = np.resize(layout[key].astype(np.float32), (vertices, *layout[key].shape[1:]))
    layout['J_regressor'] = np.eye(len(layout['J_regressor']), vertices)
    np.savez(tmp_path / 'body.npz', **layout)
    body = SmplBody(read_body_file(tmp_path / 'body.npz'))
    output = body(axis_angle_to_matrix(published['axis_angle']))
    keypoints = body.coco_keypoints(output)
    assert keypoints.shape == (4, 17, 3)
    assert keypoints[:, 0].equal(output.vertices[:, nose])
    for row, name in ((5, 'left shoulder'), (10, 'right wrist'), (11, 'left hip'), (16, 'right ankle')):
        assert keypoints[:, row].equal(output.joints[:, body.joint_names.index(name)])


def test_build_body(tmp_path):
    body = build_body(str(MODEL))
    assert body.name == 'SMPL (synthetic_model.npz)'
    assert body.faces.shape == (100, 3)
    assert len(body.joint_names) == len(body.parents) == 24
    assert not body.state_dict()  # nothing of a licensed file gets into a checkpoint
    assert build_body('skeleton').faces is None
    with pytest.raises(FileNotFoundError, match=r'body file nothing\.pkl does not exist'):
        build_body('nothing.pkl')
