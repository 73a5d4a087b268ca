#!/bin/bash
# keeper.sh FOLDER COMMAND...: the first process of the namespaces. It makes of them what a node needs, runs the command, and takes in the
# processes whose parents have gone. Nothing here changes the machine: mounts, network and names are those of the namespaces, and a kernel
# setting that has no namespace is shown, not set.
set -euo pipefail
folder=$1
shift
group=$(basename "$folder")
mkdir -p "$folder"/{cgroup,log,kernel,tmp}
hostname kfctl-node

# /sys of this network, with the machine's control groups.
mount --rbind /sys/fs/cgroup "$folder/cgroup"
mount -t sysfs sysfs /sys
mount --move "$folder/cgroup" /sys/fs/cgroup
mount -t tmpfs tmpfs /run
mkdir -p /run/netns /run/lock
# In memory: images and containers are many small files, which some disks take minutes to delete.
mount -t tmpfs tmpfs /var/lib
mount --bind "$folder/log" /var/log

# What kubelet wants the kernel to be set to.
while read -r setting value; do
  echo "$value" >"$folder/kernel/$(basename "$setting")"
  mount --bind "$folder/kernel/$(basename "$setting")" "/proc/sys/$setting"
done <<END
vm/overcommit_memory 1
vm/panic_on_oom 0
kernel/panic 10
kernel/panic_on_oops 1
END

# One group below which everything stands. Version 1 has a hierarchy for each controller, version 2 has one.
for place in /sys/fs/cgroup /sys/fs/cgroup/*; do
  [ -e "$place/cgroup.procs" ] || continue
  [ "$place" = /sys/fs/cgroup ] || ! [ -e /sys/fs/cgroup/cgroup.procs ] || continue
  mkdir "$place/$group"
done
for file in cpuset.cpus cpuset.mems; do
  place=/sys/fs/cgroup/cpuset
  if [ -e "$place/$file" ]; then cat "$place/$file" >"$place/$group/$file"; fi
done

# A network card, so that the node has an address; nothing is at its other end.
ip link set lo up
ip link add node type veth peer name nowhere
ip address add 10.99.0.2/24 dev node
ip link set node up
ip link set nowhere up
ip route add default via 10.99.0.1 dev node
echo 1 >/proc/sys/net/ipv4/ip_forward
# The API server asks kubelet for logs by the node's name.
printf '127.0.0.1 localhost\n10.99.0.2 node-0\n' >"$folder/hosts"
mount --bind "$folder/hosts" /etc/hosts

export TMPDIR=$folder/tmp
"$@"
