#!/usr/bin/env bash
# Builds the wheel and has it run the demo in an empty virtual environment. `PROFILE=dev` takes what is compiled for the
# tests; the default is what is released.
set -euo pipefail
cd "$(dirname "$0")/.."

profile=${PROFILE:-release}
features=${FEATURES:-}
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/vmesh/target}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv "$work/maturin"
"$work/maturin/bin/pip" install --quiet 'maturin>=1.7,<2'
"$work/maturin/bin/maturin" build --profile "$profile" ${features:+--features "$features"} --out "$work/wheels"

python3 -m venv "$work/user"
"$work/user/bin/pip" install --quiet --no-index --find-links "$work/wheels" vmesh
cd "$work"
"$work/user/bin/vmesh" --version
"$work/user/bin/vmesh" demo --dir "$work/demo"
test -d "$work/demo/.git"
echo "the wheel runs the demo: $(ls "$work/wheels")"
