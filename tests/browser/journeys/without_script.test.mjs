// Every act works without JavaScript: entering, registering, finding, annulling with an order and a visible trace.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser, visitor, login, main } from '../lib/browser.mjs';
import { startDemo } from '../lib/demo.mjs';

const BODY = 'c_g999';
const SUBJECT = 'Istanza senza script';
let demo, browser, entry;

before(async () => { demo = await startDemo(); browser = await openBrowser(); });
after(async () => { await browser?.close(); await demo?.stop(); });

async function person(role) {
  const context = await visitor(browser, { javaScriptEnabled: false });
  const page = await context.newPage();
  await login(page, demo, demo.account(role, BODY));
  return { context, page };
}

test('a clerk registers, adds a correspondent, and finds the entry again', async () => {
  const { context, page } = await person('registry_clerk');
  await page.goto(`${demo.address}/register/new`);
  await main(page).getByLabel('Oggetto').fill(SUBJECT);
  await main(page).getByLabel('Nome o denominazione').first().fill('Prova Due');
  // A row more comes back with what was typed; files have to be chosen afterwards.
  await main(page).getByRole('button', { name: 'Aggiungi un corrispondente' }).click();
  assert.equal(await main(page).getByLabel('Oggetto').inputValue(), SUBJECT);
  await main(page).getByLabel('Nome o denominazione').nth(1).fill('Prova Tre');
  await main(page).getByLabel('Documento principale').setInputFiles({ name: 'istanza.txt', mimeType: 'text/plain', buffer: Buffer.from(SUBJECT) });
  await main(page).getByRole('button', { name: 'Registra', exact: true }).click();
  const number = (await main(page).getByRole('status').first().innerText()).trim();
  assert.match(number, /^\d{7}\/\d{4}$/);
  await page.getByRole('searchbox').fill('senza script');
  await page.getByRole('search').getByRole('button').first().click();
  await main(page).getByRole('link', { name: number }).click();
  await main(page).getByText('Prova Tre').first().waitFor();
  entry = page.url();
  await context.close();
});

test('an empty form names each field that is missing, and keeps what was typed', async () => {
  const { context, page } = await person('registry_clerk');
  await page.goto(`${demo.address}/register/new`);
  await page.locator('main form').evaluate((form) => { form.noValidate = true; }).catch(() => {});
  await main(page).getByLabel('Nome o denominazione').first().fill('Prova Quattro');
  await main(page).getByLabel('Oggetto').fill(' ');
  await main(page).getByLabel('Documento principale').setInputFiles({ name: 'vuoto.txt', mimeType: 'text/plain', buffer: Buffer.alloc(0) });
  await main(page).getByRole('button', { name: 'Registra', exact: true }).click();
  const faults = page.locator('#errors');
  await faults.waitFor();
  assert.ok((await faults.getByRole('link').count()) >= 1);
  assert.equal(await main(page).getByLabel('Nome o denominazione').first().inputValue(), 'Prova Quattro');
  await context.close();
});

test('the records manager annuls with an order, and the text stays readable', async () => {
  const { context, page } = await person('records_manager');
  await page.goto(entry);
  await main(page).getByRole('link', { name: /Annulla la registrazione/ }).click();
  await main(page).getByLabel('Motivo').fill('Registrata due volte per errore');
  await main(page).getByLabel('Atto che lo autorizza').fill('Det. 1 del 23/11/2026');
  await main(page).getByRole('button', { name: 'Annulla la registrazione' }).click();
  await page.goto(entry);
  const text = await main(page).innerText();
  for (const part of ['ANNULLATO', SUBJECT, 'Registrata due volte per errore', 'Det. 1 del 23/11/2026']) {
    assert.ok(text.includes(part), `${part} is missing`);
  }
  await context.close();
});
