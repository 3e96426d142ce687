"""Write the text files of zero-shot data sets, and read the fields of a data set."""


def write(root, **files):
    """Write text files by name, where '__' means '/'; the suffix is .csv if the first line has a comma, else .txt."""
    for name, lines in files.items():
        path = root / (name.replace('__', '/') + ('.csv' if ',' in lines[0] else '.txt'))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('\n'.join(lines) + '\n')


def samples(dataset):
    return [dataset.get_data_info(i) for i in range(len(dataset))]


def labels(dataset):
    return [sample['labels'] for sample in samples(dataset)]


def texts(dataset):
    return [one for (one,) in samples(dataset)[0]['class_texts']]


def logged(monkeypatch, module):
    found = []
    monkeypatch.setattr(f'clamp_mmpose.datasets.zero_shot.{module}.print_log', lambda text, **_: found.append(text))
    return found


def shared(dataset):
    sample = dataset.get_data_info(0)
    return (*(sample[key] for key in ('dataset_name', 'task', 'top_k', 'average')), len(sample['class_names']))
