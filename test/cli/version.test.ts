/** A verb beside an engine of another version, which answers what this one does not expect. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { acquireOwner } from '../../runtime/core/store/sqlite/owner.ts';
import { terminal } from '../support/cli.ts';
import { afterwards } from '../support/engine.ts';
import { expectRefusal, expectRefusalJson } from '../support/prose.ts';

/** An engine of that version owns the home; null: one that does not say its version yet. It answers every question in the same way. */
async function beside(version: string | null, answer: { status: number; body: unknown }, build?: string) {
  const made = terminal();
  mkdirSync(made.home, { mode: 0o700 });
  const owner = await acquireOwner(made.home, { kind: 'daemon', nowMs: () => Date.now() });
  afterwards(() => owner.release());
  const socketPath = join(made.root, 's.sock');
  const server = createServer((request, response) => {
    const { status, body } = request.url?.startsWith('/v1/ping') ? { status: 200, body: {} } : answer;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  afterwards(() => new Promise<void>((resolve) => void server.close(() => resolve())));
  owner.publish({ socketPath });
  const file = join(made.home, 'owner.json');
  const { version: _own, ...facts } = JSON.parse(readFileSync(file, 'utf8'));
  const other = build === undefined ? {} : { build };
  writeFileSync(file, JSON.stringify(version === null ? facts : { ...facts, ...other, version }));
  return made;
}

it.each([
  ['an answer that it cannot read', { status: 200, body: { entries: [] } }],
  ['a code that it does not know', { status: 418, body: { error: 'no', code: 'teapot', hint: 'no' } }],
  [
    'a route that is not there',
    { status: 404, body: { error: 'no route GET /v1/plans', code: 'not_found', hint: '' } },
  ],
])('%s is reported with both versions, and how to go on', async (_what, answer) => {
  const newer = await (await beside('99.0.0', answer)).stator(['plan', 'list']);
  expect(newer.code, newer.stderr).toBe(69);
  // This version adds what it read of the answer, in brackets.
  expectRefusal(newer.stderr.replace(/ \([^()]*\)$/m, ''), `pid ${process.pid}`, '99.0.0', 'stator daemon restart');
});

it('an engine that does not say its version is an older one', async () => {
  const made = await beside(null, { status: 418, body: { error: 'no', code: 'teapot', hint: 'no' } });
  const { code, stderr } = await made.stator(['plan', 'list', '--json']);
  expect(code).toBe(69);
  expectRefusalJson(stderr, 'other_version', `pid ${process.pid}`);
});

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));

it.each([
  ['is not there', ['plan', 'list'], { entries: [] }],
  ['is there and lacks a number', ['gc', '--dry-run'], { dry: true, items: [], rows: [] }],
])(
  'an answer whose required part %s, from another build of the same version, is reported with both builds',
  async (_what, words, body) => {
    const made = await beside(version, { status: 200, body }, 'abcabcabcabc');
    const { code, stdout, stderr } = await made.stator(words);
    expect({ code, stdout }, stderr).toEqual({ code: 69, stdout: '' });
    expect(stderr).toContain('build abcabcabcabc of version');
    expect(stderr).toContain('stator daemon restart');
    const json = await made.stator([...words, '--json']);
    expect(JSON.parse(json.stderr)).toMatchObject({ code: 'other_version' });
  },
);

it('daemon status beside another build answers, and says what to do', async () => {
  const status = { running: true, uptime: 3, pid: 1, repo_count: 0, repos: [], instances: [], waiting: null };
  const body = { ...status, problems: [], notes: [], warnings: [], forges: [], accounts: [] };
  const made = await beside(version, { status: 200, body }, 'abcabcabcabc');
  const { code, stdout } = await made.stator(['daemon', 'status']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^note: the daemon is build abcabcabcabc .*: stator daemon restart$/m);
});

it('a bug beside an engine of this version is still a bug', async () => {
  const made = await beside(version, { status: 200, body: { entries: [] } });
  const { code, stderr } = await made.stator(['plan', 'list']);
  expect({ code, stderr }).toEqual({ code: 70, stderr: expect.stringContaining(join(made.home, 'reports')) });
});
