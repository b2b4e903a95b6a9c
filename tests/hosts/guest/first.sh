#!/bin/busybox sh
# The first program of a machine, in its initrd: puts the root together and goes on in there with the
# script of the machine's kind, whose name the kernel was given (hull_kind=).
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t devtmpfs dev /dev
for module in /modules/*; do $b insmod "$module"; done
$b mount -t virtiofs -o ro root /lower
# what the machine writes is in its memory, and goes with it
$b mount -t tmpfs -o size=80% upper /upper
$b mkdir -p /upper/root/data /upper/root/work
$b mount -t overlay -o lowerdir=/lower,upperdir=/upper/root/data,workdir=/upper/root/work root /new
$b mkdir -p /new/machine /new/upper
$b mount -t virtiofs machine /new/machine
$b mount --move /upper /new/upper
$b mount --move /dev /new/dev
$b umount /proc
exec $b switch_root /new /bin/sh "/machine/guest/$hull_kind.sh"
