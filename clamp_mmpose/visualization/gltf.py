import json
import struct
from typing import Dict, Optional, Tuple

import numpy as np

FLOAT, UNSIGNED, BYTE = 5126, 5125, 5121  # types of glTF
GAMMA = 2.2  # of the colors of images
MAGIC, JSON_CHUNK, BINARY_CHUNK = b'glTF', b'JSON', b'BIN\0'


def to_glb(vertices: np.ndarray, faces: np.ndarray, colors: np.ndarray, normals: Optional[np.ndarray] = None) -> bytes:
    """A mesh as a binary glTF 2.0 file, which web pages and 3D programs show.

    Args:
        vertices: ``[V, 3]`` meters, y up.
        faces: ``[F, 3]`` indices of vertices, counter-clockwise from outside.
        colors: BGR ``[V, 3]`` uint8.
        normals: ``[V, 3]`` unit vectors, for a smooth surface; None: faces look flat.
    """
    points = np.asarray(vertices, '<f4')
    opaque = np.full((len(points), 1), 255, np.uint8)
    arrays: Dict[str, Tuple[np.ndarray, int, str]] = dict(POSITION=(points, FLOAT, 'VEC3'))
    if normals is not None:
        arrays['NORMAL'] = (np.asarray(normals, '<f4'), FLOAT, 'VEC3')
    linear = np.round(255 * (colors[:, ::-1] / 255) ** GAMMA).astype(np.uint8)  # as glTF has them
    arrays['COLOR_0'] = (np.concatenate([linear, opaque], 1), BYTE, 'VEC4')
    arrays['indices'] = (np.asarray(faces, '<u4').ravel(), UNSIGNED, 'SCALAR')
    views, accessors, content = [], [], b''
    for i, (array, kind, form) in enumerate(arrays.values()):
        views.append(dict(buffer=0, byteOffset=len(content), byteLength=array.nbytes))
        accessors.append(dict(bufferView=i, componentType=kind, count=len(array), type=form))
        content += array.tobytes()
    accessors[0].update(min=points.min(0).tolist(), max=points.max(0).tolist())
    accessors[-2]['normalized'] = True  # bytes as colors from 0 to 1
    attributes = {name: i for i, name in enumerate(arrays) if name != 'indices'}
    scene = dict(
        asset=dict(version='2.0'),
        scene=0,
        scenes=[dict(nodes=[0])],
        nodes=[dict(mesh=0)],
        meshes=[dict(primitives=[dict(attributes=attributes, indices=len(arrays) - 1, material=0)])],
        materials=[dict(pbrMetallicRoughness=dict(metallicFactor=0, roughnessFactor=0.9))],
        buffers=[dict(byteLength=len(content))],
        bufferViews=views,
        accessors=accessors,
    )
    text = json.dumps(scene, allow_nan=False).encode()
    text += b' ' * (-len(text) % 4)
    chunks = struct.pack('<I4s', len(text), JSON_CHUNK) + text + struct.pack('<I4s', len(content), BINARY_CHUNK)
    return struct.pack('<4sII', MAGIC, 2, 12 + len(chunks) + len(content)) + chunks + content
