// The examples of docs/examples against the demo: what is printed there is what a reader will see.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import fs from 'node:fs';
import path from 'node:path';
import { startDemo } from '../lib/demo.mjs';

const folder = path.resolve(import.meta.dirname, '../../../docs/examples');
let demo, environment, letter;

before(async () => {
  demo = await startDemo();
  letter = path.join(demo.data, 'letter.txt');
  fs.writeFileSync(letter, 'Lettera di prova');
  environment = { ...process.env, TELAIO: demo.address, TOKEN: demo.token('protocollo.comune.prato') };
});
after(async () => { await demo?.stop(); });

const run = (script, ...words) => execFileSync('sh', [path.join(folder, script), ...words], { env: environment, encoding: 'utf8' });
const runAs = (user, script, ...words) =>
  execFileSync('sh', [path.join(folder, script), ...words], { env: { ...environment, TOKEN: demo.token(user) }, encoding: 'utf8' });

test('a file is registered once, however often it is sent, and found again', () => {
  const first = run('register.sh', letter);
  assert.match(first, /^\d{7}\/\d{4} reg_[0-9a-f]{32}\n$/);
  assert.equal(run('register.sh', letter), first);
  const number = first.split(' ')[0];
  assert.ok(run('search.sh', 'dagli esempi').split('\n').some((line) => line.startsWith(`${number},`)));
});

test('the main job by the interface alone: registered, put into a dossier, answered under seal, delivered', () => {
  const entry = run('register.sh', letter).trim().split(' ')[1];
  const first = runAs('istruttore.comune.prato', 'answer.sh', entry, 'c_b626');
  assert.match(first, /^\d{7}\/\d{4} delivered\n$/);
  assert.equal(runAs('istruttore.comune.prato', 'answer.sh', entry, 'c_b626'), first);
});

test('a file that nobody issued is told to be unknown', () => {
  assert.equal(JSON.parse(run('verify.sh', letter)).answer, 'unknown');
});
