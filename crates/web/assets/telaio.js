// Makes pages quicker for who has script; every act works without it. Behaviour hangs on data attributes, so that
// templates say what happens and this file only does it:
//   data-key="/"            focus this field with a key          data-unread-url, data-unread   refresh the count of tasks
//   data-drop               drop files on it, list them          data-autosave="URL"            keep a draft of the form
//   data-upload             send the form with progress          data-preview="URL"             show the form's preview
//   data-copy="TEXT"        copy on click                        data-counter                   count characters
//   data-file-view="ID"     show the file chosen             data-fill="ID"              put the value into a field
//   data-picks="NAME"       choose all rows of a list            data-tree-filter               filter a tree while typing
(() => {
  'use strict';
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const words = document.documentElement.lang === 'en'
    ? { left: 'characters left', saved: 'Draft saved', unsaved: 'Draft not saved: check the connection', remove: 'Remove', sent: 'sent', close: 'Close', failed: 'Not sent: check the connection and try again. Nothing was registered.' }
    : { left: 'caratteri rimasti', saved: 'Bozza salvata', unsaved: 'Bozza non salvata: controlla la connessione', remove: 'Togli', sent: 'inviato', close: 'Chiudi', failed: 'Invio non riuscito: controlla la connessione e riprova. Nulla è stato registrato.' };

  // ---- Keys: never while typing, never with modifiers. -------------------------------------------------------------
  const typing = (element) => element.closest('input, textarea, select, [contenteditable]');
  const go = { r: '/register', w: '/', d: '/dossiers', i: '/inbox', s: '/deliveries' };
  let pending = false;
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape') { all('details.tl-menu[open]').forEach((menu) => { menu.open = false; menu.querySelector('summary').focus(); }); return; }
    if (typing(event.target)) return;
    if (pending && go[event.key]) { location.assign(go[event.key]); }
    else if (event.key === 'g') { pending = true; setTimeout(() => { pending = false; }, 1500); return; }
    else if (event.key === '/') { const field = document.querySelector('[data-key="/"]'); if (field) { event.preventDefault(); field.focus(); } }
    else if (event.key === 'n') { const link = document.querySelector('[data-key="n"]'); location.assign(link ? link.href : '/register/new'); }
    else if (event.key === '?') { showKeys(); }
    else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') { step(event); }
    pending = false;
  });

  // The list of keys opens over the page; it is the page of shortcuts, so there is one list only.
  async function showKeys() {
    const open = document.querySelector('dialog.tl-help');
    if (open) { open.showModal(); return; }
    const answer = await fetch('/shortcuts').catch(() => null);
    const page = answer?.ok ? new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('main') : null;
    if (!page) { location.assign('/shortcuts'); return; }
    const dialog = document.createElement('dialog');
    const close = document.createElement('button');
    dialog.className = 'tl-help';
    const title = page.querySelector('h1');
    title.id = 'keys-title';
    dialog.setAttribute('aria-labelledby', title.id);
    close.type = 'button'; close.className = 'btn btn-primary'; close.textContent = words.close;
    close.addEventListener('click', () => dialog.close());
    dialog.append(...page.childNodes, close);
    document.body.append(dialog);
    dialog.showModal();
  }

  // Arrows move along the first link of each row of a list.
  function step(event) {
    const links = all('.tl-list tbody tr').map((row) => row.querySelector('a')).filter(Boolean);
    if (!links.length) return;
    const row = document.activeElement.closest('.tl-list tbody tr');
    const at = row ? links.indexOf(row.querySelector('a')) : -1;
    if (at < 0 && document.activeElement !== document.body) return;
    const next = links[at + (event.key === 'ArrowDown' ? 1 : -1)];
    if (next) { event.preventDefault(); next.focus(); }
  }

  // A menu closes when the focus or a click goes elsewhere.
  document.addEventListener('click', (event) => all('details.tl-menu[open]').forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; }));

  // ---- Faults: the summary takes the focus, so that reader software says it first. ----------------------------------
  document.getElementById('errors')?.focus();

  // ---- Characters left. ----------------------------------------------------------------------------------------------
  all('[data-counter]').forEach((field) => {
    const note = document.createElement('p');
    note.className = 'tl-hint';
    const show = () => { note.textContent = `${field.maxLength - field.value.length} ${words.left}`; };
    field.after(note);
    field.addEventListener('input', show);
    show();
  });

  // ---- Files: drop, list, take away again. -----------------------------------------------------------------------------
  all('[data-drop]').forEach((area) => {
    const input = area.querySelector('input[type=file]');
    const list = area.querySelector('[data-file-list]');
    const hint = area.querySelector('[data-drop-hint]');
    if (hint) hint.hidden = false;
    const put = (files) => { const bag = new DataTransfer(); files.forEach((file) => bag.items.add(file)); input.files = bag.files; input.dispatchEvent(new Event('change', { bubbles: true })); };
    const show = () => {
      list.replaceChildren(...[...input.files].map((file, index) => {
        const line = document.createElement('li');
        const button = document.createElement('button');
        button.type = 'button'; button.className = 'btn btn-outline-primary btn-sm'; button.textContent = words.remove;
        button.setAttribute('aria-label', `${words.remove} ${file.name}`);
        button.addEventListener('click', () => { put([...input.files].filter((_, other) => other !== index)); input.focus(); });
        line.append(`${file.name} (${Math.ceil(file.size / 1000)} kB) `, button);
        return line;
      }));
    };
    input.addEventListener('change', show);
    area.addEventListener('dragover', (event) => { event.preventDefault(); area.dataset.over = ''; });
    area.addEventListener('dragleave', () => { delete area.dataset.over; });
    area.addEventListener('drop', (event) => {
      event.preventDefault(); delete area.dataset.over;
      const dropped = [...event.dataTransfer.files];
      put(input.multiple ? [...input.files, ...dropped] : dropped.slice(0, 1));
    });
  });

  // ---- Sending with progress. The answer is an ordinary page: it is shown as the browser would. -----------------------
  all('form[data-upload]').forEach((form) => form.addEventListener('submit', (event) => {
    if (!form.querySelector('input[type=file]')?.files.length) return;
    event.preventDefault();
    const bar = document.createElement('progress');
    bar.className = 'tl-progress'; bar.max = 100; bar.setAttribute('aria-label', words.sent);
    form.append(bar);
    const request = new XMLHttpRequest();
    request.open('POST', form.action);
    request.upload.addEventListener('progress', (progress) => { if (progress.lengthComputable) bar.value = progress.loaded / progress.total * 100; });
    const fail = () => { bar.remove(); const note = document.createElement('p'); note.className = 'tl-fault'; note.setAttribute('role', 'alert'); note.textContent = words.failed; form.append(note); };
    request.addEventListener('error', fail);
    request.addEventListener('load', () => {
      forget(form);
      if (request.status < 300 && request.responseURL !== form.action) { location.assign(request.responseURL); return; }
      const page = new DOMParser().parseFromString(request.responseText, 'text/html');
      const main = page.querySelector('main');
      if (!main) { fail(); return; }
      bar.remove();
      // Faults only: the form stays as it is, files included, and shows the summary of the answer.
      document.getElementById('errors')?.remove();
      const summary = page.getElementById('errors');
      if (summary) { form.before(document.adoptNode(summary)); summary.focus(); } else { document.querySelector('main').replaceWith(document.adoptNode(main)); }
    });
    const data = new FormData(form);
    if (event.submitter?.name) data.append(event.submitter.name, event.submitter.value);
    request.send(data);
  }));

  // ---- Drafts: kept on the server a moment after typing stops; leaving asks only when something would be lost. ---------
  const unsaved = new Set();
  const forget = (form) => unsaved.delete(form);
  const fields = (form) => { const data = new URLSearchParams(); for (const [name, value] of new FormData(form)) if (typeof value === 'string') data.append(name, value); return data; };
  all('form[data-autosave]').forEach((form) => {
    let timer = 0;
    const note = form.querySelector('[data-autosave-note]');
    const save = async () => {
      try {
        const answer = await fetch(form.dataset.autosave, { method: 'POST', body: fields(form), headers: { 'x-requested-with': 'autosave' } });
        if (!answer.ok) throw new Error(String(answer.status));
        forget(form);
        if (note) note.textContent = words.saved;
      } catch { if (note) note.textContent = words.unsaved; }
    };
    form.addEventListener('input', () => { unsaved.add(form); clearTimeout(timer); timer = setTimeout(save, 1200); });
    form.addEventListener('submit', () => { clearTimeout(timer); forget(form); });
  });
  window.addEventListener('beforeunload', (event) => { if (unsaved.size) event.preventDefault(); });

  // ---- Live preview of a letter: the same page the Preview button shows. -----------------------------------------------
  all('form[data-preview]').forEach((form) => {
    const target = document.querySelector('[data-preview-target]');
    if (!target) return;
    let timer = 0;
    form.addEventListener('input', () => {
      clearTimeout(timer);
      timer = setTimeout(async () => {
        const answer = await fetch(form.dataset.preview, { method: 'POST', body: fields(form) }).catch(() => null);
        if (!answer?.ok) return;
        const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
        const fresh = page.querySelector('[data-preview-target]');
        if (fresh) target.replaceChildren(...fresh.childNodes);
      }, 600);
    });
  });

  // ---- The file beside the form, before it is sent. Only types that cannot run anything are shown as they are; of the others the
  // server takes the text out and forgets the file. -----------------------------------------------------------------------------
  const SHOWN = [['application/pdf', [0x25, 0x50, 0x44, 0x46]], ['image/png', [0x89, 0x50, 0x4e, 0x47]], ['image/jpeg', [0xff, 0xd8, 0xff]], ['image/gif', [0x47, 0x49, 0x46, 0x38]]];
  const TEXT_MAX = 16 * 1024 * 1024;
  // A viewer of PDFs takes the focus when it opens, away from whoever is typing: it stays inert until a person comes to it,
  // with the pointer or with the Tab key, which stops at the pane first. What it takes all the same is given back.
  let holder = null;
  document.addEventListener('focusin', (event) => { if (!event.target.inert) holder = event.target; });
  window.addEventListener('blur', () => setTimeout(() => { if (document.activeElement?.inert) holder?.focus(); }));
  const guarded = (pane, shown) => {
    if (shown.localName !== 'iframe') return;
    shown.inert = true;
    pane.tabIndex = 0;
    for (const arrival of ['pointerenter', 'focus']) pane.addEventListener(arrival, () => { shown.inert = false; }, { once: true });
  };
  all('[data-file-view]').forEach((pane) => {
    const input = document.getElementById(pane.dataset.fileView);
    let address = '';
    const showFile = async () => {
      URL.revokeObjectURL(address);
      pane.replaceChildren();
      pane.removeAttribute('tabindex');
      const file = input.files[0];
      pane.hidden = !file;
      if (!file) return;
      const head = new Uint8Array(await file.slice(0, 8).arrayBuffer());
      const kind = SHOWN.find(([, mark]) => mark.every((byte, at) => head[at] === byte))?.[0];
      if (kind) {
        const shown = document.createElement(kind === 'application/pdf' ? 'iframe' : 'img');
        // The type is said by us from the first bytes, never by the name.
        address = URL.createObjectURL(new Blob([file], { type: kind }));
        shown.title = file.name; shown.src = address;
        if (kind !== 'application/pdf') shown.alt = file.name;
        guarded(pane, shown);
        pane.append(shown);
        return;
      }
      if (file.size > TEXT_MAX) { pane.hidden = true; return; }
      const csrf = input.form.querySelector('[name=csrf]').value;
      const answer = await fetch(pane.dataset.textUrl, { method: 'POST', body: file, headers: { 'content-type': 'application/octet-stream', 'x-csrf-token': csrf } }).catch(() => null);
      const text = answer?.ok ? new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('[data-text]') : null;
      if (text && input.files[0] === file) pane.replaceChildren(...text.childNodes);
    };
    input.addEventListener('change', showFile);
  });
  // A file that is on the server already: fetched and shown from the browser's memory, by its first bytes.
  all('[data-file-src]').forEach(async (pane) => {
    const answer = await fetch(pane.dataset.fileSrc).catch(() => null);
    if (!answer?.ok) return;
    const bytes = await answer.arrayBuffer();
    const head = new Uint8Array(bytes, 0, Math.min(8, bytes.byteLength));
    const kind = SHOWN.find(([, mark]) => mark.every((byte, at) => head[at] === byte))?.[0];
    if (!kind) return;
    const shown = document.createElement(kind === 'application/pdf' ? 'iframe' : 'img');
    shown[kind === 'application/pdf' ? 'title' : 'alt'] = pane.getAttribute('aria-label');
    shown.src = URL.createObjectURL(new Blob([bytes], { type: kind }));
    guarded(pane, shown);
    pane.append(shown);
    pane.hidden = false;
  });
  document.addEventListener('change', (event) => {
    const field = event.target.dataset?.fill && document.getElementById(event.target.dataset.fill);
    if (field) field.value = event.target.value;
  });

  // ---- Small things. ---------------------------------------------------------------------------------------------------
  if (navigator.clipboard) all('[data-copy]').forEach((button) => {
    button.hidden = false;
    button.addEventListener('click', async () => { await navigator.clipboard.writeText(button.dataset.copy); button.textContent = button.dataset.copied; });
  });
  all('[data-print]').forEach((button) => { button.hidden = false; button.addEventListener('click', () => window.print()); });
  all('[data-picks]').forEach((box) => { box.hidden = false; box.addEventListener('change', () => all(`input[name="${box.dataset.picks}"]`).forEach((one) => { one.checked = box.checked; })); });
  all('[data-tree-filter]').forEach((field) => field.addEventListener('input', () => {
    const wanted = field.value.toLocaleLowerCase();
    all(`#${field.dataset.treeFilter} [data-text]`).forEach((node) => { node.hidden = !node.dataset.text.toLocaleLowerCase().includes(wanted); });
  }));
  const bell = document.querySelector('[data-unread-url]');
  if (bell) setInterval(async () => {
    if (document.hidden) return;
    const answer = await fetch(bell.dataset.unreadUrl).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    const count = bell.querySelector('[data-unread]');
    count.textContent = (await answer.text()).slice(0, 6);
    count.hidden = false;
    count.toggleAttribute('data-some', count.textContent !== '0');
  }, 60000);
  // ---- Passkeys: the browser keeps the key; here its bytes are only put into text and back. ------------------------------
  const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
  const toText = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
  const ask = async (path, body, csrf) => {
    const answer = await fetch(path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', 'x-csrf-token': csrf ?? '' } });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  };
  const told = (key) => {
    const response = {};
    for (const name of ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle']) {
      if (key.response[name]) response[name] = toText(key.response[name]);
    }
    return { id: key.id, rawId: toText(key.rawId), type: key.type, response, extensions: key.getClientExtensionResults() };
  };
  async function addPasskey(form) {
    const begun = await ask('/account/passkeys/begin', {}, form.dataset.csrf);
    const options = begun.options.publicKey;
    options.challenge = toBytes(options.challenge);
    options.user.id = toBytes(options.user.id);
    options.excludeCredentials = (options.excludeCredentials ?? []).map((one) => ({ ...one, id: toBytes(one.id) }));
    // Signing in without a name needs a key that the device can find by itself.
    options.authenticatorSelection = { ...options.authenticatorSelection, residentKey: 'required', requireResidentKey: true };
    const key = await navigator.credentials.create({ publicKey: options });
    const label = form.querySelector('[name=label]').value;
    return ask('/account/passkeys/finish', { ceremony: begun.ceremony, label, answer: told(key) }, form.dataset.csrf);
  }
  async function usePasskey(how = {}) {
    const begun = await ask('/login/passkey/begin', {});
    const options = begun.options.publicKey;
    options.challenge = toBytes(options.challenge);
    options.allowCredentials = [];
    const key = await navigator.credentials.get({ publicKey: options, ...how });
    return ask('/login/passkey/finish', { ceremony: begun.ceremony, answer: told(key) });
  }
  // Passkeys offered among the names that the browser fills in. The question waits as long as the page is open, but the server
  // remembers it for two minutes: it is put anew a little earlier. A browser takes one question at a time, so the button ends it.
  const RENEW = 100_000;
  let waiting = null;
  async function offerPasskeys(next) {
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
    for (let ended = false; !ended;) {
      waiting = new AbortController();
      const { signal } = waiting;
      const renew = setTimeout((question) => question.abort('renew'), RENEW, waiting);
      try {
        await usePasskey({ mediation: 'conditional', signal });
        location.assign(next);
        ended = true;
      } catch {
        // Refused or taken over by the button: then nothing more is offered. A page nobody looks at asks nothing.
        ended = signal.reason !== 'renew' || document.hidden;
      } finally {
        clearTimeout(renew);
      }
    }
  }
  if (globalThis.PublicKeyCredential) {
    all('form[data-passkey-add]').forEach((form) => {
      form.hidden = false;
      form.addEventListener('submit', async (event) => {
        event.preventDefault();
        try { location.assign((await addPasskey(form)).next); } catch { form.querySelector('[data-passkey-fault]').hidden = false; }
      });
    });
    all('button[data-passkey]').forEach((button) => {
      button.hidden = false;
      offerPasskeys(button.dataset.passkey || '/').catch(() => {});
      button.addEventListener('click', async () => {
        waiting?.abort('button');
        try { await usePasskey(); location.assign(button.dataset.passkey || '/'); } catch { button.closest('form').querySelector('[data-passkey-fault]')?.removeAttribute('hidden'); }
      });
    });
  }
})();
