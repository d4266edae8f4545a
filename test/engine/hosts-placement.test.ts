/** Plans that name a host: their repo goes there, and where it cannot the plan waits and says for what. */
import { appendFileSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planOf } from '../support/cli.ts';
import { daemonGround, shAgents } from '../support/daemon.ts';
import { git, until } from '../support/ground.ts';
import { type Host, hostHere, hostsGround, must, register, remoteOf, statusOf, taker } from '../support/hosts.ts';

const { emptyStore } = await hostsGround();

/** A plan whose agents write the host that they run on, to a file for all hosts. */
function planFor(host: string, runs: string): string {
  return planOf([`echo "$PWD" >> ${runs}`]).replace('# A plan\n', `# A plan\n\n**Host:** ${host}\n`);
}

async function begin(host: Host, plan: string, document: string): Promise<void> {
  writeFileSync(join(host.path, `${plan}.md`), document);
  await must(host.ask('plan', 'register', `${plan}.md`, '--trust', '--start'));
}

it('a plan for another host waits for what runs in its repo, then goes there by itself with the repo', async () => {
  const url = await emptyStore();
  const [a, b] = [await taker(url, 'a', hostHere), await taker(url, 'b')];
  remoteOf(a);
  await must(a.ask('repo', 'trust', a.project));
  const folder = mkdtempSync(join(tmpdir(), 'stator-placement-'));
  const [gate, begun, runs] = ['gate', 'begun', 'runs'].map((name) => join(folder, name)) as [string, string, string];
  await register(a, 'first', [[`touch ${begun}; while [ ! -e ${gate} ]; do sleep 0.1; done; echo 1 > one.txt`]]);
  await until(() => existsSync(begun));
  await begin(a, 'second', planFor('of-b', runs));
  const explain = (asked: Host) => must(asked.ask('plan', 'explain', 'second', '--project', a.project));
  // The repo is not taken from agents that run, and a request for it says what it waits for.
  for (const asked of [a, b])
    await until(
      async () => /the host of-b, and its repo is on a; it /.test(await explain(asked)),
      () => explain(asked),
    );
  expect(existsSync(runs)).toBe(false);
  appendFileSync(gate, '');
  await until(
    async () => (await statusOf(b, a, 'second')) === 'done',
    () => explain(b),
  );
  expect(readFileSync(runs, 'utf8')).toContain(join(b.clones, a.project));
  const repo = (await b.client().repos()).find(({ project }) => project === a.project);
  expect(repo?.host).toBe('b');
  expect(git(join(b.clones, a.project), 'show', 'plan/second:w1t1.txt').trim()).toBe('made');
  // Where plan `first` ends does not matter; that it ends does.
  await until(async () => (await statusOf(a, a, 'first')) === 'done');

  // No host is called so: it waits, and says what to do.
  writeFileSync(join(b.path, 'third.md'), planFor('nowhere', runs));
  await must(b.ask('plan', 'register', 'third.md', '--trust', '--start'));
  await until(async () =>
    /no host of that name or label is alive/.test(
      await must(a.ask('plan', 'explain', 'third', '--project', b.project)),
    ),
  );
  expect(await must(a.ask('plan', 'verify', '--all', '--json'))).toContain('"ok":true');
});

it('on one machine a plan for a host waits until the machine is called so', async () => {
  const ground = daemonGround(shAgents);
  expect(await ground.stator(['daemon', 'start'])).toMatchObject({ code: 0 });
  await ground.client().addRepo(ground.repo, { trust: true });
  const runs = join(ground.root, 'runs');
  writeFileSync(join(ground.repo, 'p.md'), planFor('gpu', runs));
  expect(await ground.stator(['plan', 'register', 'p.md', '--start'])).toMatchObject({ code: 0 });
  const explain = async () => (await ground.stator(['plan', 'explain', 'p'])).stdout;
  await until(async () => /the host gpu, and this one is .*; give it that label/.test(await explain()), explain);
  expect(existsSync(runs)).toBe(false);
  ground.configure(`${shAgents}[host]\nlabels = ["gpu"]\n`);
  expect(await ground.stator(['daemon', 'restart'])).toMatchObject({ code: 0 });
  await until(() => existsSync(runs), explain);
});
