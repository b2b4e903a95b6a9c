#!/bin/sh
# Before systemd starts: gives it a unit for what the machine is for, and one for its end.
cat >/etc/systemd/system/hull-machine.service <<'UNIT'
[Unit]
Description=What this machine is for
After=multi-user.target dbus.socket systemd-logind.service user@1000.service
Wants=user@1000.service
[Service]
Type=oneshot
ExecStart=/bin/sh /machine/guest/job.sh
ExecStopPost=/bin/sh -c 'sync; systemctl poweroff --force --force'
TimeoutStartSec=infinity
Delegate=yes
UNIT
mkdir -p /etc/systemd/system/default.target.wants
ln -s ../hull-machine.service /etc/systemd/system/default.target.wants/hull-machine.service
exec /sbin/init
