/** `stator report`: what was done, as a person asks in the morning. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planOf } from '../support/cli.ts';
import { daemonGround, shAgents } from '../support/daemon.ts';

it('says what was done, what failed and who needs you; and what is wrong with a time', async () => {
  const made = daemonGround(`${shAgents}[agents.coder]\nattempts = 1\n[agents.reviewer]\nenabled = false\n`);
  const { root, stator } = made;
  expect(await stator(['report'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^since .*: 0 plans, 0 runs, 0 failures\n$/),
  });
  writeFileSync(join(root, 'good.md'), planOf(['echo a > a.txt']));
  writeFileSync(join(root, 'bad.md'), planOf(['echo it broke >&2; exit 3']));
  expect((await stator(['run', join(root, 'good.md'), '--trust'])).code).toBe(0);
  expect((await stator(['run', join(root, 'bad.md')])).code).not.toBe(0);
  const report = await stator(['report', '--since', '1h']);
  expect(report.code).toBe(0);
  expect(report.stdout).toMatch(/^since .*: 2 plans, 2 runs, 1 failure\n\nneeds you:\n {2}demo\/bad: /);
  expect(report.stdout).toMatch(/^demo\/good +done, not merged +1 +you$/m);
  expect(report.stdout).toMatch(/^what failed:\n {2}\d\d:\d\d:\d\d demo\/bad-\S+: ended with an error, it broke$/m);
  expect(report.stdout).toMatch(
    /^who did what:\n(?: {2}.*\n)* {2}\d\d:\d\d:\d\d you: started implementing, demo\/good$/m,
  );
  const { plans } = JSON.parse((await stator(['report', '--json'])).stdout);
  expect(plans).toMatchObject([
    { project: 'demo', plan: 'bad', runs: 1, failures: 1, author: 'person' },
    { plan: 'good', status: 'done', landing: 'not_merged', need: null, failures: 0 },
  ]);
  expect((await stator(['report', '--project', 'other'])).stderr).toContain('no repo "other" is registered');
  expect((await stator(['report', '--project', 'demo'])).stdout).toMatch(/: 2 plans, /);
});

it.each([
  ['yesterday', ''],
  ['25:61', ''],
  ['2999-01-01', ', which is not over yet'],
  ['40d', ', which is more than 31 days ago'],
])('stator report --since %s is refused with what is accepted', async (text, found) => {
  const { stator } = daemonGround('');
  expect(await stator(['report', '--since', text])).toMatchObject({
    code: 64,
    stderr: expect.stringContaining(
      `--since is "${text}"${found}\nhint: give a duration such as 8h or 2d, a time such as 22:00`,
    ),
  });
});

it.each([
  ['2026-03-30T00:30', '22:00', '2026-03-29T20:00'],
  ['2026-10-25T23:30', '23:45', '2026-10-24T21:45'],
])(
  'at %s, after the clocks were changed, stator report --since %s begins on the day before',
  async (now, text, from) => {
    const { stator } = daemonGround('');
    const env = {
      TZ: 'Europe/Berlin',
      NODE_OPTIONS: `--import=data:text/javascript,Date.now=()=>Date.parse('${now}')`,
    };
    const { stdout } = await stator(['report', '--json', '--since', text], { env });
    expect(JSON.parse(stdout).from).toBe(`${from}:00.000Z`);
  },
);
