/**
 * Conflicting plans that land automatically, with a scripted fixer, while their engine is killed: none is lost, none lands twice, and none lands
 * unchecked.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { FaultPoint } from '../../runtime/engine/engine.ts';
import { carriersOf, kill } from './crash.ts';
import { expectJournalToReplay } from './crash-proof.ts';
import { type Carry, createHere, planText } from './engine.ts';
import { conflictsOf, type FakePull, mergeNow, startForge, type Trouble } from './forge-server.ts';
import { Ci, readHead } from './forge-site.ts';
import { type Ground, git, makeGround } from './ground.ts';
import { linkedForges, memberNames } from './linked-forges.ts';
import { randomOf } from './random.ts';

const script = fileURLToPath(new URL('./scripts/landing-engine.mjs', import.meta.url));

interface Trial {
  readonly plans: number;
  /** The engine kills itself at each of these points, once. */
  readonly points: readonly FaultPoint[];
  /** The number of further kills, at random times. */
  readonly kills: number;
  readonly seed: number;
  /**
   * `[landing] batch`. 1: all plans conflict pairwise. More: each third one conflicts, and the second makes the check fail until its fixer has
   * corrected it.
   */
  readonly batch: number;
  /** A forge of that kind merges the pull requests, and often fails; undefined: stator merges with git. */
  readonly forge?: 'github' | 'gitea' | 'gitlab';
  /** People push to its branches by force, and close, edit and merge requests by hand; required checks and approvals come late. */
  readonly hasPeople?: boolean;
}

/** The latest random kill after the engine is ready. */
const momentMs = 1_200;
/** How often people check the forge; each third time they change something. */
const peopleMs = 400;

/** The lines of both sides stay, in the order of their arrival. */
const fixWith = (main: string) => [
  '[ ! -f bad.txt ] || { git rm -q bad.txt && git commit -qm mended; }',
  `git merge -q ${main} && exit`,
  `git show ${main}:same.txt > same.txt`,
  'git show HEAD:same.txt | while read -r line; do grep -qx "$line" same.txt || echo "$line" >> same.txt; done',
  'git add same.txt && git commit -qm "both stand"',
];

export async function landUnderKills(trial: Trial): Promise<void> {
  const on = makeGround();
  try {
    await play(on, trial);
  } finally {
    for (const pid of carriersOf(`STATOR_HOME=${on.home}`)) kill(pid);
    on.remove();
  }
}

/** Plans that declare the same file with `[waves] overlap = "serial"`: however often their engine is killed, no two of them work at the same time. */
export async function claimUnderKills(kills: number, seed: number): Promise<void> {
  const on = makeGround();
  try {
    configure(on, join(on.root, 'passed'), 'true', 1);
    writeFileSync(join(on.repo, '.stator', 'config.toml'), '[landing]\nauto = true\n[waves]\noverlap = "serial"\n');
    const names = ['one', 'two', 'three'];
    const said = join(on.root, 'said');
    const work = (name: string) =>
      `echo "${name} begins" >> ${said}; sleep 0.3; echo ${name} > ${name}.txt; echo "${name} ends" >> ${said}`;
    const document = (name: string) => planText([{ sh: work(name), fields: '**Files:** `src/same.ts`' }]);
    const plans = Object.fromEntries(names.map((name) => [name, document(name)]));
    const agents = { default: { preset: 'sh', attempts: 20, sandbox: 'off' } };
    const options = { home: on.home, repo: on.repo, plans, agents };
    const random = randomOf(seed);
    let isDone = false;
    for (let nth = 0; nth < kills && !isDone; nth += 1)
      isDone = (await life(on, options, Math.floor(random() * momentMs))) === 'done';
    if (!isDone) expect(await life(on, options)).toBe('done');
    const order = readFileSync(said, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[0]);
    const turns = order.filter((name, index) => name !== order[index - 1]);
    expect([...turns].sort(), order.join(' ')).toEqual([...names].sort());
    await expectJournalToReplay(on.home);
  } finally {
    for (const pid of carriersOf(`STATOR_HOME=${on.home}`)) kill(pid);
    on.remove();
  }
}

/**
 * One plan renames something in the file that the other one changes: the second one is updated and reviewed again, and its engine is killed in
 * between.
 */
export async function updateUnderKill(): Promise<void> {
  const on = makeGround();
  try {
    configure(on, join(on.root, 'passed'), 'true', 1);
    const plans = { moved: planText(['git mv README.md READ.md']), edit: planText(['echo more >> README.md']) };
    const looks = join(on.root, 'looks');
    const look = `git log -1 --format=%s >> ${looks}`;
    const reviewer = { preset: 'command', program: '/bin/sh', flags: ['-c', look], attempts: 5, sandbox: 'off' };
    const agents = { default: { preset: 'sh', attempts: 5 }, reviewer };
    const options = { home: on.home, repo: on.repo, plans, agents };
    expect(await life(on, { ...options, fault: { point: 'landing.after-update', nth: 1 } })).toBe('killed');
    expect(await life(on, options)).toBe('done');
    expect(git(on.repo, 'show', 'main:READ.md').split('\n').at(-1)).toBe('more');
    expect(readFileSync(looks, 'utf8')).toMatch(/^Merge main into plan\/(moved|edit)$/m);
    await expectJournalToReplay(on.home);
  } finally {
    for (const pid of carriersOf(`STATOR_HOME=${on.home}`)) kill(pid);
    on.remove();
  }
}

/**
 * Plans that change two repos each, to which other people also commit: each lands once, checked, and in both or in none, however often its engine is
 * killed.
 */
export async function landInMembersUnderKills(
  trial: Pick<Trial, 'plans' | 'points' | 'kills' | 'seed'>,
): Promise<void> {
  const on = makeGround();
  try {
    await playMembers(on, trial);
  } finally {
    for (const pid of carriersOf(`STATOR_HOME=${on.home}`)) kill(pid);
    on.remove();
  }
}

/**
 * A plan over two repos whose forges merge its requests, while the engine kills itself once at each of these points: no request is made twice, and
 * the plan lands once in both.
 */
export async function linkUnderKills(faults: readonly { readonly point: FaultPoint; readonly nth: number }[]) {
  const on = makeGround();
  const passed = join(on.root, 'passed');
  const lines = `[landing]\nauto = true\nby = "forge"\ncheck = "git rev-parse HEAD >> ${passed}"\n`;
  const [api, web] = await linkedForges(on, ['github', 'gitlab'], { lines });
  try {
    writeFileSync(join(on.home, 'daemon.toml'), 'blueprint_skip_threshold = 0\n');
    const both = planText(memberNames.map((repo) => ({ sh: `echo 1 > ${repo}/one.txt`, fields: `**Repo:** ${repo}` })));
    const agents = { default: { preset: 'sh', attempts: 5 } };
    const options = { home: on.home, repo: on.repo, members: [api.path, web.path], plans: { both }, agents };
    for (const fault of faults) expect([fault, await life(on, { ...options, fault })]).toEqual([fault, 'killed']);
    expect(await life(on, options)).toBe('done');
    for (const { name, bare, forge } of [api, web]) {
      expect(forge.asked.filter((line) => /^POST .*(?:pulls|merge_requests)$/.test(line))).toHaveLength(1);
      expect([...forge.state.pulls.values()].map(({ state }) => state)).toEqual(['merged']);
      expect(git(bare, 'log', '--format=%s', '--first-parent', 'main', '--', 'one.txt').split('\n')).toHaveLength(1);
      expect(git(bare, 'rev-parse', 'main^{tree}')).toBe(git(on.repo, 'rev-parse', `main:${name}`));
    }
    const checked = readFileSync(passed, 'utf8').trim().split('\n').at(-1) ?? '';
    expect(git(on.repo, 'rev-parse', `${checked}^{tree}`)).toBe(git(on.repo, 'rev-parse', 'main^{tree}'));
    await expectJournalToReplay(on.home);
  } finally {
    for (const pid of carriersOf(`STATOR_HOME=${on.home}`)) kill(pid);
    for (const { forge } of [api, web]) await forge.stop();
    on.remove();
  }
}

async function playMembers(
  on: Ground,
  { plans: count, points, kills, seed }: Pick<Trial, 'plans' | 'points' | 'kills' | 'seed'>,
): Promise<void> {
  const passed = join(on.root, 'passed');
  configure(on, passed, 'test ! -f api/bad.txt', 1);
  const config = join(on.repo, '.stator', 'config.toml');
  writeFileSync(
    config,
    `${readFileSync(config, 'utf8')}${memberNames.map((name) => `[members.${name}]\nbranch = "main"\n`).join('')}`,
  );
  const members = memberNames.map((name) => {
    const path = join(on.root, name);
    git(on.root, 'clone', '-q', '--no-hardlinks', on.repo, path);
    git(path, 'remote', 'remove', 'origin');
    git(path, 'config', 'user.name', 'eve');
    git(path, 'config', 'user.email', 'eve@here.test');
    // The person has another branch checked out, so only the branch itself may prevent the landing.
    git(path, 'checkout', '-q', '--detach');
    return path;
  });
  const random = randomOf(seed);
  const names = Array.from({ length: count }, (_, index) => `p${index + 1}`);
  const tasks = (name: string) =>
    memberNames.map((repo) => ({ sh: `echo ${name} > ${repo}/${name}.txt`, fields: `**Repo:** ${repo}` }));
  const plans = Object.fromEntries(names.map((name) => [name, planText(tasks(name))]));
  const agents = { default: { preset: 'sh', attempts: 5 } };
  const options = { home: on.home, repo: on.repo, members, plans, agents };
  let others = 0;
  let last = members[0];
  // What is checked is landed only if nobody commits meanwhile. Counted in checks, and not in seconds, so that a busy machine lands too.
  const checks = () => (existsSync(passed) ? readFileSync(passed, 'utf8').split('\n').length : 0);
  let quietUntil = 0;
  const timer = setInterval(() => {
    const path = members[Math.floor(random() * members.length)];
    if (path === undefined || random() < 1 / 2 || checks() < quietUntil) return;
    // Commits on top of a landed branch, and others where it should land, leave the plan in one repo only, and a person must decide: both in one
    // landing are too much.
    if (path !== last && git(on.repo, 'for-each-ref', 'refs/stator/landing') !== '') return;
    last = path;
    const before = git(path, 'rev-parse', 'main');
    const theirs = git(path, 'commit-tree', 'main^{tree}', '-p', before, '-m', `theirs ${others}`);
    git(path, 'update-ref', 'refs/heads/main', theirs, before);
    others += 1;
    quietUntil = checks() + Math.floor(3 * random());
  }, peopleMs);
  try {
    for (const point of points) await killAt(on, options, point);
    let isDone = false;
    for (let nth = 0; nth < kills && !isDone; nth += 1)
      isDone = (await life(on, options, Math.floor(random() * momentMs))) === 'done';
    clearInterval(timer);
    if (!isDone) expect(await life(on, options), 'all have landed').toBe('done');
  } finally {
    clearInterval(timer);
  }
  proveMembers(on, { names, members, passed, others });
  await expectJournalToReplay(on.home);
}

function proveMembers(
  { repo }: Ground,
  {
    names,
    members,
    passed,
    others,
  }: { names: readonly string[]; members: readonly string[]; passed: string; others: number },
): void {
  const sorted = [...names].sort();
  const plansIn = (path: string, commit: string) =>
    git(path, 'ls-tree', '--name-only', commit)
      .split('\n')
      .flatMap((file) => /^(p\d+)\.txt$/.exec(file)?.[1] ?? [])
      .sort();
  for (const path of members) {
    expect(plansIn(path, 'main')).toEqual(sorted);
    const added = git(
      path,
      'log',
      '--no-merges',
      '--diff-filter=A',
      '--name-only',
      '--format=',
      'main',
      '--',
      'p*.txt',
    );
    expect(
      added
        .split('\n')
        .filter((line) => line !== '')
        .sort(),
      'each came once',
    ).toEqual(sorted.map((name) => `${name}.txt`));
    expect(git(path, 'fsck', '--no-dangling')).toBe('');
  }
  const theirs = members.map((path) => git(path, 'log', '--format=%s', '--grep=^theirs ', 'main').split('\n'));
  expect(theirs.flat().filter((line) => line !== '').length, 'nobody lost a commit').toBe(others);
  const checked = new Set(readFileSync(passed, 'utf8').split('\n'));
  const log = git(repo, 'log', '--first-parent', '--grep=^Stator-Member: ', '--format=%H %P', 'main').split('\n');
  for (const line of log) {
    const [commit = '', , merged] = line.split(' ');
    if (merged !== undefined) expect(checked, 'a merge that was not checked').toContain(merged);
    const body = git(repo, 'show', '-s', '--format=%B', commit);
    const heads = new Map(
      [...body.matchAll(/^Stator-Member: (\w+) (\w+)$/gm)].map(([, name = '', head = '']) => [name, head]),
    );
    const [first = [], second = []] = members.map((path, at) => plansIn(path, heads.get(memberNames[at] ?? '') ?? ''));
    expect(first, `in both repos or in none at ${commit}`).toEqual(second);
  }
  expect(git(repo, 'for-each-ref', 'refs/stator/landing')).toBe('');
  expect(git(repo, 'status', '--porcelain')).toBe('');
}

async function play(on: Ground, trial: Trial): Promise<void> {
  const { plans: count, points, kills, seed, batch, forge: kind, hasPeople: isTended = false } = trial;
  const passed = join(on.root, 'passed');
  const names = Array.from({ length: count }, (_, index) => `p${index + 1}`);
  const sharing = names.filter((_, index) => batch === 1 || index % 3 === 0);
  configure(on, passed, `test ! -f bad.txt`, batch);
  const random = randomOf(seed);
  const forge = kind === undefined ? null : await failingForge(on, kind, random);
  const people = forge === null || !isTended ? null : createPeople(on, forge, { random, most: Math.max(0, count - 2) });
  const base = git(on.repo, 'rev-parse', 'main');
  const workOf = (name: string, index: number) => [
    `echo ${name} > ${name}.txt`,
    ...(sharing.includes(name) ? [`echo ${name} > same.txt`] : []),
    ...(batch > 1 && index === 1 ? ['touch bad.txt'] : []),
  ];
  const plans = Object.fromEntries(names.map((name, index) => [name, planText([workOf(name, index).join('; ')])]));
  const fixer = {
    preset: 'command',
    program: '/bin/sh',
    flags: ['-c', fixWith(forge === null ? 'main' : 'origin/main').join('\n')],
    attempts: 5,
  };
  const agents = { default: { preset: 'sh', attempts: 5 }, fixer };
  const options = { home: on.home, repo: on.repo, plans, agents, isTended };
  for (const point of points) await killAt(on, options, point);
  let isDone = false;
  for (let nth = 0; (nth < kills || people?.acts() === 0) && !isDone; nth += 1)
    isDone = (await life(on, options, Math.floor(random() * momentMs), people?.begun)) === 'done';
  if (people !== null) expect(people.acts(), 'changes by people').toBeGreaterThan(0);
  people?.leave();
  for (let nth = 0; nth < 10 * count && !isDone; nth += 1) isDone = (await life(on, options)) === 'done';
  expect(isDone, 'all have landed').toBe(true);
  await forge?.server.stop();
  const byHand = people?.merged ?? new Set<string>();
  await prove(on, { base, names, sharing, passed, batch, byHand, bare: forge?.bare ?? null });
}

/** People's changes on the forge at any time. They repair them from time to time and at the end. They merge at most `most`, so the engine has others. */
function createPeople(
  { repo }: Ground,
  { server, bare, ci }: FailingForge,
  { random, most }: { random: () => number; most: number },
) {
  const { state } = server;
  const merged = new Set<string>();
  // A person who answers a plan whose request is for another branch lands it there. In this test everything must land on `main`.
  state.merging = { ...state.merging, approvals: 1, frozen: 'next' };
  const refOf = (place: string, branch: string) => readHead(join(place), branch);
  const isAsMade = ({ head, base }: FakePull) =>
    base === 'main' && refOf(bare, head) === refOf(join(repo, '.git'), head);
  function putRight(): void {
    ci.become('success');
    for (const pull of state.pulls.values()) {
      if (pull.state === 'merged') continue;
      if (pull.state === 'open') pull.base = 'main';
      // Also for a closed request: the next one has the same branch. If the engine pushes it at the same time, git accepts only one push.
      const push = () => git(repo, 'push', '-q', '--force', bare, `${pull.head}:refs/heads/${pull.head}`);
      try {
        push();
      } catch {
        push();
      }
    }
  }
  const acts: readonly ((pull: FakePull) => void)[] = [
    ({ head }) => {
      const theirs = git(bare, 'commit-tree', 'main^{tree}', '-p', 'main', '-m', 'by hand');
      git(bare, 'update-ref', `refs/heads/${head}`, theirs);
    },
    (pull) => {
      pull.state = 'closed';
    },
    (pull) => {
      pull.title = 'another title';
      pull.base = 'next';
    },
    (pull) => {
      if (merged.size >= most || !isAsMade(pull) || conflictsOf(state, pull)) return;
      pull.headCommit = refOf(bare, pull.head) ?? pull.headCommit;
      mergeNow(state, pull, 'merge', pull.headCommit);
      merged.add(git(bare, 'rev-parse', 'main'));
    },
    () => ci.become('pending'),
    () => ci.become('failure'),
    putRight,
    putRight,
  ];
  git(bare, 'config', 'user.name', 'eve');
  git(bare, 'config', 'user.email', 'eve@here.test');
  git(bare, 'branch', 'next', 'main');
  let count = 0;
  let begin = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const timer = setInterval(() => {
    const open = [...state.pulls.values()].filter((pull) => pull.state === 'open');
    for (const pull of open)
      if (pull.reviews.length === 0)
        pull.reviews.push({ id: 1_000 + pull.number, author: 'eve', body: '', asksForChanges: false, is: 'approved' });
    const pull = open[Math.floor(random() * open.length)];
    if (pull === undefined || (count > 0 && random() >= 1 / 3)) return;
    // The first is one of those that always change something.
    acts[Math.floor(random() * (count === 0 ? 3 : acts.length))]?.(pull);
    count += 1;
    begin();
  }, peopleMs);
  return {
    acts: () => count,
    /** After their first change. */
    begun,
    /** The commits of the branch by people. */
    merged,
    leave() {
      clearInterval(timer);
      putRight();
      state.merging = { ...state.merging, approvals: 0 };
      // Each failure doubles the wait for the next reading, which takes a dozen requests.
      server.trouble = () => null;
    },
  };
}

type FailingForge = Awaited<ReturnType<typeof failingForge>>;

/** One of eight requests gets no answer, a wrong one, or its answer is lost. */
async function failingForge({ root, repo, home }: Ground, kind: NonNullable<Trial['forge']>, random: () => number) {
  const bare = join(root, 'bare.git');
  git(root, 'init', '-q', '--bare', bare);
  const headOf = (branch: string) => readHead(bare, branch);
  const ci = new Ci('success');
  const server = await startForge(kind, { bare, headOf, statuses: ci, required: ['ci'] });
  const troubles: readonly Trouble[] = [
    { status: 503 },
    { status: 429, headers: { 'retry-after': '1' } },
    'reset',
    'lost',
  ];
  server.trouble = () => (random() < 1 / 8 ? (troubles[Math.floor(random() * troubles.length)] ?? null) : null);
  git(repo, 'remote', 'add', 'origin', `${server.url}/ada/demo.git`);
  git(repo, 'config', 'remote.origin.pushurl', bare);
  git(repo, 'push', '-q', bare, 'main');
  // As in every clone: the fixer can merge it, even if a check of the forge fails before anything was fetched.
  git(repo, 'update-ref', 'refs/remotes/origin/main', 'main');
  const config = join(repo, '.stator', 'config.toml');
  writeFileSync(config, `${readFileSync(config, 'utf8')}by = "forge"\n`);
  const of = `name = "here"\nurl = "${server.url}"\nkind = "${kind}"\ntoken = "env:FORGE_TOKEN"\nallow_private = true\n`;
  writeFileSync(join(home, 'servers.toml'), `[[servers]]\n${of}`);
  return { server, bare, ci };
}

function configure({ home, repo }: Ground, passed: string, test: string, batch: number): void {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const daemon = ['blueprint_skip_threshold = 0', 'max_agents = 4', 'max_review_fix_cycles = 1000'];
  writeFileSync(join(home, 'daemon.toml'), `${daemon.join('\n')}\n`);
  mkdirSync(join(repo, '.stator'));
  const check = `${test} && git rev-parse HEAD >> ${passed}`;
  writeFileSync(join(repo, '.stator', 'config.toml'), `[landing]\nauto = true\ncheck = "${check}"\nbatch = ${batch}\n`);
  writeFileSync(join(repo, '.gitignore'), '.stator/\n.worktrees/\n');
  git(repo, 'add', '.');
  git(repo, 'commit', '-qm', 'configured');
}

interface LifeOptions {
  readonly home: string;
  readonly isTended?: boolean;
  readonly fault?: { readonly point: FaultPoint; readonly nth: number };
  readonly [more: string]: unknown;
}

/** Lives that need a person before one comes to its point. */
const stuckLives = 30;

/** A life that kills itself at that point. Where people have closed or moved something, lives may come to nothing before. */
async function killAt(on: Ground, options: LifeOptions, point: FaultPoint): Promise<void> {
  const ends: string[] = [];
  do ends.push(await life(on, { ...options, fault: { point, nth: 1 } }));
  while (ends.at(-1) === 'stuck' && ends.length <= stuckLives);
  expect(ends.at(-1), `${point} was not reached: ${ends.join(', ')}`).toBe('killed');
}

/** Runs until it is done, a person is needed, or it is killed: by itself, or that long after it was ready and `begun`. */
async function life(
  { env }: Ground,
  options: LifeOptions,
  afterMs: number | null = null,
  begun?: Promise<void>,
): Promise<'done' | 'killed' | 'stuck'> {
  const withToken = { ...env, FORGE_TOKEN: 'secret-token' };
  if (afterMs === null && options.fault === undefined) {
    // Nobody kills it, so it needs no process of its own, which takes half a second of processor to start.
    const { carryPlans } = (await import(script)) as { carryPlans: Carry }; // as that script is
    const said: string[] = [];
    const end = await carryPlans(createHere(said), (word) => said.push(word), { ...options, env: withToken });
    if (end === 'done' || options.isTended !== true) expect(end, said.join('\n')).toBe('done');
    return end === 'done' ? 'done' : 'stuck';
  }
  const child = spawn(process.execPath, [script, JSON.stringify(options)], {
    env: withToken,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const up = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes('up\n')) resolve();
      });
    child.once('close', () => resolve());
  });
  if (afterMs !== null) void up.then(() => begun).then(() => setTimeout(() => child.kill('SIGKILL'), afterMs));
  const [code, signal] = await endOf(child);
  if (signal === 'SIGKILL') return 'killed';
  if (code === 3 && options.isTended === true) return 'stuck';
  expect(code, said).toBe(0);
  return 'done';
}

function endOf(child: ChildProcess): Promise<[number | null, string | null]> {
  return new Promise((resolve) => child.once('close', (code, signal) => resolve([code, signal])));
}

interface Proof {
  readonly base: string;
  readonly names: readonly string[];
  /** The plans that write into the same file. */
  readonly sharing: readonly string[];
  readonly passed: string;
  readonly batch: number;
  /** The forge's repository; null: there is no forge. */
  readonly bare: string | null;
  /** Its commits that people made there by hand, and that nobody checked. */
  readonly byHand: ReadonlySet<string>;
}

async function prove({ home, repo }: Ground, proof: Proof): Promise<void> {
  const { base, names, sharing, passed, bare } = proof;
  const log = git(bare ?? repo, 'log', '--first-parent', '--format=%H %s', `${base}..main`).split('\n');
  const landed = log.map((line) => line.replace(/^\w+ Merge plan[ /](\w+)(: A plan| \(#\d+\))$/, '$1'));
  expect([...landed].sort(), 'each plan landed once').toEqual([...names].sort());
  if (bare === null) proveChecked(repo, proof, log);
  else {
    const treeOf = (place: string, commit: string | undefined) => git(place, 'rev-parse', `${commit}^{tree}`);
    const checked = new Set(
      readFileSync(passed, 'utf8')
        .trim()
        .split('\n')
        .map((commit) => treeOf(repo, commit)),
    );
    const made = log.map((line) => line.split(' ')[0] ?? '').filter((commit) => !proof.byHand.has(commit));
    const unchecked = made.map((commit) => treeOf(bare, commit)).filter((tree) => !checked.has(tree));
    expect(unchecked, 'the branch had files that were not checked').toEqual([]);
  }
  const main = bare ?? repo;
  expect(git(main, 'show', 'main:same.txt').split('\n').sort(), 'whose work is there').toEqual([...sharing].sort());
  const files = git(main, 'ls-tree', '--name-only', 'main').split('\n');
  expect(files.filter((file) => /^p\d+\.txt$/.test(file)).sort()).toEqual(names.map((name) => `${name}.txt`).sort());
  expect(files).not.toContain('bad.txt');
  expect(git(repo, 'status', '--porcelain')).toBe('');
  await expectJournalToReplay(home);
}

function proveChecked(repo: string, { base, passed, batch }: Proof, log: readonly string[]): void {
  const checked = new Set(readFileSync(passed, 'utf8').split('\n'));
  const places = git(repo, 'reflog', 'main', '--format=%H').split('\n');
  const stood = places.slice(0, places.indexOf(base));
  expect(
    stood.filter((commit) => !checked.has(commit)),
    'the branch was at an unchecked commit',
  ).toEqual([]);
  expect(stood[0]).toBe(git(repo, 'rev-parse', 'main'));
  if (batch === 1) expect(new Set(stood)).toEqual(new Set(log.map((line) => line.split(' ')[0])));
}
