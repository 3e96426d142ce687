from clamp_mmpose.cli.coco_subset import main

if __name__ == '__main__':
    raise SystemExit(main())
