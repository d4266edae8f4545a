/** Hooks that are written wrong: each is said with its place wherever a configuration is read, it alone is off, and the others go on. */
import { expect, test } from 'vitest';
import { planOf, working } from '../support/cli.ts';
import { startDaemonHere } from '../support/engine.ts';
import { expectProse, expectRefusal } from '../support/prose.ts';

const wrong = `[agents.default]
preset = "sh"
attempts = 1
[[hooks]]
type = "webhok"
url = "https://x.test"
[[hooks]]
type = "command"
name = "good"
command = 'test "$STATOR_HOOK_EVENT" = implement_start'
events = ["implement_start"]
[[hooks]]
type = "webhook"
url = "ftp://x.test/"
[[hooks]]
type = "webhook"
[[hooks]]
type = "command"
command = " "
[[hooks]]
type = "notify"
events = ["review_aproved"]
[[hooks]]
type = "webhook"
name = "signed"
url = "https://x.test/"
secret = "env:NOT_SET_HERE"
events = ["cancel"]
[[hooks]]
type = "webhook"
url = "https://x.test/"
secret = []
[[hooks]]
type = "webhook"
name = "inside"
url = "http://127.0.0.1:9/"
events = ["cancel"]
`;
const places = [
  'line 5: hooks[1].type: ',
  'line 14: hooks[3].url: ',
  ': hooks[4].url: ',
  'line 19: hooks[5].command: ',
  'line 22: hooks[6].events[1]: ',
  'the hook inside is off: http://127.0.0.1:9 ',
  'NOT_SET_HERE',
  'line 32: hooks[8].secret: found a list of 0; accepted: "env:NAME"',
];

/** The lines about hooks, one for each place, wherever a line of the output begins. */
function ofHooks(text: string): string {
  const lines = text
    .split('\n')
    .flatMap((line) => /line \d+: hooks\[.*|the hook (?:signed|inside) .*/.exec(line)?.[0] ?? []);
  return lines.join('\n');
}

test('is said by `repo add`, `doctor` and `repo show`; only those hooks are off', async () => {
  const made = working();
  made.write('.stator/config.toml', wrong);
  const added = await made.stator(['repo', 'add', '.', '--trust']);
  expect(added.code).toBe(0);
  const shown = await made.stator(['repo', 'show', 'demo']);
  const looked = await made.stator(['doctor']);
  const said = ofHooks(`${added.stdout}${added.stderr}`);
  expectProse(said, ...places);
  for (const text of [shown.stdout, looked.stdout]) for (const line of said.split('\n')) expect(text).toContain(line);
  const hooks = JSON.parse((await made.stator(['hook', 'list', '--json'])).stdout) as {
    name?: string;
    hook?: string;
  }[];
  expect(hooks.map(({ name, hook }) => name ?? hook)).toEqual(['good', 'signed', 'inside']);
  made.write('p.md', planOf(['true']));
  expect((await made.stator(['run', 'p.md'])).code).toBe(0);
  const deliveries = JSON.parse((await made.stator(['hook', 'deliveries', '--json'])).stdout);
  expect(deliveries).toMatchObject([{ hook: 'good', event: 'implement_start', state: 'delivered' }]);
});

test('is said when the daemon reads it again, and its exit code says so', async () => {
  const made = working();
  await startDaemonHere(made);
  await made.stator(['daemon', 'add', made.repo, '--trust']);
  expect(await made.stator(['daemon', 'reload'])).toMatchObject({ code: 0 });
  made.write('.stator/config.toml', wrong);
  expect((await made.stator(['repo', 'trust', 'demo'])).code).toBe(0);
  const reloaded = await made.stator(['daemon', 'reload']);
  expect(reloaded.code).toBe(78);
  for (const place of places) expect(`${reloaded.stdout}${reloaded.stderr}`).toContain(place);
});

test('mistakes beside the hooks still count for the whole file', async () => {
  const made = working();
  made.write('.stator/config.toml', `max_agnts = 3\n${wrong}`);
  const refused = await made.stator(['repo', 'add', '.', '--trust']);
  expect(refused.code).toBe(78);
  expectRefusal(refused.stderr.slice(0, refused.stderr.indexOf('line 6: ')), 'line 1: ', 'max_agnts;');
});
