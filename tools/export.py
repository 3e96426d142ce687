import sys

from clamp_mmpose_command import main

if __name__ == '__main__':
    raise SystemExit(main(['export', *sys.argv[1:]]))
