/** Hosts of two versions: the newer one changes the schema of the store that they share. */
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildVersion, earlierVersions } from '../support/earlier-version.ts';
import { until } from '../support/ground.ts';
import { type Host, hostOn, hostsGround, must, register, statusOf } from '../support/hosts.ts';

/** null as long as the first schema has not been changed. */
const { upgradable: commit } = earlierVersions('runtime/core/store/postgres/schema.ts');
const { emptyStore } = await hostsGround();
let root = '';
let old = '';

beforeAll(() => {
  if (commit === null) return;
  root = mkdtempSync(join(tmpdir(), 'stator-rolling-'));
  old = buildVersion(commit, join(root, 'sources'));
}, 300_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

it.skipIf(commit === null)(
  'hosts are upgraded one at a time: the new schema waits for the last old one',
  async () => {
    const url = await emptyStore();
    const [a, b] = [await hostOn(url, 'a', { program: old }), await hostOn(url, 'b', { program: old })];
    const gate = join(root, 'gate');
    for (const host of [a, b]) {
      const wait = `while [ ! -e ${gate} ]; do sleep 0.1; done`;
      await register(host, 'p', [
        [`echo ${host.name} >> ${root}/runs; ${wait}; echo one > one.txt`],
        ['echo two > two.txt'],
      ]);
    }
    const runs = () =>
      existsSync(join(root, 'runs')) ? readFileSync(join(root, 'runs'), 'utf8').trim().split('\n') : [];
    await until(() => runs().length === 2);

    const upgraded = async (host: Host) => {
      await must(host.ask('daemon', 'stop'));
      return host.stator(['daemon', 'start'], { cwd: host.path });
    };
    const first = await upgraded(a);
    expect(`${first.stdout}${first.stderr}`).toContain('engine of');
    const waiting = async () => (await a.client().status()).waiting;
    await until(async () => (await waiting().catch(() => null))?.includes('on b') === true);
    // The older one works on, and sees that the other is away.
    expect(await must(b.ask('plan', 'list'))).toContain('p');
    await upgraded(b);
    for (const host of [a, b])
      await until(
        async () =>
          (
            await host
              .client()
              .status()
              .catch(() => null)
          )?.waiting === null,
      );
    appendFileSync(gate, '');
    for (const host of [a, b]) await until(async () => (await statusOf(a, host, 'p')) === 'done');
    // Each agent went on over the upgrade.
    expect(runs().sort()).toEqual(['a', 'b']);
    expect(await a.stator(['plan', 'verify', '--all'], { cwd: a.path })).toMatchObject({ code: 0 });
    // The older version leaves the store as it is.
    await must(b.stator(['daemon', 'stop'], { cwd: b.path }));
    expect(await b.ask('daemon', 'start')).toMatchObject({ code: 78, stderr: expect.stringContaining('newer') });
  },
  240_000,
);
