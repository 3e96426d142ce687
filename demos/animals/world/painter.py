from dataclasses import fields, replace
from typing import Callable, Optional

import cv2
import numpy as np

from demos.canvas.tube import Tube, fill_circle

from .coats import PATTERNS
from .quadruped import FORE_LEG, HIND_LEG, OUTWARD, Camera, Pose
from .species import Coat, Colour, Shape, ToySpecies

FAR_SHADE = 0.5  # brightness of what is on the far side of the animal
OUTLINE_SHADE = 0.72  # against what is behind the animal
CREASE_SHADE = 0.88  # where a part lies on another of the same animal
# radii of the legs down from the trunk, for Build.limb = 1
LEG_RADII = {FORE_LEG: (0.115, 0.075, 0.05, 0.045), HIND_LEG: (0.165, 0.1, 0.052, 0.045)}
EYE, PUPIL, NOSE, HOOF = (196, 150, 60), (18, 14, 14), (36, 28, 30), (46, 38, 36)


def vary_coat(coat: Coat, rng: np.random.Generator) -> Coat:
    """Another individual's coat: all colours a little lighter or darker, warmer or cooler."""
    tint = rng.normal(0, 2.5, 3) + rng.normal(0, 8)
    colours = [field.name for field in fields(coat) if field.name != 'pattern']
    return replace(
        coat, **{name: tuple(np.clip(getattr(coat, name) + tint, 0, 255).astype(int).tolist()) for name in colours}
    )


class QuadrupedPainter:
    """Paints one animal, from the far side to the near one.

    Args:
        canvas: ``[H, W, 3]`` uint8, RGB; painted on.
        species, coat, pose: what to paint.
        camera: from where, in pixels of ``canvas``.
        rng: places the marks of the coat.
    """

    def __init__(
        self, canvas: np.ndarray, species: ToySpecies, coat: Coat, pose: Pose, camera: Camera, rng: np.random.Generator
    ):
        self.canvas = canvas
        self.silhouette = np.zeros(canvas.shape[:2], np.uint8)
        self.build, self.coat, self.pose, self.camera = species.build, coat, pose, camera
        self.pattern = PATTERNS[coat.pattern]
        self.rng = rng

    def paint(self) -> np.ndarray:
        """Paints the animal; returns its silhouette ``[H, W]``, 255 inside."""
        near = self.camera.near_side
        far = 'right' if near == 'left' else 'left'
        for names in (HIND_LEG, FORE_LEG):
            self._paint_leg(far, names, FAR_SHADE)
        self._paint_tail()
        self._paint_trunk()
        self._paint_head(far, near)
        for names in (HIND_LEG, FORE_LEG):
            self._paint_leg(near, names, 1.0)
        return self.silhouette

    def _tube(self, points: np.ndarray, radii: np.ndarray) -> Tube:
        return Tube(self.camera.project(np.asarray(points)), np.asarray(radii) * self.camera.scale)

    def _head_tube(self, shape: Shape, side: str) -> Tube:
        points = np.array([(forward, up, OUTWARD[side] * outward) for forward, up, outward, _ in shape])
        points = self.pose.joints['poll'] + points @ self.pose.head.T
        return self._tube(points, [radius for *_, radius in shape])

    def _paint_leg(self, side: str, names: tuple, shade: float):
        joints = [self.pose.joints[f'{side}_{name}'] for name in names]
        radii = np.array(LEG_RADII[names]) * self.build.limb
        foot = self._tube([joints[-1], joints[-1] + np.array([0.07, 0.0, 0.0])], [radii[-1], 0.85 * radii[-1]])
        leg = self._tube(joints, radii)

        def mark(fur: np.ndarray, part: Tube):
            self._mark(fur, part.between(0, 0.75))
            part.between(0.55, 1).fill(fur, self.coat.legs)

        self._paint_part(foot, shade, HOOF if self.build.hoofed else self.coat.legs)
        self._paint_part(leg, shade, self.coat.back, mark=mark)

    def _paint_tail(self):
        points, radii = [self.pose.joints['root_of_tail']], [self.build.tail[0][2]]
        swing, lift = self.rng.normal(0, 14), self.rng.normal(0, 10)
        for i, (rise, length, radius) in enumerate(self.build.tail):
            rise, aside = np.radians([rise + lift, swing * (i + 1)])
            back = np.array([-np.cos(rise) * np.cos(aside), np.sin(rise), np.cos(rise) * np.sin(aside)])
            points.append(points[-1] + length * back)
            radii.append(radius)
        tail = self._tube(points, radii).smooth()
        self._paint_part(
            tail, 0.92, self.coat.back, mark=lambda fur, part: part.between(0.72, 1).fill(fur, self.coat.tail_tip)
        )

    def _paint_trunk(self):
        rump, loin, chest = self.build.girth
        spine = [
            (-0.5 - 0.55 * rump, -0.62 * rump),
            (-0.42, -rump),
            (0.0, -loin),
            (0.34, -1.02 * chest),
            (0.55, -0.98 * chest),
        ]
        points = [self.pose.trunk @ [forward, up, 0.0] for forward, up in spine]
        radii = [0.62 * rump, rump, loin, chest, 0.8 * chest]
        _, base, top = self.build.neck
        neck, poll = self.pose.joints['neck'], self.pose.joints['poll']
        points += [neck, 0.5 * neck + 0.5 * poll, poll]
        radii += [base, 0.5 * base + 0.5 * top, top]
        trunk = self._tube(points, radii).smooth()
        self._paint_part(trunk, 1.0, self.coat.back, self.coat.belly, mark=self._mark)

    def _paint_head(self, far: str, near: str):
        _, skull, muzzle = self.build.head
        self._paint_horn_and_ear(far, FAR_SHADE + 0.25)
        poll, nose = self.pose.joints['poll'], self.pose.joints['nose']
        centres = [poll, poll + 0.38 * (nose - poll), nose - muzzle * self.pose.head[:, 0]]
        head = self._tube(centres, [skull, 0.86 * skull, muzzle])

        def mark(fur: np.ndarray, part: Tube):
            self._mark(fur, part.between(0, 0.55))
            part.between(0.74, 1).fill(fur, self.coat.muzzle)

        self._paint_part(head, 1.0, self.coat.back, self.coat.belly, mark=mark)
        self._paint_horn_and_ear(near, 1.0)
        scale = self.camera.scale
        for side in (far, near):
            if self.shows_eye(side):
                eye = self.camera.project(self.pose.joints[f'{side}_eye'])
                fill_circle(self.canvas, eye, 0.036 * scale, EYE)
                fill_circle(self.canvas, eye, 0.026 * scale, PUPIL)
                fill_circle(self.canvas, eye - 0.009 * scale, 0.009 * scale, (240, 240, 240))
        if self.shows_nose():
            fill_circle(self.canvas, self.camera.project(nose), 0.4 * muzzle * scale, NOSE)

    def _paint_horn_and_ear(self, side: str, shade: float):
        if self.build.horn:
            self._paint_part(self._head_tube(self.build.horn, side).smooth(), shade, (122, 108, 90))
        self._paint_part(self._head_tube(self.build.ear, side), 0.9 * shade, self.coat.back)

    def _mark(self, fur: np.ndarray, part: Tube):
        self.pattern(fur, part, self.coat.mark, self.camera.scale, self.rng)

    def _paint_part(
        self,
        part: Tube,
        shade: float,
        colour: Colour,
        belly: Optional[Colour] = None,
        mark: Optional[Callable[[np.ndarray, Tube], None]] = None,
    ):
        """Paints fur of a ``colour`` that turns to ``belly`` below, lit from above, with a dark outline."""
        height, width = self.silhouette.shape
        left, top, right, bottom = part.bounds()
        left, top, right, bottom = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
        if left >= right or top >= bottom:
            return
        part = part.shifted((left, top))
        inside = np.zeros((bottom - top, right - left), np.uint8)
        part.fill(inside, 255)
        fur = np.empty((*inside.shape, 3), np.uint8)
        fur[:] = colour
        depth = max(3, int(1.3 * part.radii.max()))
        if belly is not None:
            below = 1 - _open_ratio(inside, depth, downwards=True)[..., None]
            paleness = np.clip(1.6 * below - 0.45, 0, 1)
            fur = (fur + (np.array(belly, np.float32) - fur) * paleness).astype(np.uint8)
        if mark is not None:
            mark(fur, part)
        light = shade * (
            1.08
            - 0.25 * (1 - _open_ratio(inside, depth, downwards=True))
            - 0.06 * _open_ratio(inside, depth, downwards=False)
        )
        rim = cv2.erode(inside, np.ones((3, 3), np.uint8), borderValue=255) == 0
        behind = self.silhouette[top:bottom, left:right]
        light[rim] *= np.where(behind[rim] > 0, CREASE_SHADE, OUTLINE_SHADE)
        painted = np.clip(fur * light[..., None], 0, 255).astype(np.uint8)
        cv2.copyTo(painted, inside, self.canvas[top:bottom, left:right])
        behind |= inside

    def shows_eye(self, side: str) -> bool:
        """Whether the head does not hide its eye."""
        outwards = self.pose.head @ [0.6, 0.3, 0.74 * OUTWARD[side]]
        return bool(self.camera.towards(outwards) > -0.15)

    def shows_nose(self) -> bool:
        """Whether the head does not hide its nose."""
        return bool(self.camera.towards(self.pose.head[:, 0]) > -0.75)


def _open_ratio(inside: np.ndarray, depth: int, downwards: bool) -> np.ndarray:
    """How much of the next ``depth`` pixels below (or above) each pixel is inside, 0 to 1."""
    anchor = (0, 0) if downwards else (0, depth - 1)
    ratio = inside.astype(np.float32) / 255
    return cv2.blur(ratio, (1, depth), anchor=anchor, borderType=cv2.BORDER_REPLICATE)
