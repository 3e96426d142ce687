import json
from types import SimpleNamespace

import pytest
import torch

from benchmarks import body_skinning, run


class Anny:
    """Called as anny.Anny is, with 3 bones and 5 vertices."""

    bone_count = 3

    def float(self):
        return self

    def __call__(self, pose_parameters=None, phenotype_kwargs=None):
        batch = 1 if pose_parameters is None else len(pose_parameters)
        return dict(vertices=torch.zeros(batch, 5, 3), rest_vertices=torch.zeros(1, 5, 3), rest_bone_poses=None)

    def get_bone_transforms(self, deltas, rest_bone_poses):
        return deltas, None

    def get_skinned_vertices(self, rest_vertices, transforms):
        return rest_vertices


@pytest.fixture()
def small(monkeypatch):
    pytest.importorskip('smplx')
    monkeypatch.setattr(body_skinning, 'load_anny', lambda shapes: Anny())
    monkeypatch.setattr(body_skinning, 'AnnyBody', lambda: lambda rotations: SimpleNamespace(vertices=rotations))
    monkeypatch.setattr(body_skinning, 'VERTICES', 50)


def test_all_pose_the_same_batch(small, monkeypatch):
    monkeypatch.setattr(body_skinning, 'alternate', lambda runs, pairs: [run() for run in runs])
    timings = body_skinning.skinning(4, 20)
    assert {len(vertices) for vertices in timings} == {4}
    torch.testing.assert_close(timings.smpl, timings.smplx, atol=1e-5, rtol=0)


def test_different_bodies_are_not_compared(small, monkeypatch):
    monkeypatch.setattr('smplx.lbs.lbs', lambda betas, *arguments, **options: (torch.zeros(4, 50, 3), None))
    with pytest.raises(RuntimeError, match='the two bodies of SMPL differ'):
        body_skinning.skinning(4, 20)


def test_command(small, tmp_path, capsys):
    out = tmp_path / 'result.json'
    assert run.main(['body-skinning', '--batch-size', '2', '--pairs', '20', '--json', str(out)]) == 0
    assert '2 poses, 20 runs each' in capsys.readouterr().out
    result = json.loads(out.read_text())
    assert result['runs'] == 20
    assert result['smpl_ratio'] == pytest.approx(result['smpl_ms'] / result['smplx_ms'])
    assert result['anny_ratio'] == pytest.approx(result['anny_ms'] / result['anny_posing_ms'])
