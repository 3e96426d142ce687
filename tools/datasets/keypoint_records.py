from clamp_mmpose.cli.keypoint_records import main

if __name__ == '__main__':
    raise SystemExit(main())
