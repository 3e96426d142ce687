"""Event handlers of the chat page for a model that answers with poses; see ``chat_handlers``."""

import html
from typing import Any, List, Optional

import gradio as gr
import numpy as np
from gradio.processing_utils import save_bytes_to_cache

from clamp_mmpose.apis.pose_chat import PoseChat
from clamp_mmpose.apis.pose_reply import Mesh, Pose
from clamp_mmpose.visualization.bodies import vertex_normals
from clamp_mmpose.visualization.gltf import to_glb

from . import chat_handlers
from .chat_handlers import Talk
from .handlers import plain_errors

SHOWN = 4  # poses of one answer
GAP = 0.3  # meters between bodies
NO_POSE = (None, None)


@plain_errors
def ask(chat: PoseChat, folder: str, path: Optional[str], question: str, talk: Talk, force: Any) -> tuple:
    """Answer a question as the page without poses does, and show the poses of the answer.

    The mesh is written to ``folder``, the page's own, from which it is deleted as uploads are. After an error the pose
    before stays.
    """
    replies = []

    def answer(image: Any, asked: str, rounds: list) -> str:
        replies.append(chat(image, asked, rounds, force_pose=True if force is True else None))
        return replies[0].text

    *shown, message = chat_handlers.ask(answer, path, question, talk)
    if not replies:
        return (*shown, message, gr.skip(), gr.skip())
    poses, notes = replies[0].poses, list(replies[0].notes)
    if len(poses) > SHOWN:
        notes.append(f'the answer has {len(poses)} poses, of which the first {SHOWN} are shown.')
    return (*shown, _status(notes), *_drawn(poses[:SHOWN], folder))


def _drawn(poses: List[Pose], folder: str) -> tuple:
    """The file with the mesh, and the views, RGB."""
    if not poses:
        return NO_POSE
    mesh = side_by_side([pose.mesh() for pose in poses])
    normals = vertex_normals(mesh.vertices, mesh.faces) if mesh.smooth else None
    content = to_glb(mesh.vertices, mesh.faces, mesh.colors, normals)
    views = np.concatenate([pose.draw() for pose in poses])
    return save_bytes_to_cache(content, 'pose.glb', folder), views[..., ::-1]


def side_by_side(meshes: List[Mesh]) -> Mesh:
    """One mesh of several bodies, from left to right."""
    vertices, faces, right, number = [], [], 0.0, 0
    for mesh in meshes:
        moved = np.array(mesh.vertices)
        moved[:, 0] += right - moved[:, 0].min()
        right = moved[:, 0].max() + GAP
        vertices.append(moved)
        faces.append(mesh.faces + number)
        number += len(moved)
    colors = np.concatenate([mesh.colors for mesh in meshes])
    return Mesh(np.concatenate(vertices), np.concatenate(faces), colors, meshes[0].smooth)


def _status(notes: List[str]) -> str:
    return ''.join(f'<p role="status">{html.escape(note)}</p>' for note in notes)
