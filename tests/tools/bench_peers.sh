#!/bin/sh
# Installs whom the benchmark measures beside us: Debian's packages, and Python's into build/peers.
set -eu
sh tests/tools/debian_packages.sh curl nmap openssl swaks
[ -x build/peers/bin/sslyze ] && exit 0
"${PYTHON:-python3}" -m venv --clear build/peers
build/peers/bin/python -m pip install --quiet --disable-pip-version-check sslyze checkdmarc
