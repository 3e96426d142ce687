from clamp_mmpose.cli.env import main

if __name__ == '__main__':
    raise SystemExit(main())
