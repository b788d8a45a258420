#!/bin/sh
# Installs the Debian packages named as arguments that are missing. Their services are not started.
set -eu

if ! command -v apt-get >/dev/null; then
    echo "packages: no apt-get here; using what there is of: $*"
    exit 0
fi

missing=
for package in "$@"; do
    [ "$(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
        missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "packages: not root, so these stay missing:$missing"
    echo "packages: tests that need them are skipped; to install them: sudo apt-get install --no-install-recommends$missing"
    exit 0
fi

# A policy that is already there belongs to the machine's owner and is left alone.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
running() {
    for service in nsd postfix dovecot; do
        if service "$service" status >/dev/null 2>&1; then echo "$service"; fi
    done
}
before=$(running)

export DEBIAN_FRONTEND=noninteractive
# DPkg::Lock::Timeout does not cover the lock of the package lists.
tries=30
until apt-get update --quiet; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || exit 1
    sleep 10
done
# shellcheck disable=SC2086
apt-get install --quiet --yes --no-install-recommends -o DPkg::Lock::Timeout=900 $missing </dev/null

for service in $(running); do
    case " $(echo "$before" | tr '\n' ' ') " in
    *" $service "*) ;;
    *) service "$service" stop ;;
    esac
done
