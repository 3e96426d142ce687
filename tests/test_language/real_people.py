"""Keypoints of people in COCO and MPII and of animals in AP-10K, from the annotations in MMPose's test data."""

import numpy as np

from clamp_mmpose.language.image_facts import Instance
from clamp_mmpose.language.keypoint_names import keypoint_names

COCO, MPII, AP10K = (tuple(keypoint_names(name)) for name in ('CocoDataset', 'MpiiDataset', 'AP10KDataset'))

# fmt: off
SKIER = [367, 81, 374, 73, 360, 75, 386, 78, 356, 81, 399, 108, 358, 129, 433, 142, 341, 159, 449, 165, 309, 178, 424,
         203, 393, 214, 429, 294, 367, 273, 466, 362, 396, 341]
# sits on a chair at the left of the image, turned to the right, one leg over the other
MAN_ON_CHAIR = [99, 144, 104, 141, 96, 137, 0, 0, 78, 133, 56, 161, 81, 162, 0, 0, 103, 208, 116, 204, 0, 0, 57, 246,
                82, 259, 137, 219, 138, 247, 177, 256, 158, 296]
# sits behind a box, his hands between his knees
MAN_BEHIND_BOX = [343, 164, 348, 160, 340, 160, 359, 163, 332, 164, 370, 189, 334, 190, 358, 236, 348, 234, 339, 270,
                  330, 262, 378, 262, 343, 254, 338, 280, 283, 272, 0, 0, 0, 0]
BATTER = [297, 111, 299, 106, 0, 0, 314, 108, 0, 0, 329, 141, 346, 125, 295, 164, 323, 130, 266, 155, 279, 143, 329,
          225, 331, 221, 327, 298, 283, 269, 398, 327, 288, 349]
UMPIRE = [589, 113, 0, 0, 0, 0, 595, 112, 584, 110, 598, 123, 579, 119, 594, 141, 570, 137, 576, 135, 585, 139, 590,
          157, 574, 156, 589, 192, 565, 189, 587, 222, 557, 219]
CATCHER = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 531, 262, 600, 283, 480, 260, 622, 336, 466, 242, 0, 0, 546, 365, 592, 371,
           470, 351, 551, 330, 519, 394, 589, 391]
BASEMAN = [48, 79, 50, 77, 46, 77, 54, 78, 45, 78, 57, 90, 42, 90, 63, 103, 42, 105, 56, 113, 49, 112, 55, 117, 44,
           117, 55, 140, 47, 140, 56, 160, 49, 159]
# in a wheelchair, the right hand raised beside the head
CURLER = [804, 711, 816, 510, 908, 438, 1040, 454, 906, 528, 883, 707, 974, 446, 985, 253, 982.8, 236, 962.2, 80, 869,
          214, 798, 340, 902, 253, 1067, 253, 1167, 353, 1142, 478]
# sits on a chair, the right hand at the head
ACTOR = [0, 0, 0, 0, 290, 274, 353, 275, 403, 299, 394, 409, 322, 275, 327, 172, 330, 162.1, 347, 105.9, 296, 135, 281,
         208, 296, 167, 358, 177, 387, 236, 392, 167]
# from behind, both arms forward; the right wrist is hidden at the height of the chest
TALKING_DRIVER = [0, 0, 1033, 649, 1072, 474, 973, 496, 961, 650, 0, 0, 1023, 485, 1031, 295, 1027, 281.6, 997, 181.4,
                  988, 294, 1018, 317, 1070, 290, 991, 300, 912, 345, 842, 330]
# beside a truck, the right hand up at its engine
DRIVER = [0, 0, 804, 659, 786, 498, 868, 509, 860, 693, 0, 0, 827, 504, 840, 314, 838.9, 308.9, 816.1, 203.1, 698, 264,
          740, 297, 790, 300, 889, 328, 915, 452, 906, 553]
# the same man leans to the truck
LEANING_DRIVER = [694, 684, 685, 579, 670, 437, 747, 421, 751, 574, 768, 717, 709, 429, 649, 230, 642.6, 217.6, 591.4,
                  117.4, 488, 351, 551, 307, 600, 242, 698, 217, 767, 310, 790, 405]
ANTELOPE = [488, 443, 0, 0, 466, 499, 600, 307, 787, 255, 643, 369, 660, 438, 684, 514, 592, 380, 594, 443, 591, 520,
            757, 350, 778, 408, 772, 513, 729, 352, 778, 400, 765, 497]
# fmt: on


def instance(numbers, category='person') -> Instance:
    """(0, 0) is not labeled."""
    keypoints = np.array(numbers, dtype=float).reshape(-1, 2)
    labeled = keypoints.any(1)
    low, high = keypoints[labeled].min(0), keypoints[labeled].max(0)
    return Instance(category, (*low.tolist(), *high.tolist()), keypoints, 2 * labeled)
