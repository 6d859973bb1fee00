#!/usr/bin/env bash
# Runs the policy tests as the README says, and shows that they are not deaf: each bad change makes them fail, and say why.
set -euo pipefail
cd "$(dirname "$0")/../.."
example=examples/policy-tests
export PATH="$PWD/node_modules/.bin:$PATH"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export MODULES="$scratch/modules"
restore() { rm -rf "$MODULES" && cp -r "$example/modules" "$MODULES"; }
policies() { vitest run --project unit "$example" > "$scratch/out" 2>&1; }
refuse() {
  if policies; then echo "the policies do not see $1"; exit 1; fi
  grep -qF "$2" "$scratch/out" || { cat "$scratch/out"; echo "something else failed than $1"; exit 1; }
  echo "refused: $1"
  restore
}

restore
policies || { cat "$scratch/out"; exit 1; }

echo /etc/passwd >> "$MODULES/banner/files.txt"
sed -i 's|^file_spec: .*|file_spec: [/etc/motd, /etc/passwd]|' "$MODULES/banner/manifest.yaml"
refuse "a banner that ships the users" "banner ships /etc/passwd, which system-base protects"

sed -i 's|^file_spec: .*|file_spec: [/etc/nginx/**, /usr/sbin/nginx, /var/cache/**]|' "$MODULES/web-server/manifest.yaml"
refuse "a web server that ships a cache" "web-server ships /var/cache/apt/pkgcache.bin"

echo 1.5.0 > "$MODULES/system-base/VERSION"
refuse "a reboot without the label" '"reboots":["system-base"]'
echo "all policies hold"
