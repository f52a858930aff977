#!/bin/sh
# The whole suite: the part that needs torch one process at a time, the rest side by side.
set -eu
bin=$1
OMP_NUM_THREADS=1
export OMP_NUM_THREADS
"$bin/python" -m pytest -n 2 --dist loadfile -q
