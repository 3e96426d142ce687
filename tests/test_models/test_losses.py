import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from two_processes import run_in_two_processes

from clamp_mmpose.models.layers.feature_sampling import sample_features
from clamp_mmpose.models.losses import FeatureContrastiveLoss, SpatialContrastiveLoss

SIZE = (64, 32)  # (w, h) of the network input: 4 x 2 cells of 16 pixels


def grid_of_cells():
    """``[1, 2, 2, 4]``: channel 0 holds the column of each cell, channel 1 its row."""
    rows, columns = torch.meshgrid(torch.arange(2.0), torch.arange(4.0), indexing='ij')
    return torch.stack([columns, rows])[None]


def test_bilinear_sampling_interpolates_at_the_keypoint():
    # cell i covers pixels 16 i ... 16 i + 15: its center is pixel 16 i + 7.5
    keypoints = torch.tensor([[[7.5, 7.5], [23.5, 7.5], [15.5, 15.5], [39.5, 11.5], [0.0, 0.0], [63.0, 31.0]]])
    features, inside = sample_features(grid_of_cells(), keypoints, SIZE)
    assert torch.allclose(
        features, torch.tensor([[[0.0, 0.0], [1.0, 0.0], [0.5, 0.5], [2.0, 0.25], [0.0, 0.0], [3.0, 1.0]]]), atol=1e-5
    )
    assert inside.all()
    _, inside = sample_features(
        grid_of_cells(), torch.tensor([[[-0.4, 5.0], [-0.6, 5.0], [63.4, 5.0], [63.6, 5.0], [5.0, 31.6]]]), SIZE
    )
    assert inside.tolist() == [[True, False, True, False, False]]


def test_nearest_sampling_takes_the_authors_cell():
    # trunc(x / 16 + 0.5): 7.9 -> 0, 8 -> 1; -7 -> trunc(0.06) = 0; -23 -> trunc(-0.94) = 0; -24 -> -1; 56 -> 4, off
    keypoints = torch.tensor(
        [[[7.9, 0.0], [8.0, 0.0], [-7.0, 0.0], [-23.0, 0.0], [-24.0, 0.0], [55.9, 23.9], [56.0, 0.0], [0.0, 24.0]]]
    )
    features, inside = sample_features(grid_of_cells(), keypoints, SIZE, 'nearest')
    assert inside.tolist() == [[True, True, True, True, False, True, False, False]]
    assert features[0, [0, 1, 2, 3, 5]].tolist() == [[0, 0], [1, 0], [0, 0], [0, 0], [3, 1]]


def contrastive_reference(features, prompts, scale):
    """eq. 7-8 by hand, for one image: the mean over rows of both cross entropies, halved."""
    logits = scale * (F.normalize(features, dim=1) @ F.normalize(prompts, dim=1).T).double().numpy()
    rows = [math.log(np.exp(row).sum()) - row[i] for i, row in enumerate(logits)]
    columns = [math.log(np.exp(column).sum()) - column[i] for i, column in enumerate(logits.T)]
    return (np.mean(rows) + np.mean(columns)) / 2


def test_feature_loss_against_the_formula():
    dense, prompts = torch.randn(1, 8, 2, 4), torch.randn(1, 3, 8)
    keypoints = torch.tensor([[[7.5, 7.5], [39.5, 23.5], [55.5, 7.5]]])  # cells (0, 0), (2, 1), (3, 0)
    features = torch.stack([dense[0, :, 0, 0], dense[0, :, 1, 2], dense[0, :, 0, 3]])
    loss = FeatureContrastiveLoss(loss_weight=0.5)
    expected = 0.5 * contrastive_reference(features, prompts[0], 1 / 0.07)
    assert loss(dense, prompts, keypoints, torch.ones(1, 3), SIZE).item() == pytest.approx(expected, rel=1e-4)

    # the second keypoint is not labeled: it is neither averaged nor a negative feature, its prompt stays a negative
    logits = (F.normalize(features, dim=1) @ F.normalize(prompts[0], dim=1).T / 0.07).double().numpy()
    rows = [math.log(np.exp(logits[i]).sum()) - logits[i, i] for i in (0, 2)]
    columns = [math.log(np.exp(logits[[0, 2], i]).sum()) - logits[i, i] for i in (0, 2)]
    weights = torch.tensor([[1.0, 0.0, 1.0]])
    got = loss(dense, prompts, keypoints * weights[..., None], weights, SIZE).item()
    assert got == pytest.approx(0.5 * (np.mean(rows) + np.mean(columns)) / 2, rel=1e-4)


def test_feature_loss_averages():
    loss = FeatureContrastiveLoss('nearest', 'all')
    dense, prompts = torch.randn(2, 8, 2, 4), torch.randn(2, 3, 8)
    keypoints = torch.full((2, 3, 2), 8.0)
    one = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    # over all B * K = 6; the row of the one labeled keypoint against zero features and all prompts
    feature = F.normalize(dense[0, :, 1, 1], dim=0)
    logits = (F.normalize(prompts[0], dim=1) @ feature / 0.07).double().numpy()
    row = math.log(np.exp(logits).sum()) - logits[0]
    column = math.log(np.exp(logits[0]) + 2) - logits[0]
    assert loss(dense, prompts, keypoints, one, SIZE).item() == pytest.approx((row + column) / 2 / 6, rel=1e-4)


@pytest.mark.parametrize('average', ['labeled', 'all'])
@pytest.mark.parametrize('sampling', ['bilinear', 'nearest'])
def test_nothing_labeled_gives_zero(average, sampling):
    dense = torch.randn(2, 8, 2, 4, requires_grad=True)
    loss = FeatureContrastiveLoss(sampling, average)(
        dense, torch.randn(2, 3, 8), torch.full((2, 3, 2), 1e6), torch.zeros(2, 3), SIZE
    )
    loss.backward()
    assert loss.item() == 0 and torch.isfinite(dense.grad).all()


def test_one_keypoint_is_not_nan():
    loss = FeatureContrastiveLoss()(
        torch.randn(1, 8, 2, 4), torch.randn(1, 1, 8), torch.zeros(1, 1, 2), torch.ones(1, 1), SIZE
    )
    assert loss.item() == 0  # one class: no negatives


def test_spatial_loss_by_hand():
    loss = SpatialContrastiveLoss(num_keypoints=2, num_stages=1, loss_weight=3.0)
    score_map = torch.tensor([[[[0.2]], [[0.8]]]])
    heatmaps = torch.tensor([[[[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]]]])
    # upsampling one cell gives a constant map: (3 * 0.04 + 0.64) = 0.76 and 4 * 0.04 = 0.16, over 8 pixels
    assert loss(score_map, heatmaps, torch.ones(1, 2)).item() == pytest.approx(3 * (0.76 + 0.16) / 8)
    assert loss(score_map, heatmaps, torch.tensor([[1.0, 0.0]])).item() == pytest.approx(3 * 0.76 / 8)
    assert loss(score_map, heatmaps, torch.zeros(1, 2)).item() == 0


def test_spatial_loss_upsamples_between_cell_centers():
    """Cells of 0 and 1 become 0, 1/4, 3/4, 1: the centers of both cells keep their place, not their outer borders."""
    loss = SpatialContrastiveLoss(num_keypoints=1, num_stages=1)
    score_map = torch.tensor([[[[0.0, 1.0]]]])
    assert loss(score_map, torch.zeros(1, 1, 1, 4), torch.ones(1, 1)).item() == pytest.approx((1 + 9 + 16) / 16 / 4)
    upsampled = torch.tensor([[[[0.0, 0.25, 0.75, 1.0]]]])
    assert loss(score_map, upsampled, torch.ones(1, 1)).item() == 0


def test_deconv_upsampling_is_the_stock_head():
    loss = SpatialContrastiveLoss(num_keypoints=2, num_stages=2, upsample='deconv')
    assert type(loss.upsampler).__name__ == 'HeatmapHead'
    score_map, heatmaps = torch.rand(1, 2, 3, 5), torch.rand(1, 2, 12, 20)
    expected = F.mse_loss(loss.upsampler((score_map,)), heatmaps)
    assert torch.allclose(loss(score_map, heatmaps, torch.ones(1, 2)), expected)


def test_unknown_modes():
    with pytest.raises(ValueError, match="sampling='cubic', expected one of 'bilinear', 'nearest'"):
        FeatureContrastiveLoss('cubic')
    with pytest.raises(ValueError, match="average='some', expected one of 'labeled', 'all'"):
        FeatureContrastiveLoss(average='some')
    with pytest.raises(ValueError, match="upsample='nearest', expected one of 'bilinear', 'deconv'"):
        SpatialContrastiveLoss(2, 1, 'nearest')


def loss_of_a_process(rank, folder, weights):
    torch.manual_seed(0)
    dense, prompts, keypoints = torch.randn(2, 8, 2, 4), torch.randn(2, 3, 8), torch.rand(2, 3, 2) * 30
    own = slice(rank, rank + 1)
    value = FeatureContrastiveLoss()(dense[own], prompts[own], keypoints[own], weights[own], SIZE)
    torch.distributed.all_reduce(value)
    if rank == 0:
        torch.save(value / 2, folder / 'mean.pth')


@pytest.mark.slow
def test_two_processes_average_over_all_labeled_keypoints(tmp_path):
    """Two labeled keypoints in one process, one in the other: all have the same weight."""
    weights = torch.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    run_in_two_processes(loss_of_a_process, tmp_path, weights)
    torch.manual_seed(0)
    dense, prompts, keypoints = torch.randn(2, 8, 2, 4), torch.randn(2, 3, 8), torch.rand(2, 3, 2) * 30
    whole = FeatureContrastiveLoss()(dense, prompts, keypoints, weights, SIZE)
    assert torch.load(tmp_path / 'mean.pth', weights_only=True).item() == pytest.approx(whole.item(), rel=1e-5)
