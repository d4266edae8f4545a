/** Kills a daemon under load, round after round, and proves that nothing was lost and nothing happened twice. */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { planOf } from './cli.ts';
import { readOrEmpty, seedOf } from './crash.ts';
import { expectJournalToReplay } from './crash-proof.ts';
import { type DaemonGround, daemonGround, shAgents } from './daemon.ts';
import { gate, openGate, say } from './engine.ts';
import {
  dropFiles,
  followEvents,
  insertRows,
  killDaemon,
  rowsOf,
  type Source,
  sayBySocket,
  startDaemonProcess,
} from './fleet.ts';
import { left } from './gateway.ts';
import { until } from './ground.ts';
import { randomOf } from './random.ts';

const project = 'demo';
/** The plans that all senders pause and resume at once. */
const plans = 4;
/** The plans that a file may move. */
const taken = 12;
/** Each agent has its own gate; the exit codes of the agents, in the order of the tasks. */
const exitCodes = [0, 7, 0] as const;

/** A plan that a file has moved does not continue, so the only agents are those with gates. */
const config = `auto_advance = false\nmax_agents = ${exitCodes.length}\n${shAgents}`;

interface Load {
  readonly socket: ReturnType<typeof sayBySocket>;
  readonly rows: Source;
  readonly files: Source;
}

/** `rounds` lives of a daemon, each killed after 20 to 120 more signals were acknowledged; the last one may finish. */
export async function killUnderLoad(rounds: number): Promise<void> {
  const random = randomOf(seedOf('fleet'));
  const ground = daemonGround(config);
  const gates = exitCodes.map((_, task) => join(ground.root, `go-${task + 1}`));
  const ledger = join(ground.root, 'ledger');
  const folder = join(ground.repo, '.stator', 'signals');
  mkdirSync(folder, { recursive: true });
  let daemon = await startDaemonProcess(ground);
  await lay(ground, { gates, ledger });
  await until(() => linesIn(ledger).length === exitCodes.length);

  const events = followEvents(ground);
  const load: Load = {
    socket: sayBySocket(ground, { project, plans }),
    rows: insertRows(ground, { project, plans }),
    files: dropFiles(folder, { taken }),
  };
  const count = () => Object.values(load).reduce((sum, { acknowledged }) => sum + acknowledged().length, 0);
  for (let round = 1; round <= rounds; round += 1) {
    const enough = count() + 20 + Math.floor(random() * 100);
    await until(() => count() >= enough);
    await killDaemon(daemon);
    const ending = gates[round - 1];
    if (ending !== undefined) openGate(ending); // that agent ends while nobody looks
    daemon = await startDaemonProcess(ground);
  }
  for (const rest of gates) openGate(rest);
  await Promise.all(Object.values(load).map((source) => source.stop()));
  await untilQuiet(ground, folder);
  await untilSeen(ground, events.seen);
  await events.stop();
  expectOnce(ground, load, folder);
  expectAgents(ground, ledger);
  expectEvents(ground, events.seen);
  daemon.child.kill('SIGTERM');
  expect(await daemon.ended).toMatchObject({ code: 0 });
  await expectJournalToReplay(ground.home);
}

async function lay(ground: DaemonGround, { gates, ledger }: { gates: string[]; ledger: string }): Promise<void> {
  const client = ground.client();
  await client.addRepo(ground.repo, { trust: true });
  const content = planOf(['true']);
  for (let plan = 0; plan < plans; plan += 1) await client.registerPlan({ project, plan: `p${plan}`, content });
  for (let plan = 0; plan < taken; plan += 1) {
    await client.registerPlan({ project, plan: `f${plan}`, content });
    await client.send({ project, plan: `f${plan}`, type: 'set_status', payload: { status: 'planning' } });
  }
  const note = (word: string) => `echo "${word} $STATOR_TITLE $STATOR_ATTEMPT" >> '${ledger}'`;
  const tasks = gates.map((go, task) => `${note('start')}\n${gate(go)}\n${note('end')}\nexit ${exitCodes[task]}`);
  await client.registerPlan({ project, plan: 'work', content: planOf(tasks) });
  await say({ client }, 'work', 'implement_start', undefined, project);
}

/** Waits until the inbox and the folder are empty, and the plan with the agents waits for a person. */
async function untilQuiet(ground: DaemonGround, folder: string): Promise<void> {
  const waiting = () =>
    rowsOf<{ id: number; type: string }>(
      ground,
      `SELECT id, type FROM signals WHERE status IN ('pending', 'held') AND deliver_at = 0`,
    );
  const lying = () => [...left(folder), ...left(join(folder, 'processing'))];
  await until(
    async () =>
      lying().length === 0 &&
      waiting().length === 0 &&
      (await ground.client().plan(project, 'work')).phase === 'wave_waiting',
    async () => JSON.stringify([lying(), waiting(), (await ground.client().plan(project, 'work')).tasks_by_wave]),
  );
}

async function untilSeen(ground: DaemonGround, seen: readonly number[]): Promise<void> {
  const last = () => rowsOf<{ seq: number }>(ground, 'SELECT max(seq) AS seq FROM journal')[0]?.seq ?? 0;
  await until(
    () => (seen.at(-1) ?? 0) >= last(),
    () => `the last event seen: ${seen.at(-1)}, the last one there: ${last()}`,
  );
}

interface Row {
  readonly id: number;
  readonly type: string;
  readonly origin: string;
  readonly status: string;
  readonly result: string | null;
  readonly word: string;
}

/** Every acknowledged signal and every file is one row with a verdict; an accepted one moved its plan once. */
function expectOnce(ground: DaemonGround, { socket, rows, files }: Load, folder: string): void {
  const said = rowsOf<Row>(
    ground,
    `SELECT id, type, origin, status, result, payload ->> 'body' AS word FROM signals WHERE payload ->> 'body' GLOB '*-*'`,
  );
  const words = said.map(({ word }) => word);
  expect(words.length, `twice: ${words.filter((word, index) => words.indexOf(word) !== index)}`).toBe(
    new Set(words).size,
  );
  const byWord = new Map(said.map((row) => [row.word, row]));
  for (const source of [socket, rows, files])
    expect(source.acknowledged().filter((word) => !byWord.has(word))).toEqual([]);
  for (const [word, id] of socket.ids) expect(byWord.get(word)?.id, word).toBe(id);
  expect(said.filter(({ status }) => status !== 'done' && status !== 'failed')).toEqual([]);
  expect(said.filter(({ result }) => result?.includes('"internal"') === true)).toEqual([]);
  expectMovesOnce(ground, said);
  const fromFiles = said.filter(({ origin }) => origin === 'file');
  expect(fromFiles.map(({ word }) => word).sort()).toEqual([...files.acknowledged()].sort());
  const back = readdirSync(join(folder, 'failed')).filter((name) => !name.endsWith('.reason'));
  expect(back.length).toBe(fromFiles.filter(({ status }) => status === 'failed').length);
  expect(fromFiles.filter(({ status }) => status === 'done').length).toBeGreaterThan(0);
}

/** A signal that occurs twice in the journal was handled twice. */
function expectMovesOnce(ground: DaemonGround, said: readonly Row[]): void {
  const moves = rowsOf<{ signal: number; type: string; actor: string; event: string; times: number }>(
    ground,
    `SELECT signal, type, actor, event, count(*) AS times FROM journal WHERE signal IS NOT NULL AND event = type GROUP BY signal, actor, event`,
  );
  expect(moves.filter(({ times }) => times !== 1)).toEqual([]);
  const moved = new Set(moves.map(({ signal }) => signal));
  expect(said.filter(({ status, id }) => status === 'done' && !moved.has(id))).toEqual([]);
}

/** The agents were adopted, each with its own end, and none was started twice. */
function expectAgents(ground: DaemonGround, ledger: string): void {
  const titles = exitCodes.map((_, task) => `work-w1-t${task + 1}`);
  expect(linesIn(ledger).sort()).toEqual([
    ...titles.map((title) => `end ${title} 1`),
    ...titles.map((title) => `start ${title} 1`),
  ]);
  const runs = rowsOf<{ title: string; exit_code: number; attempt: number }>(
    ground,
    'SELECT title, exit_code, attempt FROM runs ORDER BY title',
  );
  expect(runs).toEqual(titles.map((title, task) => ({ title, exit_code: exitCodes[task], attempt: 1 })));
}

function expectEvents(ground: DaemonGround, seen: readonly number[]): void {
  const there = rowsOf<{ seq: number }>(ground, 'SELECT seq FROM journal ORDER BY seq').map(({ seq }) => seq);
  expect([...seen]).toEqual(there.slice(0, seen.length));
}

function linesIn(file: string): string[] {
  return readOrEmpty(file)
    .split('\n')
    .filter((line) => line !== '');
}
