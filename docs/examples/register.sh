#!/bin/sh
# Registers a file as an incoming document of the Comune of Prato: sh register.sh FILE
# The key makes the request safe to repeat: the same key with the same content gives the same entry, never a second one.
set -eu
file=$1
metadata='{"body":"c_g999","aoo":"ADEMO01","direction":"incoming","subject":"Lettera di prova dagli esempi",
  "correspondents":[{"kind":"person","name":"Prova Uno"}],"classification":"VI.3"}'
answer=$(curl --silent --show-error --fail-with-body "$TELAIO/api/v1/registrations" \
  --header "Authorization: Bearer $TOKEN" \
  --header "Idempotency-Key: example-$(cksum < "$file" | tr ' ' '-')" \
  --form "metadata=$metadata;type=application/json" \
  --form "document=@$file") || { echo "$answer" >&2; exit 1; }
echo "$answer" |
  python3 -c 'import json, sys; e = json.load(sys.stdin); print("%07d/%d %s" % (e["number"], e["year"], e["id"]))'
