#!/bin/sh
# Answers a registered document to another body: sh answer.sh ENTRY BODY
# ENTRY is the id that register.sh prints, BODY the IPA code of a body of this installation. A dossier and a case are
# opened, the entry is put there, the answer is composed from a letter, sealed, registered and sent; then the delivery
# is watched until it is no longer on its way. TOKEN is of an officer who writes and sends.
set -eu
entry=$1
body=$2
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)'"$1"')'; }
call() {
  curl --silent --show-error --fail-with-body "$TELAIO/api/v1/$1" --header "Authorization: Bearer $TOKEN" \
    --header "Content-Type: application/json" --header "Idempotency-Key: answer-$entry" ${2:+--data "$2"}
}
dossier=$(call dossiers '{"classification":"VI.3","subject":"Fascicolo degli esempi","kind":"matter",
  "confidentiality":"public"}' | field '["id"]')
call "dossiers/$dossier/documents" "{\"registration\":\"$entry\"}"
case=$(call cases "{\"dossier\":\"$dossier\",\"title\":\"Pratica degli esempi\"}" | field '["id"]')
sent=$(call "cases/$case/answers" "{\"letter\":\"answer\",\"subject\":\"Risposta dagli esempi\",
  \"recipient\":\"Spett. ente\",\"text\":\"Si trasmette quanto richiesto.\",
  \"to\":[{\"channel\":\"hub\",\"name\":\"$body\",\"address\":\"$body\"}]}")
delivery=$(echo "$sent" | field '["deliveries"][0]')
tries=0
state=queued
while [ "$tries" -lt 30 ] && { [ "$state" = queued ] || [ "$state" = submitted ]; }; do
  state=$(call "deliveries/$delivery" | field '["state"]')
  tries=$((tries + 1))
  sleep 1
done
echo "$(echo "$sent" | field '["label"]') $state"
