#!/bin/sh
# A host with systemd; that an ordinary user does the work is job.sh's.
. /machine/guest/systemd.sh
