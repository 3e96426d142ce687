import sys

from clamp_mmpose_command import main

if __name__ == '__main__':
    raise SystemExit(main(['coco-subset', *sys.argv[1:]]))
