#!/bin/bash
# apart.sh FOLDER COMMAND...: runs a command in namespaces of its own. Whoever holds this script's input lets them live: when it is closed,
# because the test has ended or was killed, everything inside is killed, and what the kernel and the disk still have of it is taken away.
set -u
folder=$1
here=$(dirname "$0")
group=$(basename "$folder")

exec 3<&0
unshare --mount --net --pid --uts --ipc --fork --kill-child --mount-proc \
  bash "$here/keeper.sh" "$@" </dev/null 3<&- &
apart=$!
{
  read -r _ <&3
  # It heeds no other signal; its child, and with it all inside, is killed as it ends.
  kill -KILL "$apart"
} 2>/dev/null &
watcher=$!
wait "$apart"
code=$?
kill "$watcher" 2>/dev/null

# A group is removed once all in it have gone; the deepest first.
for _ in $(seq 100); do
  groups=(/sys/fs/cgroup/*/"$group" /sys/fs/cgroup/"$group")
  left=0
  for place in "${groups[@]}"; do
    [ -d "$place" ] && find "$place" -depth -type d -exec rmdir {} + 2>/dev/null
    [ -d "$place" ] && left=1
  done
  [ $left = 0 ] && break
  sleep 0.1
done
rm -rf --one-file-system "$folder"
exit "$code"
