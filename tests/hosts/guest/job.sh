#!/bin/sh
# In the machine, when it is up: lays the host's folders under overlays at their own places, does what
# the machine is for, and leaves the exit status.
#
#   /machine/shares       lines of a tag and a path
#   /machine/environment  variables, for sh; hull_kind is the machine's kind
#   /machine/words        the words of the command, for sh
#   /machine/folder       where it runs
set -u
stty -F /dev/ttyS1 raw -echo
exec >/dev/ttyS1 2>&1 </dev/null

PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
HOME=/root TERM=dumb LANG=C.UTF-8
export PATH HOME TERM LANG
umask 022

while read -r tag path; do
  mkdir -p "$path" "/lower/$tag" "/upper/$tag/data" "/upper/$tag/work"
  mount -t virtiofs -o ro "$tag" "/lower/$tag"
  mount -t overlay -o "lowerdir=/lower/$tag,upperdir=/upper/$tag/data,workdir=/upper/$tag/work" \
    "$tag" "$path"
done </machine/shares

. /machine/environment
read -r folder </machine/folder
cd "$folder" || exit 1
case $hull_kind in
  rootless) sh /machine/guest/as_user.sh ;;
  *) (eval "$(cat /machine/words)") ;;
esac
echo $? >/machine/status
