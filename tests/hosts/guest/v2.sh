#!/bin/sh
# Process 1 of a host with cgroup v2 alone and nothing that manages it.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /dev/pts /dev/shm /dev/mqueue
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t mqueue mqueue /dev/mqueue
mount -t securityfs securityfs /sys/kernel/security
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ln -sfT /proc/self/fd /dev/fd
for n in 0:stdin 1:stdout 2:stderr; do ln -sfT "/proc/self/fd/${n%:*}" "/dev/${n#*:}"; done
for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do
  echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control
done
mkdir /sys/fs/cgroup/machine
echo $$ >/sys/fs/cgroup/machine/cgroup.procs
ip link set lo up
hostname "$(cat /etc/hostname)"

# not this one: the kernel stops when process 1 ends
sh /machine/guest/job.sh
sync
busybox poweroff -f
while :; do sleep 60; done
