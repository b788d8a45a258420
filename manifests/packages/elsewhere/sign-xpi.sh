#!/bin/sh
# Has Mozilla sign the XPI without listing it in the store, and tells of the signed file in updates.json.
# Needs an account there: its keys in WEB_EXT_API_KEY and WEB_EXT_API_SECRET. FIREFOX_ID must be an id of that account.
# Usage: BASE_URL=https://… FIREFOX_ID=name@example.org sh manifests/packages/elsewhere/sign-xpi.sh
set -eu
cd "$(dirname "$0")/../../.."
: "${BASE_URL:?where the packages will be served}"
: "${FIREFOX_ID:?an id of your own, name@example.org}"
: "${WEB_EXT_API_KEY:?the issuer of the account's keys}"
: "${WEB_EXT_API_SECRET:?the secret of the account's keys}"
export WEB_EXT_API_KEY WEB_EXT_API_SECRET

make self-hosted BASE_URL="$BASE_URL" FIREFOX_ID="$FIREFOX_ID"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
for package in dist/self-hosted/poterne-*.xpi; do
    mkdir "$work/source"
    (cd "$work/source" && python3 -m zipfile -e "$OLDPWD/$package" .)
done
node_modules/.bin/web-ext sign --channel unlisted --source-dir "$work/source" --artifacts-dir "$work/signed" \
    --no-config-discovery --no-input
for signed in "$work"/signed/*.xpi; do
    make self-hosted BASE_URL="$BASE_URL" FIREFOX_ID="$FIREFOX_ID" SIGNED_XPI="$signed"
done
