#!/bin/sh
# Make the virtual environment with everything in it; constraints.txt holds every version that is tested.
set -eu
python=$1
venv=$2

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Diorama needs Python 3.11 or newer; say where it is: make PYTHON=/path/to/python3.12" >&2
    exit 1
}
if [ ! -x "$venv/bin/python" ]; then
    echo "making $venv"
    "$python" -m venv "$venv"
fi
pip() { "$venv/bin/python" -m pip --disable-pip-version-check "$@"; }

if command -v uv >/dev/null 2>&1; then
    install() { uv pip install --quiet --python "$venv/bin/python" "$@"; }
else
    install() { pip install --quiet "$@"; }
fi

# torch comes first, alone. On Linux the usual index gives a build that draws gigabytes of CUDA libraries; a machine
# without an NVIDIA GPU gets the CPU build instead (uv knows where that lies; pip does not).
torch=$(grep '^torch==' constraints.txt)
if ! pip show --quiet torch >/dev/null 2>&1; then
    echo "installing $torch"
    if command -v nvidia-smi >/dev/null 2>&1 \
        || ! pip install --quiet --dry-run --report - "$torch" 2>/dev/null | grep -q '"nvidia-'; then
        install "$torch"
    else
        pip install --quiet "$(grep '^uv==' constraints.txt)"
        "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --torch-backend cpu "$torch"
    fi
fi

echo "installing diorama and its backends"
install -r requirements-dev.txt -c constraints.txt
