from clamp_mmpose.cli.text_quality import main

if __name__ == '__main__':
    raise SystemExit(main())
