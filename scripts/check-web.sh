#!/bin/sh
# Types, lint and unit tests of the studio, where its packages are installed (`make web`).
set -eu
cd web/ui
[ -d node_modules ] || exit 0
npm run --silent check
npm run --silent test
node scripts/size.mjs | tail -n 1
