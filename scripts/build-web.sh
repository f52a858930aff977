#!/bin/sh
# Build the studio into the package, where `diorama serve` finds it.
set -eu
cd web/ui
installed=node_modules/.package-lock.json # npm writes it last; the folder itself changes with every run of a tool
if [ ! -e "$installed" ] || [ package-lock.json -nt "$installed" ]; then
    # not `npm ci`: it refuses a lock file without the binaries of other platforms, which npm leaves out when it locks
    npm install --no-save --no-audit --no-fund --loglevel=error
    touch "$installed"
fi
npm run --silent build
