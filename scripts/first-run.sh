#!/bin/sh
# What `make run` does after set-up: a first picture, the page where npm is there, the server.
set -eu
bin=$1

if [ ! -e first-picture.png ]; then
    started=$(date +%s)
    "$bin/diorama" generate "a red ball under a yellow sun" -o first-picture.png
    echo "made first-picture.png in $(($(date +%s) - started)) s, model loading included"
fi
page=web/src/diorama_web/static/index.html
if [ ! -e "$page" ] || [ -n "$(find web/ui/src web/ui/index.html web/ui/package.json -newer "$page" | head -n 1)" ]; then
    if command -v npm >/dev/null 2>&1; then
        sh scripts/build-web.sh
    elif [ ! -e "$page" ]; then
        echo "npm is not here: serving the small page instead of the studio"
    fi
fi
exec "$bin/diorama" serve
