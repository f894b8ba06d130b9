// Every main page as people with different needs meet it: both widths, both languages, each contrast theme, with no
// fault that axe can find, no sideways scrolling, no request that leaves the machine, no complaint in the console.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser, visitor, login, main, axeFaults, openMenu, shots, WIDTHS } from '../lib/browser.mjs';
import { startDemo } from '../lib/demo.mjs';

const BODY = 'c_g999';
/** Pages by who opens them; those with a `*` are found by following the first link of the list before them. */
const PAGES = {
  registry_clerk: ['/', '/register', '* first of the list', '/register/new', '/register/daily', '/inbox', '/deliveries', '* first of the list', '/shortcuts', '/help'],
  case_officer: ['/', '/dossiers', '* first of the list', '/dossiers/new', '/classes', '/account', '/account/second-factor'],
  it_admin: ['/admin', '/admin/users'],
  auditor: ['/audit'],
  nobody: ['/login', '/verify', '/accessibility', '/privacy', '/api/docs'],
};
let demo, browser;

before(async () => { demo = await startDemo(); browser = await openBrowser(); });
after(async () => { await browser?.close(); await demo?.stop(); });

/** A visitor, signed in unless it is nobody; `complaints` collects what the console and failing requests say. */
async function person(role, options = {}) {
  const context = await visitor(browser, options);
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (line) => { if (line.type() === 'error') complaints.push(line.text()); });
  page.on('pageerror', (error) => complaints.push(String(error)));
  if (role !== 'nobody') await login(page, demo, demo.account(role, BODY));
  return { context, page, complaints };
}

/** Goes to the pages one after the other; an absent one is a fault. */
async function* walk(page, addresses) {
  for (const address of addresses) {
    if (address.startsWith('*')) {
      await main(page).locator('table').getByRole('link').first().click();
      await page.waitForLoadState();
    } else {
      const answer = await page.goto(demo.address + address);
      assert.equal(answer.status(), 200, address);
    }
    yield new URL(page.url()).pathname;
  }
}

for (const [role, addresses] of Object.entries(PAGES)) {
  test(`${role}: every page holds at both widths`, async () => {
    const { context, page, complaints } = await person(role);
    for await (const path of walk(page, addresses)) {
      const name = `${role}${path.replace(/_[0-9a-f]{32}/g, '').replace(/\W+/g, '-')}`;
      assert.equal(await shots(page, name), false, `${path} scrolls sideways`);
      assert.deepEqual(await axeFaults(page), [], path);
      await page.setViewportSize(WIDTHS.phone);
      assert.deepEqual(await axeFaults(page), [], `${path} on a phone`);
      await page.setViewportSize(WIDTHS.desk);
    }
    assert.deepEqual(complaints, []);
    assert.deepEqual(context.outside, []);
    await context.close();
  });
}

test('the themes of high contrast and the pages without style hold too, and are remembered', async () => {
  const { context, page } = await person('registry_clerk');
  for (const look of ['Bianco su nero', 'Giallo su nero', 'Nero su bianco', 'Senza stile']) {
    await page.goto(`${demo.address}/register`);
    if (await page.locator('summary', { hasText: 'Aspetto' }).isVisible()) await openMenu(page.getByRole('banner'), 'Aspetto');
    await page.getByRole('link', { name: look }).click();
    // Without style the browser alone decides how large a link is: WCAG 2.5.8 excepts exactly that.
    const except = look === 'Senza stile' ? ['target-size'] : [];
    for await (const path of walk(page, ['/register', '/register/new', '/'])) {
      assert.deepEqual(await axeFaults(page, except), [], `${path}, ${look}`);
    }
    const code = await page.locator('html').getAttribute('data-look');
    assert.notEqual(code, 'standard');
    assert.equal(await page.locator('link[rel=stylesheet]').count(), look === 'Senza stile' ? 0 : 1);
  }
  await context.close();
});

test('in English no Italian word of the interface is left in the frame of the page', async () => {
  const { context, page } = await person('case_officer');
  await page.goto(`${demo.address}/`);
  await page.getByRole('link', { name: 'English' }).click();
  for await (const path of walk(page, ['/', '/register', '/dossiers', '/account', '/help'])) {
    assert.equal(await page.locator('html').getAttribute('lang'), 'en', path);
    const frame = `${await page.getByRole('banner').innerText()} ${await page.getByRole('contentinfo').innerText()} ${await page.getByRole('heading', { level: 1 }).innerText()}`;
    for (const word of ['Cerca', 'Protocollo', 'Fascicoli', 'Scrivania', 'Aspetto', 'Accessibilità']) {
      assert.ok(!frame.includes(word), `${word} on ${path}`);
    }
    assert.deepEqual(await axeFaults(page), [], path);
  }
  await context.close();
});

test('a page is read and used by keyboard: the way past the menus comes first, the focus is seen', async () => {
  const { context, page } = await person('registry_clerk');
  await page.goto(`${demo.address}/register`);
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('href')), '#main');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  assert.ok(await page.evaluate(() => document.querySelector('main').contains(document.activeElement)));
  const seen = await page.evaluate(() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle !== 'none' || s.boxShadow !== 'none'; });
  assert.ok(seen, 'the focus cannot be seen');
  await context.close();
});
