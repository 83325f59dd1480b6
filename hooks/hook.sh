#!/bin/sh
# >>> vmesh >>> keeps the branch's environment in step; `vmesh hooks uninstall` removes these lines@NOTE@
(
  set +eu
  [ "$VMESH" != 0 ] && [ "$VMESH_SKIP" != 1 ]@AND@ || exit 0
  # the git directory that all worktrees share; asking git would cost as much again as all the rest
  dir=${GIT_DIR:-.git}
  [ ! -f "$dir" ] || read -r key dir <"$dir"
  [ ! -f "$dir/commondir" ] || dir=$(cd "$dir" && cd "$(cat commondir)" && pwd)
  # `vmesh hooks install` says there which vmesh to call; without it nothing happens here
  [ -f "$dir/vmesh/binary" ] || exit 0
  IFS= read -r vmesh <"$dir/vmesh/binary"
  if [ ! -x "$vmesh" ]; then
    PATH=$PATH:$HOME/.cargo/bin:$HOME/.local/bin:/usr/local/bin:/opt/homebrew/bin
    vmesh=$(command -v vmesh) || exit 0
  fi
  export VMESH_GIT_PID=$PPID
  exec "$vmesh" hook @HOOK@ "$@"
) </dev/null || :
# <<< vmesh <<<
# then the hook that was here before, where these lines could not be written into it
[ ! -x "${0%/*}/@HOOK@.vmesh-user" ] || exec "${0%/*}/@HOOK@.vmesh-user" "$@"
