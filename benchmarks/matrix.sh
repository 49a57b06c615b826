#!/bin/sh
# Every method for every hardware profile, from one command: tables of accuracy and what is refused. See docs/Profiles.md.
exec "${QCC_PYTHON:-/usr/bin/python3}" "$(dirname "$0")/matrix.py" "$@"
