#!/bin/sh
# Build the studio into the package, where `diorama serve` finds it.
set -eu
cd web/ui
if [ ! -d node_modules ] || [ package-lock.json -nt node_modules ]; then
    # not `npm ci`: it refuses a lock file without the binaries of other platforms, which npm leaves out when it locks
    npm install --no-save --no-audit --no-fund --loglevel=error
    touch node_modules
fi
npm run --silent build
