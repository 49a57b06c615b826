#!/bin/sh
# One command for all benchmarks: builds what is missing, times qcc's code against ONNX Runtime, writes tables. See docs/Benchmarks.md.
exec "${QCC_PYTHON:-/usr/bin/python3}" "$(dirname "$0")/run.py" "$@"
