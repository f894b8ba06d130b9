// Every page as people with different needs meet it: both widths, both languages, each contrast theme, with no
// fault that axe can find, no sideways scrolling, no link that leads to a refusal, no request that leaves the
// machine, no complaint in the console. Which pages there are is told by the server itself: each person follows the
// links they see, one of each kind, and at the end every route that gives a page must have been stood on.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser, visitor, login, main, axeFaults, openMenu, shots, WIDTHS } from '../lib/browser.mjs';
import { startDemo } from '../lib/demo.mjs';

const BODY = 'c_g999';
/** Who walks, and where they begin besides the first page: what no link of the demo leads to. */
const WALKERS = {
  registry_clerk: ['/search', '/register?direction=outgoing', '/scans', '/outbox/stuck', '/healthz', '/worklist/unread'],
  case_officer: ['/dossiers', '/templates'],
  records_manager: ['/register?direction=incoming', '/register/emergency'],
  it_admin: ['/admin'],
  auditor: ['/audit'],
  nobody: ['/login', '/verify', '/api/docs', '/openapi.json'],
};
/** The pages that are looked at in each of the looks. */
const MAIN_PAGES = ['/', '/register', '* first of the list', '/register/new', '/inbox', '/deliveries', '/scans', '/register/daily', '/dossiers', '/account', '/help', '/verify'];
let demo, browser, routes;
/** Paths of the routes that somebody stood on or fetched. */
const met = new Set();

before(async () => {
  demo = await startDemo();
  browser = await openBrowser();
  const found = demo.routes().filter((route) => route.kind === 'page' && route.method === 'GET');
  // A route without parameters is nearer than one with them.
  const parameters = (path) => path.split('{').length;
  routes = found.sort((a, b) => parameters(a.path) - parameters(b.path)).map((route) => (
    { ...route, pattern: new RegExp(`^${route.path.replace(/[.]/g, '\\.').replace(/\{[^}]+\}/g, '[^/]+')}$`) }));
  await prepare();
});
after(async () => { await browser?.close(); await demo?.stop(); });

/** What the demo has none of: a template of the body, a period of the emergency register, a link to enter anew. */
async function prepare() {
  const officer = await person('case_officer');
  await officer.page.goto(`${demo.address}/templates/new`);
  await main(officer.page).getByRole('button', { name: 'Salva come nuova versione' }).click();
  await officer.context.close();
  const manager = await person('records_manager');
  await manager.page.goto(`${demo.address}/register/emergency`);
  await main(manager.page).getByLabel('Provvedimento che autorizza').fill('Det. di prova 1/2026');
  await main(manager.page).getByLabel('Causa dell’interruzione').fill('Prova delle pagine');
  await main(manager.page).getByRole('button', { name: 'Apri il registro di emergenza' }).click();
  const admin = await person('it_admin');
  await admin.page.goto(`${demo.address}/admin/users`);
  await main(admin.page).getByRole('row', { name: 'Prova Archivista' }).getByRole('button', { name: 'Accesso perduto' }).click();
  await admin.context.close();
  await manager.page.goto(`${demo.address}/admin/users`);
  await main(manager.page).getByRole('button', { name: 'Approva' }).click();
  WALKERS.nobody.push(await main(manager.page).locator('[data-once]', { hasText: '/enter/' }).innerText());
  await manager.context.close();
}

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

/** The route of an address of ours; undefined for an address elsewhere. */
function routeOf(address) {
  const url = new URL(address, demo.address);
  return url.origin === new URL(demo.address).origin ? routes.find((route) => route.pattern.test(url.pathname)) : undefined;
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

/** Looks at the page one stands on, at both widths. */
async function look(page, role, path) {
  const name = `${role}${path.replace(/\W+/g, '-')}`;
  assert.equal(await shots(page, name), false, `${page.url()} scrolls sideways`);
  for (const width of ['phone', 'desk']) {
    await page.setViewportSize(WIDTHS[width]);
    assert.deepEqual(await axeFaults(page), [], `${page.url()} at the width of a ${width}`);
  }
}

/** Follows every kind of link that this person sees, one of each, and looks at each page; answers where it stood. */
async function follow(page, role, starts) {
  const stood = new Map();
  const ways = [...starts];
  for (let address = ways.shift(); address !== undefined; address = ways.shift()) {
    const route = routeOf(address);
    if (!route || stood.has(route.path)) continue;
    const answer = await page.request.get(new URL(address, demo.address).href, { timeout: 60_000 });
    assert.ok(answer.ok(), `${role}: ${address} answers ${answer.status()}`);
    stood.set(route.path, address);
    met.add(route.path);
    // What is the same for everybody is looked at once, by who is not signed in.
    const again = route.access === 'public' && role !== 'nobody';
    if (again || !(answer.headers()['content-type'] ?? '').includes('html') || 'content-disposition' in answer.headers()) continue;
    await page.goto(answer.url());
    await look(page, role, route.path);
    ways.push(...await page.locator('a[href], link[href], script[src]').evaluateAll((all) => all.map((one) => one.href || one.src)));
  }
  return stood;
}

/** Addresses of this person's pages that no link led to: an address they stood on, and the rest of the route. */
function beyond(role, stood) {
  const left = routes.filter((route) => !stood.has(route.path) && !met.has(route.path) && route.roles.includes(role));
  return left.flatMap((route) => {
    const base = [...stood.keys()].filter((path) => route.path.startsWith(`${path}/`) && !route.path.slice(path.length).includes('{'))
      .sort((a, b) => b.length - a.length)[0];
    return base?.includes('{') ? [new URL(stood.get(base), demo.address).pathname + route.path.slice(base.length)] : [];
  });
}

for (const [role, starts] of Object.entries(WALKERS)) {
  test(`${role}: every page one may open holds at both widths, and no link is refused`, async () => {
    const { context, page, complaints } = await person(role);
    const stood = await follow(page, role, [...(role === 'nobody' ? [] : ['/']), ...starts]);
    await follow(page, role, beyond(role, stood));
    assert.deepEqual(complaints, []);
    assert.deepEqual(context.outside, []);
    await context.close();
  });
}

test('no route that gives a page was left out', () => {
  assert.deepEqual(routes.map((route) => route.path).filter((path) => !met.has(path)), []);
});

test('the themes of high contrast and the pages without style hold too, and are remembered', async () => {
  const { context, page } = await person('registry_clerk');
  for (const look of ['Bianco su nero', 'Giallo su nero', 'Nero su bianco', 'Senza stile']) {
    await page.goto(`${demo.address}/register`);
    if (await page.locator('summary', { hasText: 'Aspetto' }).isVisible()) await openMenu(page.getByRole('banner'), 'Aspetto');
    await page.getByRole('link', { name: look }).click();
    // Without style the browser alone decides how large a link is: WCAG 2.5.8 excepts exactly that.
    const except = look === 'Senza stile' ? ['target-size'] : [];
    for await (const path of walk(page, MAIN_PAGES)) {
      assert.deepEqual(await axeFaults(page, except), [], `${path}, ${look}`);
      // Without style a table is as wide as its words: WCAG 1.4.10 excepts what needs two dimensions.
      if (look === 'Senza stile') continue;
      await page.setViewportSize(WIDTHS.phone);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${path} scrolls sideways, ${look}`);
      await page.setViewportSize(WIDTHS.desk);
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
