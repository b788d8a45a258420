#!/bin/sh
# On a Mac: the bundle, signed and notarised, as an installer package.
# Needs Python 3.11 or later, Apple's command line tools, and a developer account: SIGN_APPLICATION and SIGN_INSTALLER
# name its two certificates, NOTARY_PROFILE what `notarytool store-credentials` was told.
# Usage: SIGN_APPLICATION=… SIGN_INSTALLER=… NOTARY_PROFILE=… sh manifests/packages/elsewhere/bundle-macos.sh
set -eu
cd "$(dirname "$0")/../../.."
: "${SIGN_APPLICATION:?}" "${SIGN_INSTALLER:?}" "${NOTARY_PROFILE:?}"

make bundle
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' host/poterne/__init__.py)
root=build/macos/root
rm -rf build/macos
mkdir -p "$root/usr/local/lib" "$root/usr/local/bin" build/macos/scripts
cp -R build/bundle/made/poterne "$root/usr/local/lib/poterne-bundle"
ln -s ../lib/poterne-bundle/poterne "$root/usr/local/bin/poterne"
find "$root" -type f \( -name '*.so' -o -name '*.dylib' -o -name 'Python' -o -perm -u+x \) \
    -exec codesign --force --timestamp --options runtime --sign "$SIGN_APPLICATION" {} +
cat >build/macos/scripts/postinstall <<'END'
#!/bin/sh
exec /usr/local/bin/poterne install --system
END
chmod 755 build/macos/scripts/postinstall
package=dist/poterne-$version.pkg
pkgbuild --root "$root" --identifier org.poterne.host --version "$version" --scripts build/macos/scripts \
    --install-location / --sign "$SIGN_INSTALLER" "$package"
xcrun notarytool submit "$package" --keychain-profile "$NOTARY_PROFILE" --wait
xcrun stapler staple "$package"
