#!/bin/sh
# Runs the tests on Spark, on a server of their own: sh tests/spark/run.sh [filter…]. It is PyPI's pyspark with Java 17, listens on
# this machine alone, lies in a temporary folder, and is gone afterwards. --own: Spark's own tests, those
# with records in PostgreSQL if there is a server of it; --killed: that of a server that is
# killed; --bench: the benchmark, on a master with two workers; --serve: starts a server and leaves it.
set -eu
cd "$(dirname "$0")/../.."

sudo=""
[ "$(id -u)" = 0 ] || sudo=sudo
if ! command -v java >/dev/null; then
    $sudo apt-get update -qq
    $sudo apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless
fi
python="${XDG_CACHE_HOME:-$HOME/.cache}/vmesh/spark-env"
if [ ! -d "$(echo "$python"/lib/python3*/site-packages/pyspark)" ]; then
    python3 -m venv "$python" || {
        $sudo apt-get install -y -qq --no-install-recommends python3-venv
        python3 -m venv "$python"
    }
    "$python/bin/pip" install --quiet pyspark==4.3.0
fi
SPARK_HOME=$(echo "$python"/lib/python3*/site-packages/pyspark)
SPARK_LOCAL_IP=127.0.0.1
export SPARK_HOME SPARK_LOCAL_IP

folder=$(mktemp -d)
port=$((20000 + $$ % 20000))
cat >"$folder/start" <<EOF
cd "$folder"
setsid "$SPARK_HOME/bin/spark-submit" --class org.apache.spark.sql.connect.service.SparkConnectServer --name vmesh-tests \\
    --master "\${MASTER:-local[2]}" --driver-memory 2g --conf spark.ui.enabled=false --conf spark.driver.host=127.0.0.1 \\
    --conf spark.driver.bindAddress=127.0.0.1 --conf spark.connect.grpc.binding.address=127.0.0.1 \\
    --conf spark.sql.ui.retainedExecutions=10 --conf spark.ui.retainedJobs=10 --conf spark.ui.retainedStages=10 \\
    --conf spark.connect.ui.retainedSessions=5 --conf spark.connect.ui.retainedStatements=5 \\
    --conf spark.connect.session.manager.closedSessionsTombstonesSize=50 \\
    --conf spark.connect.grpc.binding.port=$port --conf spark.sql.shuffle.partitions=2 --conf spark.sql.storeAssignmentPolicy=LEGACY --conf spark.sql.warehouse.dir="$folder/warehouse" \\
    --conf spark.connect.authenticate.token=tests --conf spark.sql.catalogImplementation=\${CATALOG:-in-memory} \\
    --conf "spark.hadoop.javax.jdo.option.ConnectionURL=jdbc:derby:;databaseName=$folder/metastore;create=true" \\
    --conf spark.driver.extraJavaOptions=-Dderby.system.home="$folder" >>"$folder/server.log" 2>&1 </dev/null &
echo \$! >"$folder/pid"
for _ in \$(seq 600); do
    grep -q 'Spark Connect server started' "$folder/server.log" && exit 0
    kill -0 "\$(cat "$folder/pid")" 2>/dev/null || break
    sleep 0.1
done
tail -30 "$folder/server.log"
exit 1
EOF
stop() {
    for pid in "$folder"/*pid; do
        kill -9 "-$(cat "$pid")" 2>/dev/null || true
    done
    rm -rf "$folder"
}
[ "${1:-}" = --serve ] || trap stop EXIT
# what is to outlive the server is kept in files
[ "${1:-}" != --killed ] || export CATALOG=hive
if [ "${1:-}" = --bench ]; then
    MASTER="spark://127.0.0.1:$((port + 1))"
    export MASTER
    spark() {
        SPARK_DAEMON_MEMORY=256m SPARK_WORKER_DIR="$folder/work" setsid "$SPARK_HOME/bin/spark-class" "$@" >>"$folder/cluster.log" 2>&1 </dev/null &
        echo $! >"$folder/$!.pid"
    }
    spark org.apache.spark.deploy.master.Master --host 127.0.0.1 --port $((port + 1)) --webui-port $((port + 2))
    sleep 5
    for worker in 3 4; do
        spark org.apache.spark.deploy.worker.Worker --host 127.0.0.1 --cores 1 --memory 1g --webui-port $((port + worker)) "$MASTER"
    done
    sleep 5
fi
sh "$folder/start"
VMESH_TEST_SPARK="sc://127.0.0.1:$port/;token=tests"
VMESH_TEST_SPARK_KILL="kill -9 -\$(cat $folder/pid); : >$folder/server.log; sh $folder/start"
export VMESH_TEST_SPARK VMESH_TEST_SPARK_KILL
if [ "${1:-}" = --serve ]; then
    echo "$VMESH_TEST_SPARK; kill -9 -$(cat "$folder/pid") ends it"
    exit 0
fi
it() {
    if [ -n "${VMESH_TEST_BINARY:-}" ]; then
        "$VMESH_TEST_BINARY" "$@"
    else
        cargo test --features icu,spark --test it -- "$@"
    fi
}
case "${1:-}" in
--bench)
    shift
    cargo bench --profile dev --features icu,spark -- "$@"
    ;;
--killed)
    it spark::a_killed_server --ignored
    ;;
--own)
    shift
    [ -n "${VMESH_TEST_POSTGRES:-}" ] || set -- --skip records_may_lie "$@"
    # another server that speaks the protocol
    sail="${XDG_CACHE_HOME:-$HOME/.cache}/vmesh/sail-env"
    if [ ! -x "$sail/bin/sail" ]; then
        python3 -m venv "$sail"
        "$sail/bin/pip" install --quiet --no-deps pysail==0.7.2
    fi
    setsid "$sail/bin/sail" spark server --ip 127.0.0.1 --port $((port + 1)) -C "$folder" >>"$folder/sail.log" 2>&1 </dev/null &
    echo $! >"$folder/sail.pid"
    # a certificate by an authority that nobody knows
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout "$folder/ca.key" -out "$folder/ca.crt" 2>/dev/null
    openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout "$folder/server.key" -out "$folder/server.csr" 2>/dev/null
    echo "subjectAltName=DNS:localhost" >"$folder/server.ext"
    openssl x509 -req -in "$folder/server.csr" -CA "$folder/ca.crt" -CAkey "$folder/ca.key" -CAcreateserial -days 2 \
        -extfile "$folder/server.ext" -out "$folder/server.crt" 2>/dev/null
    setsid python3 tests/spark/tls.py "$folder" $((port + 2)) "$port" >>"$folder/tls.log" 2>&1 </dev/null &
    echo $! >"$folder/tls.pid"
    VMESH_TEST_SAIL="sc://127.0.0.1:$((port + 1))"
    VMESH_TEST_SPARK_TLS="sc://localhost:$((port + 2))/;use_ssl=true;token=tests"
    VMESH_TEST_SPARK_AUTHORITY="$folder/ca.crt"
    export VMESH_TEST_SAIL VMESH_TEST_SPARK_TLS VMESH_TEST_SPARK_AUTHORITY
    # one catalogue for all: one test after the other
    it spark:: --ignored --test-threads 1 --skip a_killed_server "$@"
    ;;
*)
    # what holds of every engine, but for what is DuckDB's own
    VMESH_TEST_ENGINE=spark
    export VMESH_TEST_ENGINE
    apart=$(sed -n 's/^\([a-z_0-9:]*::[a-z_0-9]*\) .*/--skip \1/p' tests/spark/apart.txt)
    [ $# -gt 0 ] || set -- $(sed 's/$/::/' tests/spark/modules.txt)
    it "$@" --test-threads 1 $apart
    ;;
esac
