// Makes the style sheet that pages load: Bootstrap Italia without the rules that no template uses, plus the sprite of
// the icons in use and the Latin fonts. Run by `cargo xtask assets` after `npm ci`; never by the server or by a build
// script of Cargo. Usage: node build.mjs OUT_DIR
//
// What is "in use" is read from templates, scripts and sources, so a class name must stand there whole: write
// `class="btn btn-primary"`, never a name put together from pieces.
import { PurgeCSS } from 'purgecss';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const web = path.dirname(here);
const kit = path.join(here, 'node_modules/bootstrap-italia/dist');
const out = process.argv[2];
if (!out) { console.error('usage: node build.mjs OUT_DIR'); process.exit(2); }
fs.mkdirSync(out, { recursive: true });

const sources = walk(path.join(web, 'templates'), '.html')
  .concat(walk(path.join(web, 'src'), '.rs'))
  .concat(walk(path.join(web, 'assets'), '.js'));
const content = sources.map((file) => ({ raw: fs.readFileSync(file, 'utf8'), extension: 'html' }));

// The kit's fonts come with a script; ours are declared in telaio.css, so its own font faces would only be dead weight.
const raw = fs.readFileSync(path.join(kit, 'css/bootstrap-italia.min.css'), 'utf8')
  .replace(/@font-face\s*{[^}]*}/g, '').replace(/@charset "[^"]*";/g, '').replace(/\/\*#.*?\*\//gs, '');
const [purged] = await new PurgeCSS().purge({
  content,
  css: [{ raw }],
  variables: true,
  keyframes: true,
  safelist: { standard: ['html', 'body'], variables: [/^--bs-(body|font|primary|link|border)/] },
  defaultExtractor: (text) => text.match(/[A-Za-z0-9_-]+/g) ?? [],
});
fs.writeFileSync(path.join(out, 'bootstrap-italia.css'), purged.css);

// One sprite with the icons that templates name (`#it-search`).
const wanted = new Set(content.flatMap(({ raw }) => [...raw.matchAll(/\bit-[a-z0-9-]+/g)].map((m) => m[0])));
const sprite = fs.readFileSync(path.join(kit, 'svg/sprites.svg'), 'utf8');
const symbols = [...sprite.matchAll(/<symbol[^>]*\bid="([^"]+)"[^>]*>.*?<\/symbol>/gs)].filter((m) => wanted.has(m[1]));
fs.writeFileSync(path.join(out, 'icons.svg'),
  `<svg xmlns="http://www.w3.org/2000/svg">${symbols.map((m) => m[0]).join('')}</svg>\n`);

const fonts = {
  'Titillium_Web/titillium-web-v10-latin-ext_latin-regular.woff2': 'titillium-regular.woff2',
  'Titillium_Web/titillium-web-v10-latin-ext_latin-600.woff2': 'titillium-600.woff2',
  'Roboto_Mono/roboto-mono-v13-latin-ext_latin-regular.woff2': 'roboto-mono.woff2',
};
for (const [from, to] of Object.entries(fonts)) fs.copyFileSync(path.join(kit, 'fonts', from), path.join(out, to));

// Licences travel with what they cover.
const notices = [['Bootstrap Italia', path.join(kit, '../LICENSE')], ['Titillium Web', path.join(kit, 'fonts/Titillium_Web/OFL.txt')],
  ['Roboto Mono', path.join(kit, 'fonts/Roboto_Mono/LICENSE.txt')]];
fs.writeFileSync(path.join(out, 'notices.txt'),
  notices.filter(([, file]) => fs.existsSync(file)).map(([name, file]) => `${name}\n\n${fs.readFileSync(file, 'utf8')}`).join('\n\n'));

console.log(`style ${(raw.length / 1024).toFixed(0)} kB -> ${(purged.css.length / 1024).toFixed(0)} kB, ${symbols.length} icons`);

function walk(folder, extension) {
  return fs.readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(extension))
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name)).sort();
}
