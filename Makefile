# `make` lists what there is; whatever needs packages sets up .venv from the lock files first.
PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help repro report first-look test test-browser test-long offline-plots setup cluster-setup cluster-demo \
  cluster-benchmark lock benchmark benchmark-lock calibrate study
.DELETE_ON_ERROR:

help:
	@sed -n 's/^\([a-z-]*\):.* ## /\1 /p' $(firstword $(MAKEFILE_LIST)) | while read -r name text; do \
	  printf 'make %-18s %s\n' "$$name" "$$text"; done

# JOBS trainings of different optimizers run side by side; each of them uses a core for every seed.
repro: .venv/runtime ## the whole pipeline, and what it finds; JOBS=n trains n optimizers at once
	@$(SCM)
	@python -m review.cpu
	@jobs=$${JOBS:-$$($(FREE))}; if test $$jobs -gt 1; then \
	  dvc repro configure prepare $$(dvc stage list --name-only | grep '^sweep@') && $(call EACH,t[a-z]*@); fi  # train and tune
	dvc repro
	@dvc metrics show
	@cat plots/verdicts.md
	@echo "Look at plots/lr_sensitivity.png, plots/loss.png and plots/ranking.png; 'make report' puts all into one file."

FREE = python -c "import yaml; from stages.lib.workers.pool import cores; \
  print(cores() // len(yaml.safe_load(open('params.yaml', encoding='utf-8'))['seeds']))"
EACH = dvc stage list --name-only | grep '^$(1)' | xargs -P $$jobs -n 1 dvc --wait-for-lock repro --single-item

# Without git, as from a tarball, dvc must be told so; and told otherwise once there is git.
SCM = if git rev-parse --git-dir >/dev/null 2>&1; then \
  ! grep -qs no_scm .dvc/config.local || dvc config --local --unset core.no_scm; \
  else dvc config --local core.no_scm true; fi

report: .venv/runtime ## one HTML file with the answer, to mail or attach
	python -m review.report dvc_report.html

test: .venv/development ## the tests, in four minutes
	ruff check
	ruff format --check
	mypy
	python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

# Needs Chromium or Chrome; without one it says so and skips, or fails if CI=true.
test-browser: .venv/development ## the pages of dvc plots and make report in a browser
	python -m pytest -m browser -rs

# From now on the pages of `dvc plots` in this clone open without a network.
offline-plots: .venv/development ## the pages of dvc plots open without a network from now on
	python -m review.offline_plots .dvc/tmp/offline.html
	dvc config --local plots.html_template tmp/offline.html

# Spoiled files by the thousand, kills and Ctrl-C at random moments, other surroundings, a cluster: in some minutes.
test-long: .venv/development ## rare and long checks, in five minutes
	python -m pytest -m long --numprocesses 2 --dist loadfile --no-loadscope-reorder

setup: .venv/runtime ## .venv alone

# One epoch and one seed of every optimizer, as an experiment in the workspace: the optimizers side by side on all cores.
first-look: .venv/runtime ## one epoch, one seed of every optimizer: the first picture
	@dvc exp remove -q first-look 2>/dev/null || true
	dvc exp run -n first-look --set-param epochs=1 --set-param 'seeds=[0]' configure prepare
	@dvc exp remove -q first-look  # else `dvc exp show` would list it with results that are not its own
	@jobs=$$(python -c "from stages.lib.workers.pool import cores; print(cores())"); $(call EACH,train@)
	dvc repro compare
	@echo "Look at plots/loss.png; then take back what this changed: git checkout ."

# What a Dask cluster needs beside it, on every machine.
cluster-setup: .venv/cluster ## what a Dask cluster needs besides

# Once through, on this machine: a scheduler, two workers, a small sweep, and a worker killed on the way.
cluster-demo: .venv/cluster ## a small cluster on this machine, once through
	dvc repro prepare
	python -m benchmarks.cluster_demo data/mnist.npz

cluster-benchmark: .venv/cluster ## what a cluster costs and brings
	dvc repro prepare
	python -m benchmarks.cluster data/mnist.npz --results benchmarks/cluster.json

.venv/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo 'error: Python 3.11 to 3.13 is needed, and $(PYTHON) is not; try: make PYTHON=python3.12' >&2; exit 1; }
	$(PYTHON) -m venv .venv
	touch $@

.venv/runtime: requirements.txt | .venv/python
	python -m pip install --quiet --require-hashes -r requirements.txt
	touch $@

.venv/cluster: requirements-cluster.txt | .venv/python
	python -m pip install --quiet --require-hashes -r requirements-cluster.txt
	touch $@ .venv/runtime

.venv/development: requirements-dev.txt | .venv/python
	python -m pip install --quiet --require-hashes -r requirements-dev.txt
	touch $@ .venv/runtime .venv/cluster

# One version of each package for all Pythons and systems, so that all compute the same.
LOCK = uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
  --no-header --no-annotate --custom-compile-command 'make lock' pyproject.toml
lock: .venv/development ## the lock files anew
	$(LOCK) -o requirements.txt
	$(LOCK) --group cluster -c requirements.txt -o requirements-cluster.txt
	$(LOCK) --group dev --group cluster -c requirements-cluster.txt -o requirements-dev.txt

# PyTorch, TensorFlow and JAX live in an environment of their own. PEERS=benchmarks/requirements-cuda.txt where pip
# finds no CPU build of PyTorch for Linux (see benchmarks/requirements.in).
PEERS ?= benchmarks/requirements.txt
benchmark: .venv-benchmarks/done ## speed against PyTorch, TensorFlow and JAX
	dvc repro prepare
	python -m benchmarks.run --peers .venv-benchmarks/bin/python

.venv-benchmarks/done: $(PEERS) | .venv/runtime
	$(PYTHON) -m venv --clear .venv-benchmarks
	.venv-benchmarks/bin/python -m pip install --quiet --require-hashes -r $(PEERS)
	touch $@

TORCH_CPU_HASH = 6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b
CPU_WHEEL = sys_platform == 'linux' and platform_machine == 'x86_64'
OTHER = sys_platform != 'linux' or platform_machine != 'x86_64'
COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes benchmarks/requirements.in
benchmark-lock: .venv/development ## their lock files anew
	rm -f benchmarks/requirements.txt benchmarks/requirements-cuda.txt
	$(COMPILE) --excludes benchmarks/without-cuda.txt --output-file benchmarks/requirements.txt
	$(COMPILE) --output-file benchmarks/requirements-cuda.txt
	sed -i "s/^torch==\([0-9.]*\) .*/torch==\1+cpu ; $(CPU_WHEEL) \\\\\n    --hash=sha256:$(TORCH_CPU_HASH)\ntorch==\1 ; $(OTHER) \\\\/" benchmarks/requirements.txt

# Ten seeds of every optimizer: about twenty minutes on two cores, after the pipeline itself.
study: .venv/runtime ## ten seeds of every optimizer, ranked: docs/study.md
	dvc repro
	python -m benchmarks.study data/mnist.npz data/network/network.py data/config data/sweep \
	  --runs benchmarks/study.jsonl --report docs/study.md --figure docs/study.png

# Every rate of every optimizer at full length, on five data sets: minutes where the table knows that, else an hour.
calibrate: .venv/runtime ## the verdicts beside full-length training of every rate
	dvc repro
	python -m benchmarks.calibrate data/mnist.npz data/network/network.py data/config data/train data/sweep data/tune \
	  --table benchmarks/calibration.csv --report docs/calibration.md
