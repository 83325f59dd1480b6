#!/bin/sh
# Brings the sources of the DuckDB that vmesh bundles, for the feature `icu`, and prints the folder that they are in. They
# come from the source package of DuckDB's Python client, whose version is DuckDB's; they are fetched once.
set -eu

version=2.0.0
folder=${VMESH_DUCKDB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vmesh}/duckdb-$version
if [ ! -f "$folder/complete" ]; then
    mkdir -p "$folder"
    python3 -m pip download --quiet --no-deps --no-binary duckdb --dest "$folder" "duckdb==$version" >&2
    tar xzf "$folder/duckdb-$version.tar.gz" -C "$folder" --strip-components=1
    rm "$folder/duckdb-$version.tar.gz"
    touch "$folder/complete"
fi
echo "$folder/external/duckdb"
