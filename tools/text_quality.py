import sys

from clamp_mmpose_command import main

if __name__ == '__main__':
    raise SystemExit(main(['text-quality', *sys.argv[1:]]))
