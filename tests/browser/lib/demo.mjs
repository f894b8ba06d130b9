// Starts the built server's demo for one file of journeys, on a free port and a folder of its own, and stops it after.
// `TELAIO_BINARY` names the program (default: the debug build); nothing of the person's own demo data is touched.
import { spawn, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const binary = process.env.TELAIO_BINARY ?? path.join(root, 'target/debug/telaio');
const START_LIMIT_MS = 120_000;

/** A running demo: its address, its accounts, and how to end it. */
export async function startDemo(options = []) {
  const data = fs.mkdtempSync(path.join(os.tmpdir(), 'telaio-journey-'));
  const server = spawn(binary, ['demo', '--listen', '127.0.0.1:0', '--data', data, '--seed', '1', ...options],
    { stdio: ['ignore', 'pipe', 'pipe'] });
  const log = [];
  const address = await ready(server, log);
  const accounts = JSON.parse(execFileSync(binary, ['accounts', '--data', data, '--json'], { encoding: 'utf8' }));
  return {
    address,
    accounts,
    data,
    log,
    /** The first account of a role, in a body when one is named. */
    account(role, body) {
      const found = accounts.find((one) => one.roles.includes(role) && (body === undefined || one.body === body));
      if (!found) throw new Error(`no account with the role ${role} in ${body ?? 'any body'}`);
      return found;
    },
    /** A token of the API for an account, as `telaio token` gives it. */
    token: (user) => execFileSync(binary, ['token', '--user', user, '--data', data], { encoding: 'utf8' }).trim(),
    /** Every route of the server with who may knock, as `telaio routes` tells it. */
    routes: () => JSON.parse(execFileSync(binary, ['routes', '--json'], { encoding: 'utf8' })),
    async stop() {
      // A server that is gone before it was told to go is a fault, whatever the pages said.
      if (server.exitCode !== null || server.signalCode !== null) {
        throw new Error(`the demo ended by itself (${server.exitCode ?? server.signalCode}):\n${log.slice(-20).join('')}`);
      }
      const ended = new Promise((resolve) => server.once('exit', resolve));
      server.kill('SIGTERM');
      await ended;
      fs.rmSync(data, { recursive: true, force: true });
    },
  };
}

/** Resolves with the address that the server prints once it is ready. */
function ready(server, log) {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error(`not ready in time:\n${log.join('')}`)), START_LIMIT_MS);
    const read = (piece) => {
      log.push(piece.toString());
      const found = log.join('').match(/listening on (http:\/\/\S+)/);
      if (found) { clearTimeout(limit); resolve(found[1].replace(/\/$/, '')); }
    };
    server.stdout.on('data', read);
    server.stderr.on('data', read);
    server.once('exit', (code) => { clearTimeout(limit); reject(new Error(`the demo ended (${code}):\n${log.join('')}`)); });
  });
}
