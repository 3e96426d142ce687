import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from import_files import contents, deeplabcut_project, deeplabcut_table, draw_image
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from clamp_mmpose.cli.import_data import main
from clamp_mmpose.datasets.imports import import_project, read_project
from clamp_mmpose.datasets.imports.deeplabcut_h5 import names_of_pickle, read_h5
from clamp_mmpose.datasets.imports.names import normal_names

FIXTURES = Path(__file__).resolve().parents[1] / 'data' / 'imports'
PARTS = ['snout', 'leftear', 'rightear']


def test_open_field_mouse(tmp_path, shared_data, capsys):
    out = tmp_path / 'mouse'
    assert main([str(shared_data / 'foreign/deeplabcut_openfield'), '--out', str(out)]) == 0
    images = contents(out)
    assert len(images) == 116
    assert {part: sum(image['part'] == part for image in images.values()) for part in ('train', 'val')} == dict(
        train=93, val=23
    )
    first = images['m4s1/img0000.png']
    assert (first['width'], first['height'], first['source']['frame']) == (640, 480, 0)
    # as in the first row of the CSV
    points = np.reshape(first['instances'][0]['keypoints'], (4, 3))
    np.testing.assert_allclose(
        points, [[21.521, 265.428, 2], [33.819, 265.941, 2], [19.984, 250.056, 2], [87.11, 152.698, 2]], atol=1e-3
    )
    # the longer side of the keypoints is 113.243: 15% of it on each side; x starts at the border
    np.testing.assert_allclose(first['instances'][0]['bbox'], [2.998, 135.712, 101.098, 147.216], atol=0.01)
    metainfo = parse_pose_metainfo(dict(from_file=str(out / 'metainfo.py')))
    assert [metainfo['keypoint_id2name'][i] for i in range(4)] == ['snout', 'left ear', 'right ear', 'tailbase']
    assert metainfo['flip_indices'] == [0, 2, 1, 3]
    printed = capsys.readouterr().out
    assert 'left ear   <-> right ear (from the names)' in printed
    assert '0 errors, 0 warnings in 2 data sets (116 images, 116 instances)' in printed


def test_multi_animal(tmp_path, shared_data):
    project = read_project(shared_data / 'foreign/deeplabcut_multi_animal')
    assert project.names == ['A', 'B', 'C', 'D', 'E'] and normal_names(project.names) == ['a', 'b', 'c', 'd', 'e']
    assert normal_names(['L_B_Paw', 'R_B_Paw']) == ['left back paw', 'right back paw']
    assert project.links == [(0, 1), (1, 2), (0, 2)]
    by_name = {image.name: image for image in project.images}
    assert [len(by_name[f'video/img00{i}.png'].instances) for i in range(4)] == [2, 3, 0, 2]
    animals = by_name['video/img001.png'].instances
    assert [instance.track for instance in animals] == ['Animal1', 'Animal2', 'single']
    nan = [np.nan, np.nan]
    np.testing.assert_array_equal(animals[0].keypoints, [[12, 13], nan, [15, 16], nan, nan])
    np.testing.assert_array_equal(animals[1].keypoints, [[17, 18], nan, [20, 21], nan, nan])
    np.testing.assert_array_equal(animals[2].keypoints, [nan, nan, nan, [22, 23], [24, 25]])


@pytest.mark.parametrize('name', ['dlc_testdata', 'dlc_testdata_v2', 'madlc_testdata', 'madlc_testdata_v2'])
def test_variants_of_a_table(shared_data, name):
    table = shared_data / f'foreign/deeplabcut_multi_animal/labeled-data/video/{name}.csv'
    project = read_project(table)
    assert project.names == ['A', 'B', 'C']
    assert [len(image.instances) for image in project.images] == ([2, 2, 0, 1] if name[0] == 'm' else [1, 1, 0, 1])
    np.testing.assert_array_equal(project.images[3].instances[0].keypoints, [[22, 23], [24, 25], [26, 27]])
    assert all(image.path.is_file() for image in project.images)


def test_h5_as_its_csv(shared_data):
    pytest.importorskip('h5py')
    csv = shared_data / 'foreign/deeplabcut_openfield/labeled-data/m4s1/CollectedData_Pranav.csv'
    tables = [read_project(csv.with_suffix(suffix)) for suffix in ('.csv', '.h5')]
    assert [table.names for table in tables] == [['snout', 'leftear', 'rightear', 'tailbase']] * 2
    points = [np.stack([image.instances[0].keypoints for image in table.images]) for table in tables]
    assert len(points[0]) == 116
    np.testing.assert_allclose(*points, atol=1e-6)


@pytest.mark.parametrize('name', ['dlc_table', 'dlc_fixed', 'dlc_animals_fixed'])
def test_h5_layouts_of_pandas(name):
    pytest.importorskip('h5py')
    columns, rows, values = read_h5(FIXTURES / f'{name}.h5')
    assert rows == ['labeled-data/vid/img0.png', 'labeled-data/vid/img1.png']
    number = values.shape[1]
    expected = np.arange(2 * number).reshape(2, number) + 0.5
    expected[1, 2:4] = np.nan
    np.testing.assert_array_equal(values, expected)
    if name == 'dlc_animals_fixed':
        assert columns[4] == ('Ann', 'm2', 'nose', 'x') and columns[9] == ('Ann', 'single', 'tail', 'y')
    else:
        assert columns == [('Ann', '', part, axis) for part in ('nose', 'leftear', 'tail') for axis in 'xy']


def test_h5_runs_no_code():
    assert names_of_pickle(b'(lp0\n(VAnn\np1\nVx\np2\ntp3\na(g1\ng2\ntp4\na.') == [('Ann', 'x'), ('Ann', 'x')]
    with pytest.raises(ValueError, match='pickled with GLOBAL'):
        names_of_pickle(b'cos\nsystem\n(Vtrue\ntR.')


def test_two_people_and_broken_rows(tmp_path):
    rows = {f'img{i:02}.png': [10 + i, 10, 30 + i, 10, 30 + i, 30] for i in range(6)}
    project = deeplabcut_project(tmp_path / 'project', rows, PARTS)
    labels = project / 'labeled-data' / 'vid'
    # Ben labels each point one pixel to the right, but the snout of img00 elsewhere
    others = {name: [x + 1 if i % 2 == 0 else x for i, x in enumerate(row)] for name, row in rows.items()}
    others['img00.png'] = [30, 30, *others['img00.png'][2:]]
    others['img05.png'][-2:] = [500, 30]
    deeplabcut_table(labels / 'CollectedData_Ben.csv', others, PARTS, 'Ben')
    (labels / 'img04.png').unlink()
    report = import_project(read_project(project), project, tmp_path / 'out')
    images = contents(tmp_path / 'out')
    assert sorted(images) == [f'vid/img0{i}.png' for i in (0, 1, 2, 3, 5)]
    np.testing.assert_allclose(
        images['vid/img01.png']['instances'][0]['keypoints'], [11.5, 10, 2, 31.5, 10, 2, 31.5, 30, 2]
    )
    assert images['vid/img00.png']['instances'][0]['keypoints'][:3] == [0, 0, 0]
    assert images['vid/img05.png']['instances'][0]['keypoints'][6:] == [35, 30, 2]  # only Ann's
    # two labels one pixel apart have the variance 0.5; boxes are 26 pixels wide and high
    assert report.sigmas == 'estimated from 13 points in 5 images with labels of several people'
    assert report.folder.record['sigmas']['values'] == pytest.approx([0.5**0.5 / 26] * 3, abs=1e-4)
    notes = '\n'.join(report.notes)
    assert 'labels of 2 people: Ann, Ben' in notes
    assert '1 of 6 images left out: image' in notes and 'img04.png does not exist' in notes
    assert '1 labels outside of their image left out: right ear of vid/img05.png at (500, 30)' in notes
    assert '1 labels left out on which the people disagree: snout of vid/img00.png, 28 pixels apart' in notes


def test_other_alphabets_and_windows_paths(tmp_path):
    parts = ['鼻子', 'левый глаз', '{{ $HOME:x &#125;}']
    project = deeplabcut_project(
        tmp_path / 'мышь', {'кадр 1.png': [1, 2, 3, 4, 5, 6], 'b.png': [1, 2, 3, 4, '', '']}, parts
    )
    table = project / 'labeled-data/vid/CollectedData_Ann.csv'
    table.write_text(
        table.read_text(encoding='utf-8').replace('labeled-data/vid/', 'labeled-data\\vid\\'), encoding='utf-8'
    )
    assert main([str(project), '--out', str(tmp_path / 'out'), '--copy', '--no-check']) == 0
    images = contents(tmp_path / 'out')
    assert images['vid/кадр 1.png']['source'] == dict(
        file=str(project.resolve() / 'labeled-data/vid/кадр 1.png'), video='vid.mp4', frame=1
    )
    assert images['vid/b.png']['instances'][0]['num_keypoints'] == 2
    metainfo = parse_pose_metainfo(dict(from_file=str(tmp_path / 'out/metainfo.py')))
    assert [metainfo['keypoint_id2name'][i] for i in range(3)] == [*parts[:2], '(( $home:x ))']
    assert not (tmp_path / 'out/images/vid/b.png').is_symlink()


def test_copied_header_and_repeated_rows(tmp_path):
    project = deeplabcut_project(tmp_path / 'project', {'a.png': [1, 2, 3, 4, 5, 6]}, PARTS)
    table = project / 'labeled-data/vid/CollectedData_Ann.csv'
    table.with_name('CollectedData_Ben.csv').write_text(table.read_text())
    table.write_text(table.read_text() + 'labeled-data/vid/a.png,2,2,3,4,5,6\n')
    (image,) = read_project(project).images
    assert [(each.labeler, each.keypoints[0, 0]) for each in image.instances] == [('Ann', 2), ('Ben', 1)]


def test_importing_again_adds(tmp_path):
    rows = {f'img{i:02}.png': [10 + i, 10, 30 + i, 10, 30 + i, 30] for i in range(10)}
    project = deeplabcut_project(tmp_path / 'project', rows, PARTS)
    main([str(project), '--out', str(tmp_path / 'out'), '--no-check'])
    before = contents(tmp_path / 'out')
    metainfo = (tmp_path / 'out/metainfo.py').read_text()

    more = {**{f'img{i:02}.png': [20, 11, 40, 11, 40, 31] for i in range(2)}, 'img30.png': [1, 2, 3, 4, 5, 6]}
    draw_image(project / 'labeled-data/vid/img30.png', 30)
    # other order and spelling of the names
    spelled = ['Right_ear', 'snout', 'left ear']
    turned = {name: [*row[4:], *row[:4]] for name, row in more.items()}
    deeplabcut_table(project / 'labeled-data/vid/CollectedData_Ann.csv', turned, spelled, 'Ann')
    assert main([str(project), '--out', str(tmp_path / 'out'), '--no-check', '--seed', '5']) == 0
    after = contents(tmp_path / 'out')
    assert len(after) == 11 and {name: after[name]['part'] for name in before} == {
        name: image['part'] for name, image in before.items()
    }
    assert after['vid/img00.png']['instances'][0]['keypoints'] == [20, 11, 2, 40, 11, 2, 40, 31, 2]
    assert after['vid/img05.png']['instances'][0]['keypoints'] == [15, 10, 2, 35, 10, 2, 35, 30, 2]
    assert after['vid/img30.png']['instances'][0]['keypoints'] == [1, 2, 2, 3, 4, 2, 5, 6, 2]
    assert (tmp_path / 'out/metainfo.py').read_text() == metainfo
    record = json.loads((tmp_path / 'out/import.json').read_text())
    assert [(each['added'], each['replaced']) for each in record['imports']] == [(10, 0), (1, 2)]


def test_refusals_in_one_line(tmp_path, capsys):
    project = deeplabcut_project(tmp_path / 'project', {'a.png': [1, 2, 3, 4, 5, 6]}, PARTS)
    table = project / 'labeled-data/vid/CollectedData_Ann.csv'
    good = table.read_text()
    out = str(tmp_path / 'out')

    def error(*arguments):
        assert main([*map(str, arguments), '--no-check']) == 1
        printed = capsys.readouterr().err.strip().splitlines()
        return printed[-1]

    table.write_text(good.replace('1,2,3,4,5,6', ',,,,,'))
    assert '1 images and no labeled keypoint' in error(project, '--out', out)
    table.write_text(good.replace('1,2,3', '1,2,three'))
    assert "expected a coordinate, got 'three'" in error(project, '--out', out)
    table.write_text(good)
    assert main([str(project), '--out', out, '--no-check']) == 0
    capsys.readouterr()
    deeplabcut_table(table, {'a.png': [1, 2, 3, 4, 5, 6]}, ['nose', 'tail', 'paw'], 'Ann')
    assert 'import it into a folder of its own' in error(project, '--out', out)
    assert 'has no import.json' in error(project, '--out', project)
    (project / 'labeled-data/vid/a.png').unlink()
    assert 'none of the 1 labeled images can be used' in error(project, '--out', tmp_path / 'new')
    table.unlink()
    assert 'has no labels' in error(project, '--out', tmp_path / 'new')
    assert 'none of the projects' in error(shutil.copytree(FIXTURES, tmp_path / 'other'), '--out', tmp_path / 'new')
