#!/bin/sh
# Build the studio into the package, where `diorama serve` finds it.
set -eu
cd web/ui
if [ ! -d node_modules ] || [ package-lock.json -nt node_modules ]; then
    npm ci --no-audit --no-fund --loglevel=error
    touch node_modules
fi
npm run --silent build
