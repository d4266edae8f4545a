/** Sessions of issues as a person types them, and twenty people who type at once. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Terminal, terminal } from '../support/cli.ts';
import { gate, startDaemonHere } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { expectProse, expectRefusal } from '../support/prose.ts';
import { openPty } from '../support/pty.ts';

const agents =
  '[agents.default]\npreset = "sh"\nattempts = 1\n[agents.reviewer]\nenabled = false\n[agents.planner]\nenabled = false\n';
const on = 'git.example.test/acme/shop';

/** A terminal in a repo with a remote, registered, under a daemon. */
async function working(): Promise<Terminal> {
  const made = terminal();
  made.write('.stator/config.toml', agents);
  git(made.repo, 'add', '-A');
  git(made.repo, 'commit', '-qm', 'agents');
  git(made.repo, 'remote', 'add', 'origin', `https://${on}.git`);
  expect(await made.stator(['repo', 'add', '.', '--trust'])).toMatchObject({ code: 0 });
  return made;
}

function sh(script: string): string {
  return `do it\n\n\`\`\`sh\n${script}\n\`\`\``;
}

it('R3, R11: of twenty starts of a session at once with three free slots three start, and seventeen make nothing', async () => {
  const made = await working();
  expect(await made.stator(['daemon', 'start'])).toMatchObject({ code: 0 });
  const go = join(made.root, 'go');
  const message = sh(`${gate(go)}; echo a > "$STATOR_TITLE"`);
  try {
    const numbers = Array.from({ length: 20 }, (_, index) => index + 1);
    const ended = await Promise.all(
      numbers.map((number) => made.stator(['issue', 'start', `${on}#${number}`, message])),
    );
    const codes = ended.map(({ code }) => code);
    expect([codes.filter((code) => code === 0).length, codes.filter((code) => code === 2).length]).toEqual([3, 17]);
    expect(ended.find(({ code }) => code === 2)?.stderr).toContain('limit reached');
    const worktrees = readdirSync(join(made.repo, '.worktrees')).filter((name) => name.startsWith('git.example.test-'));
    expect(worktrees).toHaveLength(3);
    const branches = git(made.repo, 'branch', '--list', 'fix/issue-*', '--format=%(refname:short)').split('\n');
    expect(branches.filter((name) => name !== '')).toHaveLength(3);
    const listed = JSON.parse((await made.stator(['issue', 'list', '--json'])).stdout);
    expect(listed).toHaveLength(3);
    expect(JSON.parse((await made.stator(['plan', 'list', '--json'])).stdout)).toHaveLength(3);
    // One more waits where it is told to, and is begun by the slot that becomes free.
    expect(await made.stator(['issue', 'start', `${on}#99`, message, '--queue'])).toMatchObject({ code: 0 });
    writeFileSync(go, '');
    await until(async () => {
      const all = JSON.parse((await made.stator(['issue', 'list', '--json'])).stdout) as { status: string }[];
      return all.length === 4 && all.every(({ status }) => status === 'done');
    });
  } finally {
    writeFileSync(go, '');
    await made.stator(['daemon', 'stop', '--agents']);
  }
});

it('an invalid reference, or one of an unregistered repo, creates nothing and is refused with the valid ones', async () => {
  const made = await working();
  const said = async (...words: string[]) => {
    const { code, stderr } = await made.stator(words);
    return [code, stderr] as const;
  };
  const forms = ['shop-12', '#12', 'acme/shop', 'acme/shop#0', 'acme/shop#-1', 'acme/shop#three', `https://${on}`, ''];
  const texts: string[] = [];
  for (const form of forms) {
    const [badCode, badText] = await said('issue', 'start', form, 'x');
    expect([form, badCode]).toEqual([form, 1]);
    texts.push(badText);
  }
  const named = forms.filter((form) => form !== '').map((form) => `"${form}" `);
  expectProse(texts.join('\n'), ...named, 'owner/repo#12');
  expect((await said('queue', 'enqueue', 'shop#three', 'x'))[0]).toBe(64);
  expect((await said('issue', 'continue', 'shop#three'))[0]).toBe(1);
  expect((await said('issue', 'destroy', '--yes', 'shop#three'))[0]).toBe(64);
  const [emptyCode, emptyText] = await said('issue', 'start', `${on}#1`, '');
  expect(emptyCode).toBe(1);
  expectRefusal(emptyText);
  const [otherCode, otherText] = await said('issue', 'start', 'https://git.example.test/acme/other/issues/1', 'x');
  expect(otherCode).toBe(1);
  expectRefusal(otherText, 'git.example.test/acme/other', on);
  const [forgeCode, forgeText] = await said('issue', 'start', `${on}#1`, sh('true'), 'https://forge.test/a/b/pull/1');
  expect(forgeCode).toBe(1);
  expectRefusal(forgeText, 'forge.test');
  const [prCode] = await said('issue', 'start', `${on}#1`, sh('true'), 'not an address');
  expect(prCode).toBe(1);
  const [agentCode, agentText] = await said('issue', 'start', `${on}#1`, 'nothing that a shell could run');
  expect(agentCode).toBe(1);
  expectRefusal(agentText, ' sh ');
  expect((await made.stator(['issue', 'list', '--json'])).stdout).toBe('[]\n');
  expect((await made.stator(['plan', 'list', '--json'])).stdout).toBe('[]\n');
  expect(existsSync(join(made.repo, '.worktrees'))).toBe(false);
});

it('two registered repos with one remote are told apart by --project', async () => {
  const made = await working();
  const twin = join(made.root, 'twin');
  git(made.root, 'clone', '-q', made.repo, twin);
  for (const [key, value] of [
    ['user.name', 'Ada'],
    ['user.email', 'ada@example.test'],
  ] as const)
    git(twin, 'config', key, value);
  git(twin, 'remote', 'set-url', 'origin', `git@git.example.test:acme/shop.git`);
  expect(await made.stator(['repo', 'add', twin, '--trust'])).toMatchObject({ code: 0 });
  const both = await made.stator(['issue', 'start', `${on}#1`, sh('true')]);
  expect(both.code).toBe(1);
  expectRefusal(both.stderr, '--project');
  const one = await made.stator(['issue', 'start', `${on}#1`, sh('true'), '--project', 'twin', '--json']);
  // No engine runs: it waits for one, which nobody has asked for.
  expect([one.code, JSON.parse(one.stdout)]).toMatchObject([1, { status: 'queued', session: { project: 'twin' } }]);
  const handed = await made.stator(['delegate', `${on}#2 ${sh('true')}`, '--project', 'twin', '--json']);
  expect([handed.code, JSON.parse(handed.stdout)]).toMatchObject([0, { session: { project: 'twin' } }]);
});

it('delegate without an issue works in the repo of the current folder, and outside of any repo shows the valid forms', async () => {
  const made = await working();
  const here = await made.stator(['delegate', sh('echo a > a.txt'), '--json']);
  expect([here.code, JSON.parse(here.stdout)]).toMatchObject([0, { status: 'queued', session: { reference: null } }]);
  const nowhere = await made.stator(['delegate', 'do something'], { cwd: made.root });
  expect(nowhere.code).toBe(64);
  expectRefusal(nowhere.stderr, 'owner/repo#12');
  const named = await made.stator(['queue', 'enqueue', `${on}#7`, sh('true'), '--json'], { cwd: made.root });
  expect(JSON.parse(named.stdout)).toMatchObject({ status: 'queued', session: { branch: 'fix/issue-7' } });
});

it('a start where no engine runs ends with 1 and says what starts its agent; with --queue it may wait, and ends with 0', async () => {
  const made = await working();
  const start = await made.stator(['issue', 'start', `${on}#1`, sh('true')]);
  expect([start.code, start.stdout.startsWith('queued: ')]).toEqual([1, true]);
  expect(start.stderr).toContain('stator daemon start');
  expect((await made.stator(['issue', 'start', `${on}#2`, sh('true'), '--queue'])).code).toBe(0);
  // The printed command works where it is printed: outside of any repo it names the project.
  const outside = { cwd: made.root };
  const away = await made.stator(['issue', 'start', `${on}#3`, sh('true'), '--queue'], outside);
  const [, command = ''] = /what it waits for: stator (.*)/.exec(away.stdout) ?? [];
  expect((await made.stator(command.split(' '), outside)).stdout).toContain('waits for');
});

it('a session that goes on where no engine runs ends with 1; with --queue it may wait, and ends with 0', async () => {
  const made = await working();
  const { engine } = await startDaemonHere(made);
  for (const number of [1, 2])
    expect((await made.stator(['issue', 'start', `${on}#${number}`, sh('echo work > work.txt')])).code).toBe(0);
  await until(async () => {
    const sessions = JSON.parse((await made.stator(['issue', 'list', '--json'])).stdout) as { status: string }[];
    return sessions.length === 2 && sessions.every(({ status }) => status === 'done');
  });
  await engine.stop();
  const went = async (...words: string[]) => {
    const { code, stdout } = await made.stator(['issue', 'continue', ...words]);
    return [code, stdout.split(':')[0]];
  };
  expect(await went(`${on}#1`, sh('true'))).toEqual([1, 'queued']);
  expect(await went(`${on}#2`, sh('true'), '--queue')).toEqual([0, 'queued']);
  // It already waits, and gets the message.
  expect(await went(`${on}#2`, 'one thing more')).toEqual([0, 'told']);
  expect(await went(`${on}#2`)).toEqual([0, 'no message was sent']);
});

it('a start on a terminal where no engine runs offers to start the daemon, and then its agent works', async () => {
  const made = await working();
  const main = join(import.meta.dirname, '../../dist/bin/stator.js');
  const type = (...args: string[]) => openPty(process.execPath, [main, ...args], { cwd: made.repo, env: made.env });
  const no = type('issue', 'start', `${on}#1`, sh('true'));
  await no.until('start the daemon now?');
  expect(no.text()).toContain('no engine runs: its agent would wait until one is started');
  no.type('\r');
  expect(await no.ended).toBe(1);
  const yes = type('issue', 'start', `${on}#2`, sh('echo a > a.txt'));
  await yes.until('start the daemon now?');
  yes.type('y');
  try {
    expect(await yes.ended).toBe(0);
    expect(yes.text()).toMatch(/daemon started \(pid \d+, 1 repo\)/);
    expect(yes.text()).toContain('started: ');
  } finally {
    expect((await made.stator(['daemon', 'stop', '--agents'])).code).toBe(0);
  }
});

const asked = [`${on}#1`, 'do it'];
const wrongs: readonly {
  readonly what: string;
  readonly code: string;
  readonly words?: readonly string[];
  readonly env?: (made: Terminal) => NodeJS.ProcessEnv;
  spoil?(made: Terminal): void;
}[] = [
  { what: 'an unknown flag', code: 'usage', words: [...asked, '--quue'] },
  { what: 'a word too many', code: 'usage', words: [...asked, 'https://a.example/1', 'more'] },
  { what: 'a reference that is none', code: 'usage', words: ['not an issue', 'do it'] },
  { what: 'an unknown forge', code: 'not_found', words: ['nowhere.example/acme/shop#1', 'do it'] },
  { what: 'an unknown repo', code: 'repo_not_found', words: [...asked, '--project', 'nope'] },
  {
    what: 'a broken daemon.toml',
    code: 'bad_config',
    spoil: ({ home }) => writeFileSync(join(home, 'daemon.toml'), 'max_agents = "three"\n'),
  },
  {
    what: 'a store that is no database',
    code: 'store_corrupt',
    spoil: ({ home }) => writeFileSync(join(home, 'taskstore.db'), 'nonsense'.repeat(200)),
  },
  {
    what: 'a home that is a file',
    code: 'home_unusable',
    env: ({ repo }) => ({ STATOR_HOME: join(repo, 'README.md') }),
  },
];
it.each(wrongs)(
  'issue start and issue continue end with 1 for $what, and say which kind of failure it is',
  async (wrong) => {
    const made = await working();
    wrong.spoil?.(made);
    for (const verb of ['start', 'continue']) {
      const how = { env: wrong.env?.(made) ?? {} };
      const ended = await made.stator(['issue', verb, ...(wrong.words ?? asked), '--json'], how);
      expect([ended.code, JSON.parse(ended.stderr)]).toMatchObject([1, { code: wrong.code }]);
    }
  },
);
