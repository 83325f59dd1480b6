#!/bin/sh
# Tries the page in a headless Chromium: sh tests/page/run.sh, with the vmesh of $VMESH_BINARY or of the target directory.
set -eu
cd "$(dirname "$0")"

missing=""
command -v chromium >/dev/null || missing="chromium fonts-dejavu-core"
command -v node >/dev/null || missing="$missing nodejs"
command -v npm >/dev/null || missing="$missing npm"
if [ -n "$missing" ]; then
    sudo=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq
    # shellcheck disable=SC2086 # one word a package
    $sudo apt-get install -y -qq --no-install-recommends $missing
fi

# packages lie outside of the repository, as what is compiled does
modules="${XDG_CACHE_HOME:-$HOME/.cache}/vmesh/page"
mkdir -p "$modules"
cp package.json "$modules/"
npm install --prefix "$modules" --no-package-lock --no-audit --no-fund --silent

VMESH_BINARY="${VMESH_BINARY:-${CARGO_TARGET_DIR:-../../target}/debug/vmesh}"
VMESH_BINARY="$(cd "$(dirname "$VMESH_BINARY")" && pwd)/vmesh"
export VMESH_BINARY
export NODE_PATH="$modules/node_modules"
exec node --test --test-reporter=spec .
