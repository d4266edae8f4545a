/** An engine that is killed while it makes a pull request, or has it merged: the next one finds its result, and it happens once. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { createGrounds, type Fault } from '../support/crash.ts';
import { expectJournalToReplay } from '../support/crash-proof.ts';
import { type ForgeServer, type ForgeState, mergeNow, startForge } from '../support/forge-server.ts';
import { Ci, readHead } from '../support/forge-site.ts';
import { git } from '../support/ground.ts';

const grounds = createGrounds();
let forge: ForgeServer | null = null;
afterEach(async () => {
  await grounds.clear();
  await forge?.stop();
});

/** A repo at a forge of this machine, whose pushes go to a bare repository. */
async function atForge(more: string, given: (bare: string) => Partial<ForgeState>) {
  // The work is done when the engine is killed, so a task for each wave is enough.
  const made = grounds.make(undefined, { tasks: [1] });
  const bare = join(made.root, 'bare.git');
  const here = await startForge('github', { token: null, ...given(bare) });
  forge = here;
  git(made.root, 'init', '-q', '--bare', bare);
  git(made.repo, 'remote', 'add', 'origin', `${here.url}/ada/demo.git`);
  git(made.repo, 'config', 'remote.origin.pushurl', bare);
  mkdirSync(made.home, { recursive: true, mode: 0o700 });
  writeFileSync(join(made.home, 'daemon.toml'), `blueprint_skip_threshold = 0\n${more}`);
  writeFileSync(join(made.root, 'forge.env'), 'FORGE_TOKEN=any\n', { mode: 0o600 });
  const server = `name = "here"\nurl = "${here.url}"\nkind = "github"\ntoken = "env:FORGE_TOKEN"\nenv_file = "${join(made.root, 'forge.env')}"\nallow_private = true\n`;
  writeFileSync(join(made.home, 'servers.toml'), `[[servers]]\n${server}`);
  return { made, bare, forge: here };
}

/** Each life is killed where its point is; the next one goes on, and the last one is done. */
async function mergedOnce(hasAuto: boolean, faults: readonly Fault[]) {
  const ci = new Ci(hasAuto ? 'pending' : 'success');
  const { made, bare, forge } = await atForge('[pull_requests]\nmerge = "when-green"\n', (bare) => ({
    headOf: (branch) => readHead(bare, branch),
    statuses: ci,
    required: ['ci'],
    merging: { methods: ['squash'], first: 'squash', hasAuto, approvals: 0, refuses: null },
  }));
  const stood: unknown[] = [];
  for (const fault of faults) {
    const { how, said } = await made.live({ fault, untilMerged: true }).ended;
    expect(how, `${fault.point}\n${said}`).toBe('killed');
    const pull = forge.state.pulls.get(1);
    stood.push(pull === undefined ? null : { state: pull.state, isScheduled: pull.auto !== null });
  }
  ci.become('success');
  const { how, said } = await made.carry({ untilMerged: true });
  expect(how, said).toBe('done');
  const head = git(made.repo, 'rev-parse', `plan/${made.plan}`);
  const request = { head: `plan/${made.plan}`, base: 'main', state: 'merged', mergedBy: { head } };
  expect([...forge.state.pulls.values()]).toMatchObject([request]);
  expect(git(bare, 'rev-parse', `plan/${made.plan}`)).toBe(head);
  await expectJournalToReplay(made.home);
  const calls = (of: RegExp) => forge.asked.filter((line) => of.test(line)).length;
  expect(calls(/^POST \/repos\/ada\/demo\/pulls$/)).toBe(1);
  return { stood, merges: calls(/^PUT .*\/merge$/) };
}

it('before its push, between push and request, after the request, and before and after it has its forge merge that when it is green: there is one request, of the whole work, and the plan is merged, once', async () => {
  const { stood, merges } = await mergedOnce(true, [
    { point: 'plan-pull.before-push', nth: 1 },
    { point: 'plan-pull.after-push', nth: 1 },
    { point: 'plan-pull.after-create', nth: 1 },
    { point: 'pull-merge.before-merge', nth: 1 },
    { point: 'pull-merge.after-merge', nth: 1 },
  ]);
  expect(stood).toEqual([
    null,
    null,
    { state: 'open', isScheduled: false },
    { state: 'open', isScheduled: false },
    { state: 'open', isScheduled: true },
  ]);
  expect(merges).toBe(0);
});

it('before and after it merges the request itself: the plan is merged, once', async () => {
  // It asks first whether the forge does it, and comes there a second time when the request is green.
  const { stood, merges } = await mergedOnce(false, [
    { point: 'pull-merge.before-merge', nth: 2 },
    { point: 'pull-merge.after-merge', nth: 1 },
  ]);
  expect(stood).toEqual([
    { state: 'open', isScheduled: false },
    { state: 'merged', isScheduled: false },
  ]);
  expect(merges).toBe(1);
});

it('between any two steps with a stack, also when people push to it and its lowest has landed: each part has one request, and lands once', async () => {
  const { made, bare, forge } = await atForge('[pull_requests]\nstack = "wave"\n', (bare) => ({
    bare,
    headOf: (branch) => readHead(bare, branch),
    merging: {
      ...{ methods: ['squash'], first: 'squash', hasAuto: true, approvals: 0, refuses: null },
      deletes: 'retargets',
    },
  }));
  git(made.repo, 'push', '-q', bare, 'main');
  const created = () => forge.asked.filter((line) => line === 'POST /repos/ada/demo/pulls').length;
  const dies = async (point: Fault['point'], nth: number) => {
    const { how, said } = await made.live({ fault: { point, nth }, untilMerged: true }).ended;
    expect(how, `${point}\n${said}`).toBe('killed');
  };
  await dies('plan-stack.after-push', 1);
  expect(created()).toBe(0);
  await dies('plan-stack.after-request', 1);
  expect(created()).toBe(1);
  await dies('plan-stack.after-push', 2);
  await dies('plan-stack.after-request', 2);
  const { how, said } = await made.carry();
  expect(how, said).toBe('done');
  const [first, second] = [...forge.state.pulls.values()];
  if (first === undefined || second === undefined) throw new Error('no requests');
  expect([first.base, second.base, created()]).toEqual(['main', 'stack/crash/w1', 2]);
  const clone = join(made.root, 'clone');
  git(made.root, 'clone', '-q', '--branch', first.head, bare, clone);
  const eve = ['-c', 'user.name=eve', '-c', 'user.email=eve@here.test'];
  writeFileSync(join(clone, 'theirs.txt'), 'theirs\n');
  git(clone, 'add', '.');
  git(clone, ...eve, 'commit', '-qm', 'by hand');
  git(clone, 'push', '-q', 'origin', first.head);
  await dies('plan-stack.after-take', 1);
  expect(git(made.repo, 'log', '--author=eve', '--format=%s', 'plan/crash')).toBe('by hand');
  mergeNow(forge.state, first, 'squash', receivingHead(bare, first.head));
  await dies('plan-stack.after-push', 1);
  await dies('plan-stack.after-request', 1);
  mergeNow(forge.state, second, 'squash', receivingHead(bare, second.head));
  const end = await made.carry({ untilMerged: true });
  expect(end.how, end.said).toBe('done');
  expect([forge.state.pulls.size, created()]).toEqual([2, 2]);
  expect(git(bare, 'log', '--format=%s', '--first-parent', 'main').split('\n')).toHaveLength(3);
  expect(git(made.repo, 'log', '--author=eve', '--format=%s', 'plan/crash')).toBe('by hand');
  expect(git(bare, 'rev-parse', 'main^{tree}')).toBe(git(made.repo, 'rev-parse', 'plan/crash^{tree}'));
  await expectJournalToReplay(made.home);
});

const receivingHead = (bare: string, branch: string) => git(bare, 'rev-parse', `refs/heads/${branch}`);
