from clamp_mmpose.cli.chat import main

if __name__ == '__main__':
    raise SystemExit(main())
