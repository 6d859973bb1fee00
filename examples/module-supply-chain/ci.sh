#!/usr/bin/env bash
# Runs the example as its README says: on defaults, with every option, and on a module of the real world when there is one.
set -euo pipefail
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

npm start --silent
npm start --silent -- --json --legacy --key "$scratch/cosign.key" > "$scratch/lines.json"
node -e 'for (const line of require("fs").readFileSync(process.argv[1], "utf8").trim().split("\n")) JSON.parse(line)' "$scratch/lines.json"
npm start --silent -- --database embedded --no-refusals
npm start --silent -- examples/modules/system-base --no-refusals

# A module without a git commit, whose manifest has the flat shape.
mkdir -p "$scratch/nginx/rootfs/etc/nginx"
printf 'worker_processes auto;\nevents {}\n' > "$scratch/nginx/rootfs/etc/nginx/nginx.conf"
cat > "$scratch/nginx/manifest.yaml" <<'YAML'
schema_version: 1
name: nginx
license: MIT
file_spec: ["/etc/nginx/**"]
dependencies:
  requires: [acme/system-base@^1.0]
  provides: ["http.port:80"]
YAML
npm start --silent -- "$scratch/nginx" --no-refusals
