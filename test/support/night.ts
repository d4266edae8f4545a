/**
 * A night without people: documents arrive by folders in several repos, agents work until their quota is used up and continue when it is reset, some
 * ask a person in a chat, the queue lands finished plans, and the daemon is killed at random. In the morning stator's report is compared with the
 * agents' own ledger, with git's commits, and with the messages in the chat.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { addPerson } from '../../runtime/base/platform/people.ts';
import { startTelegram, telegramToken } from './chat-server.ts';
import { expectJournalToReplay } from './crash-proof.ts';
import { daemonGround, makeRepo } from './daemon.ts';
import { afterwards } from './engine.ts';
import { killDaemon, rowsOf, startDaemonProcess } from './fleet.ts';
import { git, until } from './ground.ts';
import { randomOf } from './random.ts';

interface Night {
  readonly items: number;
  readonly repos: number;
  readonly questions: number;
  readonly kills: number;
  /** How long the quota stays used up. */
  readonly limitMs: number;
  readonly seed: number;
}

const program = join(import.meta.dirname, 'fixtures/agents/night-agent.mjs');
const runCost = 0.25;

export async function playNight({ items, repos, questions, kills, limitMs, seed }: Night): Promise<void> {
  const random = randomOf(seed);
  const made = daemonGround('');
  const telegram = await startTelegram();
  afterwards(telegram.stop);
  made.env.TELEGRAM_TOKEN = telegramToken;
  const night = join(made.root, 'night');
  mkdirSync(night);
  const names = Array.from({ length: items }, (_, index) => `item-${index + 1}`);
  const asks = names.slice(0, questions);
  const fails = names.slice(questions, questions + 1);
  writeFileSync(join(night, 'asks'), asks.join('\n'));
  writeFileSync(join(night, 'fails'), fails.join('\n'));
  writeFileSync(join(night, 'limit'), JSON.stringify({ runs: Math.floor(items / 2), ms: limitMs }));
  const wrapper = join(made.root, 'claude');
  writeFileSync(wrapper, `#!/bin/sh\nNIGHT='${night}' exec '${process.execPath}' '${program}' "$@"\n`);
  chmodSync(wrapper, 0o755);
  // For root it is needed without walls.
  writeFileSync(join(made.root, 'agent.env'), 'IS_SANDBOX=1\n', { mode: 0o600 });
  const paths = Array.from({ length: repos }, (_, index) => join(made.root, `shop-${index + 1}`)).map(makeRepo);
  const projects = paths.map((_, index) => `shop-${index + 1}`);
  const folders = paths.map((path, index) => {
    mkdirSync(join(path, '.stator'));
    writeFileSync(join(path, '.stator', 'config.toml'), '[landing]\nauto = true\n');
    writeFileSync(join(path, '.gitignore'), '.stator/\n.worktrees/\n');
    git(path, 'add', '.gitignore');
    git(path, 'commit', '-qm', 'configured');
    const folder = join(made.root, `inbox-${index + 1}`);
    mkdirSync(folder);
    return folder;
  });
  const intakes = projects.map(
    (project, index) =>
      `[intake.inbox-${index + 1}]\nsource = "folder"\nproject = "${project}"\nfolder = "${folders[index]}"\nopen = 100\nper_hour = 1000\n`,
  );
  made.configure(`blueprint_skip_threshold = 0
max_agents = 4
[agents.default]
preset = "claude"
program = "${wrapper}"
env_file = "${join(made.root, 'agent.env')}"
attempts = ${kills + 5}
[agents.reviewer]
enabled = false
[chats.phone]
service = "telegram"
token = "env:TELEGRAM_TOKEN"
chat = "-100"
url = "${telegram.url}"
people = { "42" = "anna" }
${intakes.join('')}`);
  addPerson(made.home, { name: 'anna', role: 'answer' }, Date.now());
  const begunMs = Date.now();
  let daemon = await startDaemonProcess(made);
  for (const path of paths) await made.client().addRepo(path, { trust: true });
  const bases = paths.map((path) => git(path, 'rev-parse', 'main'));
  names.forEach((name, index) => {
    const text = `# ${name}\n\n## Wave 1\n\n### Task 1: Write ${name}\n\nWrite the file.\n`;
    writeFileSync(join(made.root, `${name}.md`), text);
    renameSync(join(made.root, `${name}.md`), join(folders[index % repos] ?? '', `${name}.md`));
  });

  const answered = new Set<number>();
  const person = setInterval(() => {
    for (const notice of telegram.reports())
      if (notice.text.includes('Which port?') && !answered.has(notice.id)) {
        answered.add(notice.id);
        telegram.write('8080', notice);
      }
  }, 200);
  afterwards(() => clearInterval(person));
  for (let number = 0; number < kills; number += 1) {
    await delay(1_000 + random() * 4_000);
    await killDaemon(daemon);
    daemon = await startDaemonProcess(made);
  }
  const landed = () => rowsOf(made, "SELECT plan FROM plans WHERE landing = 'merged'").length;
  await until(
    () => landed() === items,
    () =>
      JSON.stringify([
        rowsOf(made, 'SELECT plan, status, phase, blocked, landing FROM plans'),
        ledgerOf(night),
        rowsOf(made, 'SELECT * FROM intake_items LIMIT 2'),
        daemon.stderr(),
        rowsOf(made, 'SELECT key, state, reason FROM runs LIMIT 3'),
      ]),
  );

  const client = made.client();
  const ledger = ledgerOf(night);
  const said = (what: string) => ledger.filter((line) => line.startsWith(`${what} `)).map((line) => line.split(' ')[1]);
  const plans = (await Promise.all(projects.map((project) => client.plans(project)))).flat();
  expect(plans.map(({ plan }) => plan).sort(), 'each item is one plan').toEqual([...names].sort());
  expect(plans.filter(({ status }) => status !== 'done')).toEqual([]);
  expect(new Set(said('worked')), 'what the agents did').toEqual(new Set(names));
  expect(said('limited').length, 'the quota was used up').toBeGreaterThan(0);
  expect(said('asked').sort()).toEqual([...asks].sort());
  paths.forEach((path, index) => {
    const log = git(path, 'log', '--first-parent', '--format=%s', `${bases[index]}..main`).split('\n');
    const own = names.filter((_, number) => number % repos === index);
    const merged = log.map((line) => /\bitem-\d+\b/.exec(line)?.[0] ?? line);
    expect(merged.sort(), 'each plan landed once').toEqual(own.sort());
    const files = git(path, 'ls-tree', '--name-only', 'main').split('\n');
    expect(files.filter((name) => name.startsWith('item-')).sort()).toEqual(own.map((name) => `${name}.txt`).sort());
  });
  for (const { project, plan } of plans) {
    const { run_list: runs } = await client.plan(project, plan);
    const cost = runs.reduce((sum, { cost_usd: usd }) => sum + (usd ?? 0), 0);
    const paid = ['worked', 'failed', 'asked'].flatMap(said).filter((name) => name === plan).length;
    expect([plan, runs.length], 'how often an agent ran').toEqual([
      plan,
      ledger.filter((line) => line.endsWith(` ${plan}`)).length,
    ]);
    expect([plan, cost], 'what it cost').toEqual([plan, paid * runCost]);
    const answers = (await client.history(project, plan)).filter(
      ({ event, actor }) => event === 'answer' && actor === '',
    );
    expect(answers.map(({ origin }) => origin)).toEqual(asks.includes(plan) ? ['person:anna@phone'] : []);
  }
  await expectReport(made, { begunMs, ledger, names, asks });
  daemon.child.kill('SIGTERM');
  await daemon.ended;
  await expectJournalToReplay(made.home);
}

/** Compares `stator report` in the morning with the ledger. */
async function expectReport(
  { client, stator }: ReturnType<typeof daemonGround>,
  {
    begunMs,
    ledger,
    names,
    asks,
  }: { begunMs: number; ledger: readonly string[]; names: readonly string[]; asks: readonly string[] },
): Promise<void> {
  const count = (...what: string[]) => ledger.filter((line) => what.includes(line.split(' ')[0] ?? '')).length;
  const since = new Date(begunMs).toISOString();
  const report = await stator(['report', '--since', since, '--json']);
  expect(report.code, report.stderr).toBe(0);
  const work: Awaited<ReturnType<ReturnType<typeof client>['work']>> = JSON.parse(report.stdout);
  expect(work.plans.map(({ plan, landing }) => [plan, landing]).sort()).toEqual(
    [...names].sort().map((name) => [name, 'merged']),
  );
  expect(
    work.plans.reduce((sum, { runs }) => sum + runs, 0),
    'runs',
  ).toBe(ledger.length);
  expect(
    work.plans.reduce((sum, { cost_usd: cost }) => sum + (cost ?? 0), 0),
    'cost',
  ).toBe(count('worked', 'failed', 'asked') * runCost);
  const reasons = work.runs.flatMap(({ reason, state }) => (state === 'failed' ? (reason ?? []) : []));
  expect(reasons.filter((reason) => reason === 'exit-code').length, 'failures').toBe(count('failed'));
  expect(reasons.filter((reason) => reason === 'rate-limited').length, 'limits').toBe(count('limited'));
  const answers = work.acts.filter(({ type }) => type === 'answer');
  expect(answers.map(({ plan, by }) => `${by} ${plan}`).sort()).toEqual(
    asks.map((name) => `person:anna@phone ${name}`).sort(),
  );
  const shown = await stator(['report', '--since', since]);
  expect(shown.stdout).toMatch(new RegExp(`^since .*: ${names.length} plans, ${ledger.length} runs, `));
  for (const name of asks) expect(shown.stdout).toMatch(new RegExp(`anna@phone: answered, \\S+/${name}$`, 'm'));
}

function ledgerOf(night: string): string[] {
  const file = join(night, 'ledger');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
}
