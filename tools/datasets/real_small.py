import sys

from clamp_mmpose_command import main

if __name__ == '__main__':
    raise SystemExit(main(['real-small', *sys.argv[1:]]))
