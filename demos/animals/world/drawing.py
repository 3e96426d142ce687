from dataclasses import fields, replace

import numpy as np

from demos.canvas.colors import Color
from demos.canvas.fur import Fur
from demos.canvas.sketch import Sketch
from demos.canvas.tube import smooth

from .quadruped import FORE_LEG, HIND_LEG, OUTWARD, Camera, Pose
from .species import Coat, Shape, ToySpecies

FAR_LIGHT = 0.5  # brightness of the far side of the animal
# radii of the legs from the trunk down, for Build.limb = 1
LEG_RADII = {FORE_LEG: (0.115, 0.075, 0.05, 0.045), HIND_LEG: (0.165, 0.1, 0.052, 0.045)}
EYE, PUPIL, NOSE, HOOF, HORN = (196, 150, 60), (18, 14, 14), (36, 28, 30), (46, 38, 36), (122, 108, 90)


def draw_quadruped(
    sketch: Sketch, species: ToySpecies, coat: Coat, pose: Pose, camera: Camera, missing_chance: float = 0.0
):
    """Draw one animal, from the far side to the near one, in trunk lengths; mark its visible joints.

    It also marks ``<side>_ear_tip`` of the near ear, ``mouth``, ``belly`` and ``tail_tip``. ``missing_chance`` is the
    probability that a leg, the tail, or the near ear is missing.
    """
    drawing = _Drawing(sketch, species, coat, pose, camera, missing_chance)
    near = camera.near_side
    far = 'right' if near == 'left' else 'left'
    for names in (HIND_LEG, FORE_LEG):
        drawing.leg(far, names, FAR_LIGHT)
    drawing.tail()
    drawing.trunk()
    drawing.head(far, near)
    for names in (HIND_LEG, FORE_LEG):
        drawing.leg(near, names, 1.0)


def vary_coat(coat: Coat, rng: np.random.Generator) -> Coat:
    """The coat of another individual: all colors a little lighter or darker, warmer or cooler."""
    tint = rng.normal(0, 2.5, 3) + rng.normal(0, 8)
    colors = [field.name for field in fields(coat) if field.name != 'pattern']
    return replace(
        coat, **{name: tuple(np.clip(getattr(coat, name) + tint, 0, 255).astype(int).tolist()) for name in colors}
    )


class _Drawing:
    def __init__(self, sketch, species, coat, pose, camera, missing_chance):
        self.sketch, self.build, self.coat, self.pose, self.camera = sketch, species.build, coat, pose, camera
        self.missing_chance = missing_chance
        self.pattern = coat.pattern, coat.mark

    def _missing(self) -> bool:
        return self.missing_chance > 0 and self.sketch.chance(self.missing_chance)

    def _mark(self, name: str, point: np.ndarray):
        self.sketch.mark(name, self.camera.project(point))

    def _tube(self, points: np.ndarray, radii: np.ndarray, color: Color, *fur, rounded: bool = False):
        line = np.column_stack([self.camera.project(np.asarray(points)), radii])
        line = smooth(line) if rounded else line
        self.sketch.tube(line[:, :2], line[:, 2], color, fur=Fur(*fur))

    def leg(self, side: str, names: tuple, light: float):
        joints = [self.pose.joints[f'{side}_{name}'] for name in names]
        self._mark(f'{side}_{names[0]}', joints[0])
        if self._missing():
            return
        for name, joint in zip(names, joints):
            self._mark(f'{side}_{name}', joint)
        radii = np.array(LEG_RADII[names]) * self.build.limb
        toes = [joints[-1], joints[-1] + np.array([0.07, 0.0, 0.0])]
        self._tube(toes, radii[-1] * np.array([1, 0.85]), HOOF if self.build.hoofed else self.coat.legs, light)
        marks = (0, 0.75, *self.pattern), (0.55, 1, 'solid', self.coat.legs)
        self._tube(joints, radii, self.coat.back, light, None, marks)

    def tail(self):
        rng = self.sketch.rng
        points, radii = [self.pose.joints['root_of_tail']], [self.build.tail[0][2]]
        self._mark('root_of_tail', points[0])
        if self._missing():
            return
        swing, lift = rng.normal(0, 14), rng.normal(0, 10)
        for i, (rise, length, radius) in enumerate(self.build.tail):
            rise, aside = np.radians([rise + lift, swing * (i + 1)])
            back = np.array([-np.cos(rise) * np.cos(aside), np.sin(rise), np.cos(rise) * np.sin(aside)])
            points.append(points[-1] + length * back)
            radii.append(radius)
        self._mark('tail_tip', points[-1])
        self._tube(points, radii, self.coat.back, 0.92, None, ((0.72, 1, 'solid', self.coat.tail_tip),), rounded=True)

    def trunk(self):
        rump, loin, chest = self.build.girth
        spine = (-0.5 - 0.55 * rump, -0.62 * rump), (-0.42, -rump), (0.0, -loin), (0.34, -1.02 * chest)
        points = [self.pose.trunk @ [forward, up, 0.0] for forward, up in (*spine, (0.55, -0.98 * chest))]
        _, base, top = self.build.neck
        neck, poll = self.pose.joints['neck'], self.pose.joints['poll']
        points += [neck, 0.5 * neck + 0.5 * poll, poll]
        radii = [0.62 * rump, rump, loin, chest, 0.8 * chest, base, 0.5 * base + 0.5 * top, top]
        marks = ((0, 1, *self.pattern),)
        self._tube(points, radii, self.coat.back, 1.0, self.coat.belly, marks, rounded=True)
        self._mark('neck', neck)
        self._mark('belly', self.pose.trunk @ [0.0, -1.9 * loin, 0.0])

    def head(self, far: str, near: str):
        joints, (_, skull, muzzle) = self.pose.joints, self.build.head
        self._horn_and_ear(far, FAR_LIGHT + 0.25)
        poll, nose = joints['poll'], joints['nose']
        points = [poll, poll + 0.38 * (nose - poll), nose - muzzle * self.pose.head[:, 0]]
        marks = (0, 0.55, *self.pattern), (0.74, 1, 'solid', self.coat.muzzle)
        self._tube(points, [skull, 0.86 * skull, muzzle], self.coat.back, 1.0, self.coat.belly, marks)
        if not self._missing():
            self._horn_and_ear(near, 1.0)
            self._mark(f'{near}_ear_tip', self._at_head(self.build.ear[-1][:3], near))
        for side in (far, near):
            # unless the head hides it
            if self.camera.towards(self.pose.head @ [0.6, 0.3, 0.74 * OUTWARD[side]]) > -0.15:
                eye = self.camera.project(joints[f'{side}_eye'])
                for center, radius, color in ((eye, 0.036, EYE), (eye, 0.026, PUPIL), (eye - 0.009, 0.009, (240,) * 3)):
                    self.sketch.ellipse(center, radius, color, ink=0)
                self._mark(f'{side}_eye', joints[f'{side}_eye'])
        if self.camera.towards(self.pose.head[:, 0]) > -0.75:
            self.sketch.ellipse(self.camera.project(nose), 0.4 * muzzle, NOSE, ink=0)
            self._mark('nose', nose)
        self._mark('mouth', poll + 0.62 * (nose - poll) - 0.75 * muzzle * self.pose.head[:, 1])

    def _horn_and_ear(self, side: str, light: float):
        shapes = (self.build.horn, HORN, light, True), (self.build.ear, self.coat.back, 0.9 * light, False)
        for shape, color, brightness, rounded in shapes:
            if shape:
                points = [self._at_head(point[:3], side) for point in shape]
                self._tube(points, [point[3] for point in shape], color, brightness, rounded=rounded)

    def _at_head(self, place: Shape, side: str) -> np.ndarray:
        forward, up, outward = place
        return self.pose.joints['poll'] + self.pose.head @ [forward, up, OUTWARD[side] * outward]
