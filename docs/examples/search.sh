#!/bin/sh
# Entries of the Comune of Prato found by words, page after page, as CSV: sh search.sh "WORDS"
set -eu
export TELAIO TOKEN
exec python3 - "$1" <<'PYTHON'
import csv, json, os, sys, urllib.parse, urllib.request

out = csv.writer(sys.stdout)
cursor = None
while True:
    query = {"body": "c_g999", "q": sys.argv[1], "limit": 50}
    if cursor:
        query["cursor"] = cursor
    request = urllib.request.Request(
        os.environ["TELAIO"] + "/api/v1/registrations?" + urllib.parse.urlencode(query),
        headers={"Authorization": "Bearer " + os.environ["TOKEN"]},
    )
    with urllib.request.urlopen(request) as answer:
        page = json.load(answer)
    for entry in page["items"]:
        out.writerow(["%07d/%d" % (entry["number"], entry["year"]), entry["registered_at"], entry["subject"]])
    cursor = page.get("next")
    if not cursor:
        break
PYTHON
