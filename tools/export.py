"""Bake a trained CLAMP: ``CONFIG CHECKPOINT --out DIR`` writes a checkpoint without text tower, and ONNX."""

import argparse

from clamp_mmpose.apis.export import export_clamp


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config')
    parser.add_argument('checkpoint')
    parser.add_argument('--out', required=True, metavar='DIR')
    args = parser.parse_args()

    report = export_clamp(args.config, args.checkpoint, args.out)
    print(f'{report.parameters[0]:,} numbers in the model, {report.parameters[1]:,} after baking.')
    for batch_size, difference in report.differences.items():
        print(f'batch {batch_size}: ONNX differs from PyTorch by {difference:.1e} of the largest heatmap value.')
    print(f'Wrote {report.config}, {report.checkpoint} and {report.onnx}.')


if __name__ == '__main__':
    main()
