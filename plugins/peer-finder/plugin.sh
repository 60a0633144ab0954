#!/usr/bin/env bash
# Runs before Nacos starts, in the official Nacos image: starts the agent beside it, waits until the agent has written
# cluster.conf with a list that is safe to start from, and returns. The agent runs on for as long as the container.
#
# What the image does (bin/docker-startup.sh of nacos-docker, read at v2.5.1, v3.0.3 and b47f96f, which is v3.2.3): with
# MODE=cluster and a folder /home/nacos/plugins/peer-finder it runs `bash plugin.sh`, ignores its exit status, sleeps
# 30 s, and becomes java. So a plugin that only fails would be followed by a Nacos with an old list or none. This one
# ends the container instead: see `fail`.
#
# It is set by the agent's variables, AGENT_SERVER first of all. What the StatefulSet of nacos-k8s sets for the
# peer-finder is taken where they say nothing: SERVICE_NAME, POD_NAMESPACE, DOMAIN_NAME, NACOS_REPLICAS,
# NACOS_APPLICATION_PORT. PLUGIN_GATE_TIMEOUT is how many seconds it waits at the gate: 600. PLUGIN_HOSTS is the hosts file.
set -uo pipefail

folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# The loader is told where the libraries are: the image's own are of another C library.
agent=("$folder/runtime/loader" --library-path "$folder/runtime/lib" "$folder/runtime/node"
  "$folder/runtime/dist/src/cli.js" agent)

say() { echo "peer-finder plugin: $*" >&2; }

port=${NACOS_APPLICATION_PORT:-${NACOS_SERVER_PORT:-8848}}
derived=
if [ -z "${AGENT_SELF:-}" ] && [ -n "${SERVICE_NAME:-}" ] && [ -n "${POD_NAMESPACE:-}" ]; then
  AGENT_SELF=$HOSTNAME.$SERVICE_NAME.$POD_NAMESPACE.svc.${DOMAIN_NAME:-cluster.local}:$port
  derived=yes
fi

# With PREFER_HOST_MODE=hostname Nacos calls itself as /etc/hosts spells the pod's name. A kubelet whose cluster domain is
# configured with a final dot writes it with one; then the node stands on its list twice, with the dot and without it, and so do
# its votes (seen with Nacos 2.3.2). So the dot is taken away there, as the peer-finder does it, and a cluster that moves from
# that keeps its names. The kubelet mounts the file by itself: it is written in place.
match_hosts() {
  local hosts=${PLUGIN_HOSTS:-/etc/hosts} name=${AGENT_SELF:-} text before after
  name=${name%:*}
  case $name in '' | *.) return ;; esac
  text=$(cat "$hosts" 2>/dev/null)$'\n'
  local old=$text
  for before in ' ' $'\t'; do
    for after in ' ' $'\t' $'\n'; do text=${text//"$before$name.$after"/"$before$name$after"}; done
  done
  [ "$text" != "$old" ] || return
  if { printf '%s' "$text" >"$hosts"; } 2>/dev/null; then
    say "$hosts has $name without its final dot now, so that Nacos calls itself as it is listed"
  elif [ -n "$derived" ]; then
    AGENT_SELF=$name.:${AGENT_SELF##*:}
    say "$hosts cannot be written: this node is $AGENT_SELF, with a final dot, as Nacos finds it there"
  else
    say "$hosts cannot be written and has $name with a final dot: where Nacos takes its name from there (PREFER_HOST_MODE=hostname), give AGENT_SELF the dot, too"
  fi
}
[ "${1:-}" = run ] || match_hosts
export AGENT_SELF=${AGENT_SELF:-}
[ -n "${AGENT_EXPECT:-}" ] || [ -z "${NACOS_REPLICAS:-}" ] || export AGENT_EXPECT=$NACOS_REPLICAS
export AGENT_CLUSTER_CONF=${AGENT_CLUSTER_CONF:-${CLUSTER_CONF:-/home/nacos/conf/cluster.conf}}
# By address: a name service that is away says nothing of this Nacos.
export AGENT_NACOS=${AGENT_NACOS:-127.0.0.1:$port}
export AGENT_READY_FILE=${AGENT_READY_FILE:-/tmp/nacos-address-server-agent.ready}

# The agent, started again whenever it ends once the gate was open: Nacos lives on without it, but then nobody renews
# its lease. Before that its end is the plugin's to tell.
if [ "${1:-}" = run ]; then
  opened=
  trap 'kill "$running" 2>/dev/null; exit 143' TERM
  while :; do
    "${agent[@]}" &
    running=$!
    while kill -0 "$running" 2>/dev/null; do
      [ -n "$opened" ] || [ ! -e "$AGENT_READY_FILE" ] || opened=yes
      sleep "${PLUGIN_STEP:-0.2}"
    done
    wait "$running"
    status=$?
    [ -n "$opened" ] || [ -e "$AGENT_READY_FILE" ] || exit "$status"
    say "the agent ended with status $status; Nacos runs on, and the agent starts again in 2 s"
    sleep 2
  done
fi

# Ends the container, so that it is started again. Who ran this script ignores its exit status, and process 1 of a
# container ignores most signals. SIGINT ends it: a shell that waits for a command has a handler for it (bash, dash and
# BusyBox's ash as process 1, tried). Where the shell is no process 1 this ends it as well.
fail() {
  say "$*"
  say "Nacos is not started: it would start with an old list or none. The container ends."
  [ -z "${watcher:-}" ] || kill "$watcher" 2>/dev/null
  case $(tr '\0' ' ' <"/proc/$PPID/cmdline" 2>/dev/null) in
    *docker-startup.sh*)
      kill -INT "$PPID"
      # So that bash, which asks how its command died, sees the same signal.
      trap - INT
      kill -INT $$
      # No shell that was tried gets here.
      sleep infinity
      ;;
  esac
  exit 1
}

[ -x "$folder/runtime/loader" ] ||
  fail "$folder/runtime/loader is missing: the init container that runs plugins/peer-finder/install did not finish, or its volume is not mounted here"
[ -n "$AGENT_SELF" ] ||
  fail "nobody says what this node is called: set AGENT_SELF to HOST:PORT exactly as Nacos knows itself, or SERVICE_NAME and POD_NAMESPACE as nacos-k8s does"

rm -f "$AGENT_READY_FILE"
# A session of its own: the terminal's and the start script's signals are not for it.
setsid=
command -v setsid >/dev/null && setsid=setsid
# shellcheck disable=SC2086 # nothing, where there is no setsid
$setsid bash "${BASH_SOURCE[0]}" run &
watcher=$!

limit=${PLUGIN_GATE_TIMEOUT:-600}
started=$SECONDS
while [ ! -e "$AGENT_READY_FILE" ]; do
  if ! kill -0 "$watcher" 2>/dev/null; then
    wait "$watcher"
    status=$?
    watcher=
    [ "$status" = 78 ] && fail "the agent ended with status 78: one of its settings is wrong, and it says which above"
    fail "the agent ended with status $status before the gate opened; what it said is above"
  fi
  [ $((SECONDS - started)) -lt "$limit" ] ||
    fail "$AGENT_SELF is not on the list after $limit s (PLUGIN_GATE_TIMEOUT); see who is waiting: nacos-address-server members --server ${AGENT_SERVER:-URL}"
  sleep "${PLUGIN_STEP:-0.2}"
done
say "$AGENT_SELF is on the list; $AGENT_CLUSTER_CONF is written and Nacos may start"
