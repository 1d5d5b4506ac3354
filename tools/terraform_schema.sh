#!/bin/sh
# Puts the schema of Terraform's AWS provider into build/terraform, so that tests can check every argument of what
# `deploy lambda` writes for Terraform. It is taken from the declarations of the package @cdktf/provider-aws (MPL-2.0, by
# HashiCorp, made from the provider's own schema), about 35 MB to fetch. Nothing is installed on the machine.
set -eu
cd "$(dirname "$0")/.."
place=$PWD/build/terraform
[ -e "$place/package.json" ] && exit 0
command -v npm >/dev/null || { echo "terraform_schema.sh: needs npm, which comes with Node.js" >&2; exit 1; }

mkdir -p "$place"
cd "$place"
package=$(npm pack --silent @cdktf/provider-aws@21.22.1)
tar -xzf "$package" --strip-components=1 --wildcards 'package/package.json' 'package/lib/*/index.d.ts'
rm "$package"
