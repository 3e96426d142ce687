import sys

from clamp_mmpose_command import main

if __name__ == '__main__':
    raise SystemExit(main(['ap10k-splits', *sys.argv[1:]]))
