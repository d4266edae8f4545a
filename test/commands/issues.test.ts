/** Sessions of issues: the messages that they get in every state, and what removes them. Their whole life: `test/lives/issue.test.ts`. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  gate,
  ground,
  openGate,
  say,
  script,
  startEngine,
  type TestEngine,
  untilBlocked,
  untilPhase,
  untilStatus,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { issueScene } from '../support/issue-life.ts';

const reference = 'git.example.test/acme/shop#3';
const plan = 'git.example.test-acme-shop-3';

interface Judged {
  readonly engine: TestEngine;
  readonly root: string;
  /** The messages that its agent got, run by run. */
  prompt(run: number): string;
}

/** A session whose agent changes a file each time, and which is judged by that program. */
async function judged(role: 'reviewer' | 'verifier', judge: string, daemon = ''): Promise<Judged> {
  const on = ground();
  git(on.repo, 'remote', 'add', 'origin', 'https://git.example.test/acme/shop.git');
  const prompts = join(on.root, 'prompt');
  const work = [
    `n=$(($(cat '${on.root}/count' 2>/dev/null || echo 0) + 1)); echo $n > '${on.root}/count'`,
    `cat "$STATOR_PROMPT_FILE" > '${prompts}'.part && mv '${prompts}'.part '${prompts}'.$n; echo $n > work.txt`,
  ].join('\n');
  const engine = await startEngine({
    on,
    daemon,
    agents: {
      default: { preset: 'sh', attempts: 1 },
      session: { preset: 'command', program: script(join(on.root, 'agent'), work) },
      [role]: { preset: 'command', program: script(join(on.root, 'judge'), judge.replaceAll('ROOT', on.root)) },
    },
  });
  return { engine, root: on.root, prompt: (run) => readFileSync(`${prompts}.${run}`, 'utf8') };
}

it.each(['reviewer', 'verifier'] as const)(
  'a message to a session while its %s works is still carried out',
  async (role) => {
    const { engine, root, prompt } = await judged(role, gate('ROOT/go'));
    await engine.client.startIssue({ reference, message: 'begin' });
    await untilStatus(engine, plan, role === 'reviewer' ? 'reviewing' : 'verifying');
    const told = engine.client.continueIssue({ reference, message: 'and the footer' });
    await untilPhase(engine, plan, 'fixing');
    openGate(join(root, 'go'));
    expect(await told).toMatchObject({ status: 'started' });
    await untilStatus(engine, plan, 'done');
    expect(prompt(2)).toContain('and the footer');
  },
);

it('a message to a session whose review came to no verdict is still carried out; without a message the review is tried again', async () => {
  const { engine, root, prompt } = await judged('reviewer', "[ -e 'ROOT/go' ] || exit 3");
  await engine.client.startIssue({ reference, message: 'begin' });
  await untilBlocked(engine, plan);
  expect(await engine.client.continueIssue({ reference })).toMatchObject({
    status: 'told',
    notes: [expect.stringContaining('tried again')],
  });
  await untilBlocked(engine, plan);
  expect(await engine.client.continueIssue({ reference, message: 'and the footer' })).toMatchObject({
    status: 'started',
  });
  openGate(join(root, 'go'));
  await until(() => existsSync(join(root, 'prompt.2')));
  expect(prompt(2)).toContain('and the footer');
});

it('a person who asks for more allows the round that it takes', async () => {
  const { engine, prompt } = await judged('reviewer', 'exit 1', 'auto_review_fix = false\n');
  await engine.client.startIssue({ reference, message: 'begin' });
  expect((await untilBlocked(engine, plan)).blocked?.reason).toContain('auto_review_fix is off');
  expect(await engine.client.continueIssue({ reference, message: 'as it says' })).toMatchObject({ status: 'started' });
  expect((await untilBlocked(engine, plan)).blocked?.source).toBe('review');
  expect(prompt(2)).toContain('as it says');
});

it('a session whose agent failed names it as it is called, and goes on', async () => {
  const on = ground();
  git(on.repo, 'remote', 'add', 'origin', 'https://git.example.test/acme/shop.git');
  const engine = await startEngine({ on });
  await engine.client.startIssue({ reference, message: `\`\`\`sh\n[ -e '${on.root}/go' ] && echo a > a.txt\n\`\`\`` });
  expect((await untilBlocked(engine, plan)).blocked?.reason).toContain(`stator agent logs ${plan}-session`);
  openGate(join(on.root, 'go'));
  expect(await engine.client.continueIssue({ reference })).toMatchObject({ status: 'started' });
  await untilStatus(engine, plan, 'done');
});

it('a cancelled session goes on with the new message', async () => {
  const { engine, root, prompt } = await judged('reviewer', 'exit 0');
  await engine.client.startIssue({ reference, message: 'begin' });
  await untilStatus(engine, plan, 'done');
  await say(engine, plan, 'cancel');
  await untilStatus(engine, plan, 'cancelled');
  expect(await engine.client.continueIssue({ reference, message: 'after all' })).toMatchObject({ session: { plan } });
  await until(() => existsSync(join(root, 'prompt.2')));
  expect(prompt(2)).toContain('after all');
});

it('a paused session goes on with the new message', async () => {
  const { engine, root, prompt } = await judged('reviewer', 'exit 0');
  await engine.client.startIssue({ reference, message: 'begin' });
  await untilStatus(engine, plan, 'done');
  await say(engine, plan, 'pause');
  expect(await engine.client.continueIssue({ reference, message: 'a little more' })).toMatchObject({
    status: 'started',
  });
  await until(() => existsSync(join(root, 'prompt.2')));
  expect(prompt(2)).toContain('a little more');
});

it('a forge that is down keeps no session from its work, and it says so', async () => {
  const { engine, forge, reference, plan, prompt } = await issueScene('forgejo');
  forge.trouble = () => 'reset';
  const started = await engine.client.startIssue({ reference, message: 'find it' });
  expect(started).toMatchObject({ status: 'started', notes: [expect.stringContaining("without the issue's text")] });
  await untilBlocked(engine, plan);
  expect(prompt(1)).toContain('find it');
  expect(prompt(1)).not.toContain('secret-token');
  await expect(engine.client.commentOnIssue({ reference, text: 'x' })).rejects.toMatchObject({
    code: 'forge_unreachable',
  });
});

it('a session is not taken away under its agent, nor with work that is nowhere else, unless each is said', async () => {
  const on = ground();
  git(on.repo, 'remote', 'add', 'origin', 'https://git.example.test/acme/shop.git');
  // Its deliveries wait for hours, and nothing waits for them.
  const away = async () => {
    throw new Error('away');
  };
  const engine = await startEngine({ on, hooks: { away: { run: away } } });
  const { client } = engine;
  const [begun, go] = [join(on.root, 'begun'), join(on.root, 'go')];
  const work = `echo $$ > '${begun}'; echo a > a.txt; git add a.txt; git commit -qm a; echo b > b.txt; ${gate(go)}`;
  await client.startIssue({ reference, message: `do it\n\n\`\`\`sh\n${work}\n\`\`\`` });
  await until(() => existsSync(begun));
  const worktree = join(on.repo, '.worktrees', plan);
  await until(() => existsSync(join(worktree, 'b.txt')));
  const against = async (overrides: ('running' | 'uncommitted' | 'unpushed')[]) =>
    client.destroyIssue({ reference, overrides }).then(
      () => [],
      (thrown: Error) => thrown.message.split('\n'),
    );
  expect(await against([])).toHaveLength(3);
  expect(await against(['running', 'unpushed'])).toEqual([`1 file is uncommitted in ${worktree}`]);
  expect(await against(['uncommitted', 'unpushed'])).toEqual([expect.stringContaining('its agent is at work')]);
  expect(await against(['running', 'uncommitted'])).toEqual([expect.stringContaining('on no remote')]);
  // What git cannot count may be nowhere else.
  const broken = join(on.repo, '.git', 'refs', 'remotes', 'origin', 'broken');
  mkdirSync(join(broken, '..'), { recursive: true });
  writeFileSync(broken, '1'.repeat(40));
  expect(await against(['running', 'uncommitted'])).toEqual([expect.stringContaining('is not known')]);
  rmSync(broken);
  expect(existsSync(worktree)).toBe(true);
  expect(await client.destroyIssue({ reference, force: true })).toMatchObject({ status: 'destroyed' });
  expect([existsSync(worktree), await client.issues()]).toEqual([false, []]);
  openGate(go);
});

it('a session that waits for its slot leaves nothing in the queue when it is destroyed', async () => {
  const on = ground();
  git(on.repo, 'remote', 'add', 'origin', 'https://git.example.test/acme/shop.git');
  const go = join(on.root, 'go');
  const engine = await startEngine({
    on,
    daemon: 'max_agents = 1\n',
    agents: { default: { preset: 'command', program: script(join(on.root, 'agent'), gate(go)) } },
  });
  const { client } = engine;
  await client.startIssue({ reference, message: 'takes the slot' });
  const waiting = 'git.example.test/acme/shop#4';
  await client.enqueueIssue({ reference: waiting, message: 'waits' });
  await until(async () => (await client.queue()).length === 2);
  await client.destroyIssue({ reference: waiting, force: true });
  const open = (await client.queue()).filter(({ state }) => state !== 'completed');
  expect(open.map(({ plan: of }) => of)).toEqual([plan]);
  openGate(go);
});
