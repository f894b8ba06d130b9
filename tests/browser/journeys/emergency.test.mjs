// The emergency register when the server is away (D.P.R. 445/2000, art. 63): a records manager opens it, a clerk takes
// the page that works without network, fills it in while the browser is offline, loses nothing by closing it, and
// brings the entries back afterwards, where each gets its ordinary number and none comes in twice.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, before, test } from 'node:test';
import { openBrowser, visitor, login, main, axeFaults, shots } from '../lib/browser.mjs';
import { startDemo } from '../lib/demo.mjs';

const BODY = 'c_g999';
const HOUR_MS = 3_600_000;
/** What is registered by hand; the second subject has what a CSV must quote. */
const ENTRIES = [
  { who: 'Prova Sette', subject: 'Istanza presentata durante l’interruzione' },
  { who: 'Prova Otto', subject: 'Segnalazione: "buca"; via di prova, n. 3' },
];
let demo, browser;

before(async () => { demo = await startDemo(); browser = await openBrowser(); });
after(async () => { await browser?.close(); await demo?.stop(); });

/** A moment as fields of date and time want it, on the clocks of Rome. */
const field = (moment) => moment.toLocaleString('sv-SE', { timeZone: 'Europe/Rome' }).slice(0, 16).replace(' ', 'T');

async function person(role) {
  const context = await visitor(browser);
  const page = await context.newPage();
  await login(page, demo, demo.account(role, BODY));
  return { context, page };
}

/** Opens the period and gives the address of its page. */
async function openPeriod(page) {
  await page.goto(`${demo.address}/register/emergency`);
  await main(page).getByLabel('Provvedimento che autorizza').fill('Det. di prova 7/2026');
  await main(page).getByLabel('Causa dell’interruzione').fill('Linea interrotta per prova');
  await main(page).getByLabel('Inizio').fill(field(new Date(Date.now() - HOUR_MS)));
  await main(page).getByRole('button', { name: 'Apri il registro di emergenza' }).click();
  await main(page).getByRole('heading', { name: 'Registrare durante l’interruzione' }).waitFor();
  return page.url().split('?')[0];
}

/** Takes the page for the stop and keeps it where the server is not needed. */
async function takePage(page, period) {
  await page.goto(period);
  const [download] = await Promise.all([page.waitForEvent('download'), main(page).getByRole('link', { name: 'Pagina senza rete' }).click()]);
  const kept = path.join(demo.data, 'pagina-senza-rete.html');
  await download.saveAs(kept);
  return pathToFileURL(kept).href;
}

/** Registers by hand with the network cut; gives the file to bring back. */
async function registerOffline(address) {
  // A context without the watch on requests: nothing can leave a browser that is offline.
  const context = await browser.newContext({ locale: 'it-IT', timezoneId: 'Europe/Rome', offline: true });
  const probe = await context.newPage();
  await assert.rejects(probe.goto(demo.address), /ERR_INTERNET_DISCONNECTED/, 'the network is not cut');
  await probe.close();
  const page = await context.newPage();
  await page.goto(address);
  assert.deepEqual(await axeFaults(page), []);
  for (const entry of ENTRIES) {
    await page.getByLabel('Mittente o destinatario').fill(entry.who);
    await page.getByLabel('Oggetto').fill(entry.subject);
    await page.getByRole('button', { name: 'Aggiungi la registrazione' }).click();
    await page.getByRole('cell', { name: entry.subject }).waitFor();
  }
  // A window that closes loses nothing.
  await page.reload();
  assert.deepEqual(await page.locator('#rows tr').count(), ENTRIES.length);
  assert.match(await page.locator('#number').innerText(), /\/000003$/);
  assert.equal(await shots(page, 'emergency-offline'), false, 'the page without network scrolls sideways');
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Salva il file' }).click()]);
  const table = path.join(demo.data, 'registrazioni-di-emergenza.csv');
  await download.saveAs(table);
  await context.close();
  return table;
}

/** Sends the file, to try it or for good, and gives the outcomes told. */
async function bringBack(page, period, table, button) {
  await page.goto(period);
  await main(page).getByLabel('File delle registrazioni').setInputFiles(table);
  await main(page).getByRole('button', { name: button, exact: true }).click();
  const report = main(page).getByRole('region', { name: /^Esito/ });
  await report.waitFor();
  return (await report.locator('tbody tr').allInnerTexts()).map((text) => text.trim());
}

test('entries written while the server is away come back with their ordinary numbers, once', async () => {
  const manager = await person('records_manager');
  const clerk = await person('registry_clerk');
  const period = await openPeriod(manager.page);
  const table = await registerOffline(await takePage(clerk.page, period));
  assert.equal(fs.readFileSync(table, 'utf8').trim().split('\r\n').length, ENTRIES.length + 1);

  await manager.page.goto(period);
  await main(manager.page).getByLabel('Sistema ripristinato il').fill(field(new Date()));
  await main(manager.page).getByRole('button', { name: 'Segna il ripristino' }).click();
  await main(manager.page).getByRole('status').waitFor();

  for (const line of await bringBack(clerk.page, period, table, 'Prova')) assert.match(line, /Sarà registrata/);
  const done = await bringBack(clerk.page, period, table, 'Inserisci le registrazioni');
  assert.equal(done.length, ENTRIES.length);
  for (const line of done) assert.match(line, /Registrata con il numero \d{7}\/\d{4}/);
  const again = await bringBack(clerk.page, period, table, 'Inserisci le registrazioni');
  for (const line of again) assert.match(line, /Già inserita con il numero/);
  assert.deepEqual(await axeFaults(clerk.page), []);

  // The entry says both numbers, and what was typed came through the file unharmed.
  const number = done[1].match(/\d{7}\/\d{4}/)[0];
  await main(clerk.page).getByRole('link', { name: number }).click();
  await main(clerk.page).getByText(ENTRIES[1].subject).first().waitFor();
  await main(clerk.page).getByText(ENTRIES[1].who).first().waitFor();
  await manager.context.close();
  await clerk.context.close();
});
