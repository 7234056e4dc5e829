#!/usr/bin/env bash
# Runs one Lockstep server, or asks one that runs. In the foreground unless --daemon; see docs/OPERATING.md.
set -euo pipefail

usage() {
  cat <<'TEXT'
scripts/server.sh <primary|secondary> [start|stop|status|switchover|reload] [options]

  start        runs the server in the foreground (the default); Ctrl-C stops it cleanly
  stop         stops it cleanly and says what became of the service
  status       shows both servers on one screen
  switchover   hands service over to the other server
  reload       reads its certificates anew, without a restart

  --profile <name>    a directory of profiles/, or a path with a slash (haprofile1)
  --kind <kind>       the kind of server: peer
  --set <key=value>   gives one key another value for this run; may be repeated
  --daemon            start: in the background, with a pid file below LOCKSTEP_HOME
  --new-pair          start: lets a server that never had a peer found a pair and serve alone
TEXT
}

fail() { # <exit code> <sentence>
  echo "server.sh: $2" >&2
  exit "$1"
}

# Where this script really is, also when it was called through a link.
script=$(readlink -f "${BASH_SOURCE[0]}")
project=$(dirname "$(dirname "$script")")
program=$project/dist/cli/main.js
home=${LOCKSTEP_HOME:-$project/run}

server='' order='start' profile='haprofile1' kind='peer' daemon='' orders=0
more=()
while [ $# -gt 0 ]; do
  case $1 in
    primary | secondary) server=$1 ;;
    start | stop | status | switchover | reload) order=$1 orders=$((orders + 1)) ;;
    --profile | --kind | --set)
      [ $# -ge 2 ] || fail 2 "$1 wants a value"
      case $1 in
        --profile) profile=$2 ;;
        --kind) kind=$2 ;;
        --set) more+=(--set "$2") ;;
      esac
      shift ;;
    --daemon) daemon=yes ;;
    --new-pair) more+=(--new-pair) ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; fail 2 "what is \"$1\"?" ;;
  esac
  shift
done
[ -n "$server" ] || { usage >&2; fail 2 'which server, primary or secondary?'; }
[ "$orders" -le 1 ] || fail 2 'one order at a time, please'
command -v node >/dev/null || fail 1 'there is no node on the PATH; install Node.js 20 or newer'
[ -f "$program" ] || fail 1 "the program is not built; run in $project: npm ci && npm run build"

arguments=("$server" --profile "$profile" --kind "$kind" ${more[@]+"${more[@]}"})
name=${profile//\//_}-$server-$kind
pid_file=$home/$name.pid
out_file=$home/$name.out

# The pid in the pid file, if that process is this very server; a pid that was given to another program since is not.
running_pid() {
  local pid command
  pid=$(cat "$pid_file" 2>/dev/null) || return 1
  [[ $pid =~ ^[0-9]+$ ]] || return 1
  if [ -d /proc/self ]; then
    command=$(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline") || return 1
  else
    command=$(ps -p "$pid" -o args= 2>/dev/null) || return 1
  fi
  [[ $command == *"$program serve $server --profile $profile --kind $kind "* ]] || return 1
  echo "$pid"
}

start_daemon() {
  local pid code
  if pid=$(running_pid); then
    fail 4 "$server runs already, as process $pid (pid file $pid_file)"
  fi
  mkdir -p "$home"
  : >"$out_file"
  # A session of its own: closing the terminal does not reach it.
  nohup setsid node "$program" serve "${arguments[@]}" >>"$out_file" 2>&1 </dev/null &
  pid=$!
  echo "$pid" >"$pid_file"
  # It is up when it answers; when it ends instead, its own words say why.
  for _ in $(seq 1 150); do
    if ! kill -0 "$pid" 2>/dev/null; then
      code=0
      wait "$pid" || code=$?
      rm -f "$pid_file"
      cat "$out_file" >&2
      fail "$code" "$server did not start (exit code $code)"
    fi
    if grep -q . "$out_file" && answers; then
      echo "$server runs in the background as process $pid; console: $out_file; stop it with: $0 $server stop --profile $profile"
      return
    fi
    sleep 0.2
  done
  fail 1 "$server, process $pid, has not answered for 30 s; look at $out_file"
}

# The server itself answers, not only its peer; what the pair is worth (the exit code of status) is not the question here.
answers() {
  { node "$program" status "${status_arguments[@]}" --json 2>/dev/null || true; } |
    node -e 'let t="";process.stdin.on("data",(d)=>t+=d).on("end",()=>{try{process.exit(JSON.parse(t)[process.argv[1]].status?0:1)}catch{process.exit(1)}})' "$server"
}

stop_server() {
  local pid code=0
  node "$program" stop "${status_arguments[@]}" || code=$?
  if [ "$code" -eq 6 ]; then
    # It does not answer: frozen, still starting, or not there. A signal reaches what the pid file names.
    pid=$(running_pid) || { rm -f "$pid_file"; fail 6 "$server is not running"; }
    echo "$server does not answer; asking process $pid with a signal"
    kill -TERM "$pid"
    for _ in $(seq 1 150); do
      kill -0 "$pid" 2>/dev/null || { rm -f "$pid_file"; echo "$server has stopped (process $pid)"; return; }
      sleep 0.2
    done
    fail 5 "process $pid still runs after 30 s; end it with: kill -9 $pid (what it acknowledged is safe)"
  fi
  [ "$code" -eq 0 ] || exit "$code"
  rm -f "$pid_file"
}

# All but what only a start understands.
status_arguments=()
for argument in "${arguments[@]}"; do
  [ "$argument" = --new-pair ] || status_arguments+=("$argument")
done

case $order in
  start) if [ -n "$daemon" ]; then start_daemon; else exec node "$program" serve "${arguments[@]}"; fi ;;
  stop) stop_server ;;
  status | switchover | reload) exec node "$program" "$order" "${status_arguments[@]}" ;;
esac
