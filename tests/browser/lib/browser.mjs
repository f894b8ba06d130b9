// Debian's Chromium, shut off from everything but loopback, and the few gestures that every journey needs.
import { chromium } from 'playwright-core';
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const axeSource = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const shotFolder = process.env.TELAIO_SHOTS ?? 'shots';
// Schemes that never leave the machine; the last two are the browser's own pages, such as its viewer of PDF files.
const INSIDE = ['data:', 'blob:', 'about:', 'chrome:', 'chrome-extension:'];
const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])$/;

/** Widths every page is looked at: a phone and a desk. */
export const WIDTHS = { phone: { width: 390, height: 844 }, desk: { width: 1440, height: 900 } };

export async function openBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync',
      // The viewer of PDFs as a frame of the page: as a process of its own it leaves the driver waiting on pages it shared.
      '--disable-features=PdfOopif'],
  });
}

/** A fresh visitor. `outside` collects every request that tried to leave the machine: it must stay empty. */
export async function visitor(browser, options = {}) {
  const context = await browser.newContext({ locale: 'it-IT', timezoneId: 'Europe/Rome', viewport: WIDTHS.desk, ...options });
  const outside = [];
  await context.route('**/*', (route) => {
    const url = new URL(route.request().url());
    if (INSIDE.includes(url.protocol) || LOOPBACK.test(url.hostname)) return route.continue();
    outside.push(url.href);
    return route.abort();
  });
  // Choosers of files are caught from the start: the driver begins to catch them only after the first listener is heard.
  context.on('page', (page) => page.on('filechooser', () => {}));
  return Object.assign(context, { outside });
}

/** Enters with name and password, as a person does. */
export async function login(page, demo, account) {
  await page.goto(`${demo.address}/login`);
  await page.locator('input[name=username]').fill(account.username);
  await page.locator('input[name=password]').fill(account.password);
  await Promise.all([page.waitForURL((url) => !url.pathname.startsWith('/login')), page.locator('main button[type=submit]').first().click()]);
}

/** Faults that axe finds against WCAG 2.2 A and AA, as readable lines; `except` names rules that cannot apply here. */
export async function axeFaults(page, except = []) {
  // Through the browser's own door: the pages' CSP would refuse a script tag, as it must.
  await page.evaluate(fs.readFileSync(axeSource, 'utf8'));
  const result = await page.evaluate((rules) => globalThis.axe.run({
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
    rules: Object.fromEntries(rules.map((rule) => [rule, { enabled: false }])),
  }), except);
  return result.violations.map((fault) => `${fault.id}: ${fault.help} (${fault.nodes.map((node) => node.target).join('; ')})`);
}

/** Pictures of the page at both widths into the folder of shots; answers whether any of them scrolls sideways. */
export async function shots(page, name) {
  fs.mkdirSync(shotFolder, { recursive: true });
  let sideways = false;
  for (const [width, size] of Object.entries(WIDTHS)) {
    await page.setViewportSize(size);
    await page.screenshot({ path: path.join(shotFolder, `${name}-${width}.png`), fullPage: true });
    sideways ||= await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  }
  await page.setViewportSize(WIDTHS.desk);
  return sideways;
}

/** The content of the page, without header and footer: where a journey looks for what a person would read. */
export const main = (page) => page.getByRole('main');

/** Presses a key, wherever the focus is. */
export const press = (page, key) => page.keyboard.press(key);

/** Moves the focus with the Tab key until it stands on what the selector names; fails when it never does. */
export async function tabTo(page, selector) {
  for (let steps = 0; steps < 120; steps += 1) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector)) return;
    await press(page, 'Tab');
  }
  throw new Error(`the Tab key never reaches ${selector}`);
}

/** Opens a part of the page that is folded up, by its title. */
export async function openMenu(place, title) {
  await place.locator('summary', { hasText: title }).click();
}

/** Asks again until the answer is something, twenty seconds at most; gives the answer. */
export async function until(question, what) {
  const end = Date.now() + 20_000;
  while (Date.now() < end) {
    const answer = await question();
    if (answer) return answer;
    await new Promise((resolve) => { setTimeout(resolve, 250); });
  }
  throw new Error(`waited in vain: ${what}`);
}
