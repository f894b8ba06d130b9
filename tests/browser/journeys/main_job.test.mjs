// The main job, by pages only: a document enters one body by keyboard, joins a dossier, is answered with a sealed act
// that leaves for another body and for a PEC address, and the act is recognised by whoever holds the file.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser, visitor, login, main, press, tabTo, openMenu, until, axeFaults, shots } from '../lib/browser.mjs';
import { startDemo } from '../lib/demo.mjs';

const BODY = 'c_g999';
const SUBJECT = 'Domanda di prova arrivata allo sportello';
let demo, browser, number, entry;

before(async () => { demo = await startDemo(); browser = await openBrowser(); });
after(async () => { await browser?.close(); await demo?.stop(); });

/** A person of a body at work, in a context of their own; `outside` must stay empty. */
async function person(role, body) {
  const context = await visitor(browser, { acceptDownloads: true });
  const page = await context.newPage();
  await login(page, demo, demo.account(role, body));
  return { context, page };
}

/** Chooses files in the field that has the focus, as the space bar does. */
async function choose(page, files) {
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), press(page, 'Space')]);
  await chooser.setFiles(files);
}

test('a clerk registers a document with an attachment by keyboard alone', async () => {
  const { context, page } = await person('registry_clerk', BODY);
  await page.goto(`${demo.address}/register`);
  await press(page, 'n');
  await page.waitForURL('**/register/new');
  await tabTo(page, 'input[type=file][name=document]');
  await choose(page, { name: 'domanda.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.4\n% prova\n') });
  await tabTo(page, 'input[type=file][name=attachment]');
  await choose(page, { name: 'pianta.txt', mimeType: 'text/plain', buffer: Buffer.from('Pianta di prova') });
  await tabTo(page, 'textarea[name=subject]');
  await page.keyboard.type(SUBJECT);
  await tabTo(page, 'input[name="correspondents/0/name"]');
  await page.keyboard.type('Prova Uno');
  await tabTo(page, 'button.btn-primary[type=submit]:not([tabindex="-1"])');
  await press(page, 'Enter');
  await page.waitForURL('**/registered*');
  number = (await main(page).getByRole('status').first().innerText()).trim();
  assert.match(number, /^\d{7}\/\d{4}$/);
  const receipt = await main(page).getByRole('link', { name: /Ricevuta/ }).getAttribute('href');
  const paper = await page.request.get(demo.address + receipt);
  assert.equal(paper.status(), 200);
  assert.ok((await paper.body()).subarray(0, 5).equals(Buffer.from('%PDF-')), 'the receipt is a PDF');
  await main(page).getByRole('link', { name: 'Apri la registrazione' }).click();
  entry = new URL(page.url()).pathname;
  for (const text of [SUBJECT, 'domanda.pdf', 'pianta.txt', 'Prova Uno']) {
    await main(page).getByText(text, { exact: false }).first().waitFor();
  }
  assert.deepEqual(context.outside, []);
  await context.close();
});

test('an officer files it, opens a case, answers from a template and watches where the act arrives', async () => {
  const { context, page } = await person('case_officer', BODY);
  await page.goto(`${demo.address}/dossiers`);
  await main(page).locator('table').getByRole('link').first().click();
  await openMenu(main(page), 'Metti un documento nel fascicolo');
  await main(page).getByLabel('Numero di protocollo').fill(String(Number(number.split('/')[0])));
  await main(page).getByRole('button', { name: 'Metti un documento nel fascicolo' }).click();
  await main(page).getByRole('link', { name: number }).first().waitFor();
  await main(page).getByRole('link', { name: 'Nuova pratica' }).click();
  await main(page).getByLabel('Di che cosa tratta').fill('Domanda di prova');
  await main(page).getByRole('button', { name: 'Apri la pratica' }).click();
  await main(page).getByRole('link', { name: 'Scrivi una risposta' }).click();
  await main(page).getByLabel('A chi scrivi').fill('Prova Uno');
  await main(page).getByLabel('Testo').fill('La domanda di prova è accolta.');
  await main(page).getByLabel('Enti di questa installazione').selectOption({ label: 'Comune di Montemurlo' });
  await main(page).getByLabel('Indirizzi PEC').fill('Prova Uno; prova.uno@pec.cittadini.test');
  const preview = page.getByRole('region', { name: 'Anteprima' });
  await preview.getByText('La domanda di prova è accolta.').waitFor();
  await main(page).getByRole('button', { name: 'Registra e invia' }).click();
  const deliveries = main(page).getByRole('table', { name: /dove è arrivato/ });
  await deliveries.waitFor();
  for (const road of ['Comune di Montemurlo', 'Prova Uno']) {
    const row = deliveries.getByRole('row', { name: new RegExp(road) });
    await until(async () => {
      await page.reload();
      return /consegnata|confermata|registrata/.test(await row.innerText());
    }, `the act arrives at ${road}`);
  }
  assert.deepEqual(context.outside, []);
  await context.close();
});

test('the receiving body registers it with one confirmation, and the sender sees the number it was given', async () => {
  const there = await person('registry_clerk', 'c_f572');
  await there.page.goto(`${demo.address}/inbox`);
  await main(there.page).getByRole('link', { name: /Domanda di prova/ }).first().click();
  assert.deepEqual(await axeFaults(there.page), []);
  assert.equal(await shots(there.page, 'inbox-message'), false, 'the message scrolls sideways');
  const segnatura = main(there.page).locator('section', { has: there.page.getByRole('heading', { name: 'Segnatura' }) });
  assert.match(await segnatura.innerText(), /firma valida|valida/i, 'the segnatura of the sender is verified');
  await main(there.page).getByRole('button', { name: 'Registra', exact: true }).click();
  const given = await until(async () => {
    const link = main(there.page).getByText(/\b\d{7}\/\d{4}\b/).first();
    return (await link.count()) > 0 && (await link.innerText()).match(/\d{7}\/\d{4}/)[0];
  }, 'the entry of the receiving body has a number');
  assert.deepEqual(there.context.outside, []);
  await there.context.close();
  const here = await person('case_officer', BODY);
  await here.page.goto(`${demo.address}/deliveries`);
  await main(here.page).getByRole('row', { name: /Comune di Montemurlo/ }).first().getByRole('link').first().click();
  await until(async () => {
    await here.page.reload();
    return (await main(here.page).innerText()).includes(String(Number(given.split('/')[0])));
  }, `the delivery shows ${given}`);
  await here.context.close();
});

test('whoever holds the act can have it verified, and an altered copy is told', async () => {
  const { context, page } = await person('case_officer', BODY);
  await page.goto(`${demo.address}/register?q=${encodeURIComponent('Domanda di prova')}&direction=outgoing`);
  await main(page).locator('table').getByRole('link').first().click();
  const document = await main(page).getByRole('link', { name: /\.pdf$/ }).first().getAttribute('href');
  const act = await (await page.request.get(demo.address + document)).body();
  await context.close();
  const anybody = await visitor(browser);
  const verify = await anybody.newPage();
  const check = async (bytes) => {
    await verify.goto(`${demo.address}/verify`);
    await main(verify).getByLabel('Documento').setInputFiles({ name: 'atto.pdf', mimeType: 'application/pdf', buffer: bytes });
    await main(verify).getByRole('button', { name: 'Verifica il file' }).click();
    return main(verify).getByRole('heading', { level: 2 }).first().innerText();
  };
  assert.match(await check(act), /Valido/);
  const altered = Buffer.from(act);
  const at = altered.indexOf('stream\n') + 40;
  altered[at] ^= 1;
  assert.match(await check(altered), /Alterato/);
  await anybody.close();
});

test('another body knows nothing of the entry', async () => {
  const { context, page } = await person('registry_clerk', 'c_l775');
  const answer = await page.goto(demo.address + entry);
  assert.equal(answer.status(), 404);
  await page.goto(`${demo.address}/register?q=${encodeURIComponent(SUBJECT)}`);
  assert.ok(!(await main(page).innerText()).includes(SUBJECT));
  await context.close();
});
