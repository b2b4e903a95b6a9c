#!/bin/sh
# The command as the ordinary user of the machine, in a unit of their own systemd, which has its part
# of the cgroups.
set -u
user=dev
home=/home/$user
mkdir -p /upper/home
cp -a "$home/." /upper/home
chown "$user:" /upper/home
mount --bind /upper/home "$home" # an overlay can't hold the overlays of the user's containers
chmod 711 /root
cp -a "${DENO_DIR:-/none}" "$home/.deno" 2>/dev/null || mkdir "$home/.deno"
chown -R "$user:" "$home"

set -- --setenv=DENO_DIR="$home/.deno" --setenv=LANG=C.UTF-8 --setenv=TERM=dumb
while IFS='=' read -r name rest; do
  set -- "$@" --setenv="${name#export }"
done <<NAMES
$(grep '^export HULL_' /machine/environment)
NAMES
: # the names alone: systemd-run takes their values from here
exec systemd-run --machine "$user@" --user --pipe --wait --quiet --collect --same-dir \
  --property Delegate=yes "$@" -- /bin/sh -c "$(cat /machine/words)"
