# Everything a fresh machine needs: `make quickstart` runs the main job, `make test` the tests.
PYTHON ?= python3
VENV ?= .venv
MINUTES ?= 10
# Processes that share the tests; each is content with one core.
WORKERS ?= 2
# PyTorch's index of CPU wheels, as its documentation gives it: without CUDA, 2.7 to 2.9 GB less.
TORCH_INDEX ?=
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --durations 10
PIP_INSTALL = $(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt \
	$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
# Debian packages: the emulated phone (qemu and the arm64 C library), the phone's cable, the model
# of its CPU that estimates cycles, and venv.
DEBIAN := adb qemu-user libc6-arm64-cross libstdc++6-arm64-cross libgcc-s1-arm64-cross \
	llvm-19 python3-venv
# Any of these will do; the first is installed where there is none.
BROWSERS := chromium-headless-shell chromium chromium-browser google-chrome
# The tests' board: the server that lets in, login shells that are not like sh, and, as for the
# tests' phone, an emulator that needs no library of its file system.
BOARD := openssh-server fish tcsh qemu-user-static
# What the tests build a package's examples with.
LANGUAGES := default-jdk-headless cmake pkg-config g++ make
ARM64_LIBC := /usr/aarch64-linux-gnu/lib/libc.so.6
ARM64_LIBSTDCXX := /usr/aarch64-linux-gnu/lib/libstdc++.so.6

.PHONY: quickstart test test-unit test-integration fuzz check lint types setup setup-dev system \
	browser board languages clean

quickstart: setup
	$(BIN)/depthbench quickstart

test: setup-dev
	$(PYTEST)

test-unit: setup-dev
	$(PYTEST) --ignore=tests/integration

test-integration: setup-dev
	$(PYTEST) tests/integration

# Needs clang-19 and libclang-rt-19-dev, which nothing else does.
fuzz: setup-dev
	@$(BIN)/python tests/fuzz/fuzz.py --server rpc --minutes $(MINUTES) --json
	@$(BIN)/python tests/fuzz/fuzz.py --server demo --minutes $(MINUTES) --json

check: setup
	$(BIN)/depthbench check

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup-dev
	$(BIN)/mypy depthbench depthnet compile android_rpc bench tests benchmarks examples

setup: system $(VENV)/.installed

setup-dev: system browser board languages $(VENV)/.installed-dev

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: setup.cfg pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing the Python packages (2.3 GB unpacked with PyTorch's CPU build)"
	$(PIP_INSTALL) -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "installing the development packages"
	$(PIP_INSTALL) -e '.[dev]'
	@touch $@

system:
	@if command -v qemu-aarch64 >/dev/null && command -v adb >/dev/null && [ -e $(ARM64_LIBC) ] \
	    && [ -e $(ARM64_LIBSTDCXX) ] && command -v llvm-mca-19 >/dev/null \
	    && $(PYTHON) -c 'import ensurepip' 2>/dev/null; then exit 0; fi; \
	$(call apt_install,$(DEBIAN))

# Tests open a report in it.
browser:
	@for name in $(BROWSERS); do if command -v $$name >/dev/null; then exit 0; fi; done; \
	$(call apt_install,$(firstword $(BROWSERS)))

# Debian starts an ssh server that it installs: this one is for the tests alone.
board:
	@if [ -x /usr/sbin/sshd ]; then mine=; else mine=ssh; fi; \
	if [ -z "$$mine" ] && command -v fish >/dev/null && command -v tcsh >/dev/null \
	    && command -v qemu-aarch64-static >/dev/null; then exit 0; fi; \
	$(call apt_install,$(BOARD)); \
	if [ "$$mine" ] && command -v systemctl >/dev/null; then \
	    $$as_root systemctl disable --now --quiet ssh 2>/dev/null || true; fi

languages:
	@for tool in javac cmake pkg-config c++ make; do \
	    command -v $$tool >/dev/null || missing=$$tool; done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	$(call apt_install,$(LANGUAGES))

define apt_install
if ! command -v apt-get >/dev/null; then \
    echo "make: install what these Debian packages hold, then run again: $(1)" >&2; exit 3; fi; \
if [ "$$(id -u)" = 0 ]; then as_root=; elif command -v sudo >/dev/null; then as_root=sudo; else \
    echo "make: neither root nor sudo; ask for: apt-get install $(1)" >&2; exit 3; fi; \
echo "installing the Debian packages: $(1)"; \
$$as_root apt-get update -qq \
    && $$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(1) >/dev/null
endef

clean:
	rm -rf $(VENV) out *.egg-info
