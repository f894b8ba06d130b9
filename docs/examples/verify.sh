#!/bin/sh
# What the verification says of a file, for anybody and without a token: sh verify.sh FILE
set -eu
curl --silent --show-error --fail-with-body "$TELAIO/api/v1/verifications" --form "file=@$1"
