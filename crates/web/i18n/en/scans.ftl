# Words of the slice "scans".
scans-title = Scans
scans-about = Scanned papers wait here. Look at each, attest that it conforms to the original and register it as incoming.
scans-watched = What the scanner leaves in the folder of the body arrives by itself within seconds.
scans-add = Add scans
scans-add-hint = PDF, TIFF, JPEG or PNG; several files at once.
scans-add-go = Upload
scans-empty = No scans in this state.
scans-caption = Scans, newest first
scan-name = Scan
scan-act = What to do
scan-one = The scan
scan-pages = { $n ->
    [one] 1 page
   *[other] { $n } pages
}
scan-attest-hint = Compare each page with the paper before you attest it. The words, your name and the time stay with the document and are printed on the receipt.
scan-register = Attest and register
scan-discard = Set aside
scan-discard-why = Why it is not to be registered
scan-discard-go = Set aside
scan-state-waiting = Waiting
scan-state-refused = Not accepted
scan-state-registered = Registered
scan-state-discarded = Set aside
scan-from-folder = from the folder
scan-from-upload = uploaded by hand
scan-refused-empty-file = The file is empty. Scan again.
scan-refused-file-too-large = The file is larger than allowed. Scan again with fewer pages or at a lower resolution.
scan-refused-infected = The file contains a virus and was not taken. Tell whoever keeps the system.
scan-refused-not-a-scan = The file is neither a picture nor a PDF. Scan again as PDF, TIFF, JPEG or PNG.
scan-refused-scan-locked = The PDF is locked by a password. Scan again without protection.
scan-refused-scan-damaged = The file is damaged and does not open. Scan again.
scan-refused-not-plain-file = There was a link in the folder, not a scan. Tell whoever keeps the system.
scan-refused-not-readable = The file cannot be read. Whoever keeps the system must mend its permissions.
attested-mark = Conformity attested
done-scans-taken = Scans uploaded: they wait below.
done-scan-discarded = Scan set aside.
