// Entering with more than a password: a passkey of Chromium's virtual authenticator, a code of an authenticator app.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { openBrowser, visitor, login, main } from '../lib/browser.mjs';
import { startDemo } from '../lib/demo.mjs';

let demo, browser;

before(async () => { demo = await startDemo(); browser = await openBrowser(); });
after(async () => { await browser?.close(); await demo?.stop(); });

/** The six digits of RFC 6238 (SHA-1, 30 seconds) for a secret in base 32. */
function code(secret, at = Date.now()) {
  const bits = [...secret.replace(/[\s=]/g, '')].map((sign) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(sign).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const hash = createHmac('sha1', key).update(step).digest();
  return String((hash.readUInt32BE(hash[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

test('a passkey is added, opens without a password, and is gone when removed', async () => {
  const context = await visitor(browser);
  const page = await context.newPage();
  const wire = await context.newCDPSession(page);
  await wire.send('WebAuthn.enable');
  await wire.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  await login(page, demo, demo.account('records_manager', 'c_g999'));
  await page.goto(`${demo.address}/account`);
  await main(page).getByLabel('Nome della nuova passkey').fill('Chiave di prova');
  await main(page).getByRole('button', { name: 'Aggiungi una passkey' }).click();
  await main(page).getByRole('rowheader', { name: /Chiave di prova/ }).waitFor();
  // Offered among the names: the virtual authenticator takes the offer at once, as a person who chooses it.
  await context.clearCookies();
  await page.goto(`${demo.address}/login`);
  await page.waitForURL((url) => url.pathname === '/');
  // By the button, in a browser that makes no such offer.
  await page.addInitScript(() => { PublicKeyCredential.isConditionalMediationAvailable = async () => false; });
  await context.clearCookies();
  await page.goto(`${demo.address}/login`);
  await main(page).getByRole('button', { name: 'Accedi con una passkey' }).click();
  await page.waitForURL((url) => url.pathname === '/');
  await page.goto(`${demo.address}/account`);
  await main(page).getByRole('row', { name: /Chiave di prova/ }).getByRole('button').click();
  await context.clearCookies();
  await page.goto(`${demo.address}/login`);
  await main(page).getByRole('button', { name: 'Accedi con una passkey' }).click();
  await page.locator('[data-passkey-fault]:visible').waitFor();
  assert.ok(page.url().includes('/login'), 'a removed key opens nothing');
  await context.close();
});

test('a second factor is asked for once it is on, and no code works twice', async () => {
  const account = demo.account('case_officer', 'c_f572');
  const context = await visitor(browser);
  const page = await context.newPage();
  await login(page, demo, account);
  await page.goto(`${demo.address}/account/second-factor`);
  const secret = await page.locator('[data-secret]').innerText();
  const used = code(secret);
  await main(page).getByLabel('Codice del secondo fattore').fill(used);
  await main(page).getByRole('button', { name: 'Conferma' }).click();
  await page.waitForURL((url) => !url.pathname.endsWith('/second-factor') || url.search !== '');
  await context.clearCookies();
  const enter = async (digits) => {
    await page.goto(`${demo.address}/login`);
    const fill = async () => {
      await main(page).getByLabel('Nome utente').fill(account.username);
      await main(page).getByLabel('Password').fill(account.password);
    };
    await fill();
    await main(page).getByRole('button', { name: 'Accedi', exact: true }).click();
    await main(page).getByLabel('Codice del secondo fattore').waitFor();
    await fill();
    await main(page).getByLabel('Codice del secondo fattore').fill(digits);
    await main(page).getByRole('button', { name: 'Accedi', exact: true }).click();
    await page.waitForLoadState();
    return new URL(page.url()).pathname;
  };
  assert.equal(await enter(used), '/login', 'the code that was used is spent');
  // The next step is accepted early, so that nobody has to wait for it here.
  assert.equal(await enter(code(secret, Date.now() + 30_000)), '/');
  await context.close();
});
