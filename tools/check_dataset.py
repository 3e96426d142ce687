from clamp_mmpose.cli.check_dataset import main

if __name__ == '__main__':
    raise SystemExit(main())
