#!/bin/sh
# Runs the tests on PostgreSQL, on a server of their own: sh tests/postgres/run.sh [filter…]. It listens on this machine alone,
# lies in a temporary folder, and is gone afterwards. --own: only those of PostgreSQL's own; --bench: the benchmark;
# --with COMMAND…: that, for which the server is there.
set -eu
cd "$(dirname "$0")/../.."

bin() { find /usr/lib/postgresql/*/bin /usr/local/pgsql/bin /opt/homebrew/opt/postgresql*/bin -name initdb 2>/dev/null | sort -V | tail -1; }
if [ -z "$(bin)" ]; then
    sudo=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq
    # the tests make a cluster of their own: none for the machine
    $sudo mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] || echo "create_main_cluster = false" | $sudo tee /etc/postgresql-common/createcluster.conf >/dev/null
    $sudo apt-get install -y -qq --no-install-recommends postgresql
fi
bin=$(dirname "$(bin)")

# the server refuses to run as root
as=""
folder=$(mktemp -d)
if [ "$(id -u)" = 0 ]; then
    as="runuser -u postgres --"
    chown postgres "$folder"
fi
port=$((20000 + $$ % 20000))
stop() {
    $as "$bin/pg_ctl" -D "$folder/data" -m immediate -s stop || true
    rm -rf "$folder"
}
trap stop EXIT
$as "$bin/initdb" -D "$folder/data" -A trust -U vmesh --no-instructions -E UTF8 --locale=C >"$folder.log" 2>&1 || { cat "$folder.log"; exit 1; }
rm -f "$folder.log"
start="$as $bin/pg_ctl -D $folder/data -w -s -l $folder/server.log \
    -o '-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories=$folder -c fsync=off' start"
sh -c "$start"

VMESH_TEST_POSTGRES="host=127.0.0.1 port=$port user=vmesh"
VMESH_TEST_POSTGRES_KILL="$as $bin/pg_ctl -D $folder/data -m immediate -s stop; $start"
export VMESH_TEST_POSTGRES VMESH_TEST_POSTGRES_KILL
it() {
    if [ -n "${VMESH_TEST_BINARY:-}" ]; then
        "$VMESH_TEST_BINARY" "$@"
    else
        cargo test --features "${VMESH_TEST_FEATURES:-icu}" --test it -- "$@"
    fi
}
case "${1:-}" in
--bench)
    shift
    cargo bench --profile dev -- "$@"
    ;;
--with)
    shift
    "$@"
    ;;
--killed)
    it postgres::a_killed_server --ignored
    ;;
--own)
    shift
    it postgres:: --ignored --skip a_killed_server "$@"
    ;;
*)
    it postgres:: --ignored --skip a_killed_server
    it postgres::a_killed_server --ignored
    # what holds of every engine, but for what is DuckDB's own
    VMESH_TEST_ENGINE=postgres
    export VMESH_TEST_ENGINE
    apart=$(sed -n 's/^\([a-z_0-9:]*::[a-z_0-9]*\) .*/--skip \1/p' tests/postgres/apart.txt)
    [ $# -gt 0 ] || set -- $(sed 's/$/::/' tests/postgres/modules.txt)
    it "$@" $apart
    ;;
esac
