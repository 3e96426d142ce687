"""CVAT's XML, by hand."""

import numpy as np
import pytest
from import_files import NAN, contents, draw_image

from clamp_mmpose.datasets.imports import import_project, read_project

CVAT = """<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version><meta><task><labels>
<label><name>mouse</name><type>skeleton</type><svg>&lt;line data-type="edge" data-node-from="1" data-node-to="2"/&gt;
&lt;circle data-node-id="1" data-label-name="nose"/&gt;
&lt;circle data-node-id="2" data-label-name="tail"/&gt;</svg></label>
<label><name>nose</name><type>points</type><parent>mouse</parent></label>
<label><name>tail</name><type>points</type><parent>mouse</parent></label></labels></task></meta>
<image id="0" name="sub/a.png" width="64" height="48">
<box label="cage" xtl="1" ytl="2" xbr="60" ybr="40" group_id="3"/>
<skeleton label="mouse" group_id="3"><points label="tail" occluded="1" outside="0" points="30.00,31.50"/>
<points label="nose" occluded="0" outside="0" points="10.25,11.00"/></skeleton>
<skeleton label="mouse"><points label="nose" occluded="0" outside="1" points="5,6"/>
<points label="tail" occluded="0" outside="0" points="40,41"/></skeleton></image></annotations>"""


def test_cvat_skeletons(tmp_path):
    draw_image(tmp_path / 'images/sub/a.png')
    (tmp_path / 'annotations.xml').write_text(CVAT)
    project = read_project(tmp_path)
    assert (project.kind, project.names, project.links, project.category) == (
        'cvat',
        ['nose', 'tail'],
        [(0, 1)],
        'mouse',
    )
    first, second = project.images[0].instances
    np.testing.assert_array_equal(first.keypoints, [[10.25, 11], [30, 31.5]])
    assert first.visible.tolist() == [True, False] and first.box == (1, 2, 60, 40)
    np.testing.assert_array_equal(second.keypoints, [NAN, [40, 41]])
    import_project(project, tmp_path, tmp_path / 'out')
    assert contents(tmp_path / 'out', 'train')['sub/a.png']['instances'][0]['num_keypoints'] == 2


def test_cvat_points_and_tracks(tmp_path):
    point = '<points label="{}" occluded="0" points="{}"/>'
    points = [('nose', '10,10'), ('tail', '20,20'), ('nose', '50,10'), ('tail', '55,20')]
    boxes = (
        '<box label="mouse" xtl="5" ytl="5" xbr="25" ybr="25"/><box label="mouse" xtl="45" ytl="5" xbr="60" ybr="25"/>'
    )
    body = ''.join(point.format(*each) for each in points)
    file = tmp_path / 'annotations.xml'
    file.write_text(
        f'<annotations><image id="0" name="a.png" width="64" height="48">{boxes}{body}</image></annotations>'
    )
    project = read_project(file)
    assert project.names == ['nose', 'tail']
    assert [each.keypoints.tolist() for each in project.images[0].instances] == [
        [[10, 10], [20, 20]],
        [[50, 10], [55, 20]],
    ]
    assert project.images[0].instances[1].box == (45, 5, 60, 25)
    frames = ''.join(
        f'<skeleton frame="{i}" outside="0" keyframe="{int(i != 1)}">{point.format("nose", f"{i},5")}</skeleton>'
        for i in range(3)
    )
    file.write_text(f'<annotations><track id="4" label="mouse">{frames}</track></annotations>')
    project = read_project(file)
    assert project.category == 'mouse' and 'imported as one' not in ''.join(project.notes)
    assert [(image.name, image.instances[0].track) for image in project.images] == [
        ('frame_000000.png', '4'),
        ('frame_000002.png', '4'),
    ]
    body = point.format('bee', '10,10;20,20')
    file.write_text(f'<annotations><image id="0" name="a.png" width="64" height="48">{body}</image></annotations>')
    with pytest.raises(ValueError, match='points without names, several in one shape: label a skeleton'):
        read_project(file)
    file.write_text('<!DOCTYPE a [<!ENTITY b "c">]>\n<annotations></annotations>')
    with pytest.raises(ValueError, match='declares entities'):
        read_project(file)


def test_cvat_nested_boxes(tmp_path):
    """A point in two boxes belongs to the smaller one, and a second point of its name to the other."""
    box = '<box label="mouse" xtl="{}" ytl="{}" xbr="{}" ybr="{}"/>'
    points = [('nose', '10,10'), ('tail', '20,20'), ('nose', '12,12')]
    body = ''.join(f'<points label="{name}" occluded="0" points="{place}"/>' for name, place in points)
    file = tmp_path / 'annotations.xml'
    file.write_text(
        f'<annotations><image id="0" name="a.png" width="64" height="48">{box.format(0, 0, 60, 40)}'
        f'{box.format(5, 5, 25, 25)}{body}</image></annotations>'
    )
    inner, outer = read_project(file).images[0].instances
    np.testing.assert_array_equal(inner.keypoints, [[10, 10], [20, 20]])
    np.testing.assert_array_equal(outer.keypoints, [[12, 12], NAN])
    assert (inner.box, outer.box) == ((5, 5, 25, 25), (0, 0, 60, 40))


def test_cvat_tracks_one_after_another(tmp_path):
    """The first track starts after the second, and leaves the image in frame 4."""
    skeleton = '<skeleton frame="{}" outside="{}" keyframe="1"><points label="nose" points="5,6"/></skeleton>'
    tracks = [[(3, 0), (4, 1)], [(0, 0), (3, 0)]]
    body = ''.join(
        f'<track id="{i}" label="mouse">{"".join(skeleton.format(*seen) for seen in track)}</track>'
        for i, track in enumerate(tracks)
    )
    file = tmp_path / 'annotations.xml'
    file.write_text(f'<annotations>{body}</annotations>')
    found = [(image.frame, [each.track for each in image.instances]) for image in read_project(file).images]
    assert found == [(0, ['1']), (3, ['0', '1'])]
