"""Draw toy objects, train the text-query head on nine categories and ask it for three that it never saw."""
import argparse
import sys
import time
import warnings
from functools import partial

from clamp_mmpose.testing.demo_cape import run_cape_demo


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--work-dir', default='work_dirs/demo_cape', help='what an earlier demo left there is replaced')
    args = parser.parse_args()
    warnings.simplefilter('ignore')  # MMPose's and PyTorch's, about themselves
    start = time.perf_counter()
    report = run_cape_demo(args.work_dir, partial(print, file=sys.stdout, flush=True))
    print(f'\nDone in {time.perf_counter() - start:.0f} s.')
    print(f'The numbers:  {report}\nThe pictures: {report.parent / "pictures"}')


if __name__ == '__main__':
    main()
