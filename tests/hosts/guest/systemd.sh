#!/bin/sh
# Before systemd starts: gives it a unit for what the machine is for, and one for its end.

# What a first boot makes for later ones: databases of devices and of messages, compiled profiles.
touch /etc/.updated /var/.updated
ln -s /dev/null /etc/systemd/system/apparmor.service
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
