# Everything a fresh machine needs comes from here: Python 3.11 or newer with pip, and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test test-torch coverage check bench docs clean

demo: $(STAMP)  ## run the example project end to end
	$(BIN)/python examples/demo.py

test: $(STAMP)  ## run every test
	$(BIN)/pytest

test-torch: $(STAMP)  ## run the tests that need PyTorch: sentiment models of one's own, training of the encoder
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt -e '.[train-encoder]'
	$(BIN)/pytest tests/test_classifier.py tests/test_encoder_torch.py tests/test_encoder_calibration.py

coverage: $(STAMP)  ## how much of each collector the tests run; fails below 95 lines in 100
	$(BIN)/python tests/collector_coverage.py

check: $(STAMP)  ## lint, types, generated docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python docs/generate.py --check

docs: $(STAMP)  ## write the generated docs anew
	$(BIN)/python docs/generate.py

bench: $(STAMP)  ## measure speed against peers, one table
	$(BIN)/pip install --quiet --constraint constraints.txt -e '.[bench]'
	$(BIN)/python -m benchmarks

# Tested versions are pinned in constraints.txt; the package itself asks for ranges.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt -e '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) demo
