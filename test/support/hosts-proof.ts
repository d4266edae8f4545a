/** Invariants of several hosts after any failures, when all is well again. */
import { expect } from 'vitest';
import type { OwnPostgres } from '../../scripts/postgres.ts';
import { git } from './ground.ts';
import type { Acknowledged, PlanName } from './hosts-moves.ts';

/** Runs a query on the database directly. */
export type Ask = (text: string, values?: readonly unknown[]) => ReturnType<OwnPostgres['query']>;

/** Counts the commits for each running agent as they are made. */
export async function countAgents(ask: Ask): Promise<void> {
  await ask(`CREATE SCHEMA proof`);
  await ask(`CREATE TABLE proof.running (most BIGINT NOT NULL)`);
  await ask(`INSERT INTO proof.running VALUES (0)`);
  await ask(`CREATE FUNCTION proof.count_running() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
    UPDATE proof.running SET most = greatest(most, (SELECT count(*) FROM public.effects WHERE status = 'running' AND kind = 'agent.run'));
    RETURN NULL; END $$`);
  await ask(`CREATE CONSTRAINT TRIGGER count_running AFTER UPDATE ON public.effects DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.status = 'running' AND NEW.kind = 'agent.run') EXECUTE FUNCTION proof.count_running()`);
}

export async function expectLimitKept(ask: Ask, maxAgents: number): Promise<void> {
  const [row] = await ask('SELECT most FROM proof.running');
  expect(Number(row?.most), 'agents that ran at the same time').toBeLessThanOrEqual(maxAgents);
  expect(Number(row?.most)).toBeGreaterThan(0);
}

/** The numbers have no gaps, every acknowledged request is one signal, and every accepted one is in the journal once. */
export async function expectSignalsOnce(ask: Ask, acknowledged: readonly Acknowledged[]): Promise<void> {
  const [numbers] = await ask('SELECT count(*) AS lines, max(seq) AS last FROM journal');
  expect(numbers?.lines, 'lines of the journal').toBe(numbers?.last);
  const keys = acknowledged.map(({ key }) => key);
  const rows = await ask('SELECT id, dedupe_key AS key, status FROM signals WHERE dedupe_key = ANY($1)', [keys]);
  const known = (all: readonly { key: unknown; id: unknown }[]) => all.map(({ key, id }) => `${key} ${id}`).sort();
  expect(known(rows as { key: unknown; id: unknown }[])).toEqual(known(acknowledged));
  expect(rows.filter(({ status }) => status !== 'done' && status !== 'failed')).toEqual([]);
  // An accepted signal is the input of one step; a refused one has one line with the reason.
  const answer = await ask(
    `SELECT s.id, s.type, s.status, count(j.seq) AS times FROM signals s LEFT JOIN journal j ON j.signal = s.id
       AND (j.refused IS NOT NULL OR (json_extract(j.input, '$.type') = s.type AND json_extract(j.input, '$.actor') = ''))
     WHERE s.origin = 'person' GROUP BY s.id, s.type, s.status HAVING count(j.seq) <> 1`,
  );
  expect(answer, JSON.stringify(answer)).toEqual([]);
  const faults = await ask(
    `SELECT id, type, status, attempts, result FROM signals
     WHERE attempts > 1 OR status = 'held' OR (status = 'failed' AND (origin = 'engine' OR result IS NULL))`,
  );
  expect(faults, JSON.stringify(faults)).toEqual([]);
}

/** Every effect has ended, and the last ones ran on the host with the repo. */
export async function expectNothingOpen(ask: Ask): Promise<void> {
  expect(await ask(`SELECT key, status, error FROM effects WHERE status IN ('queued', 'running', 'failed')`)).toEqual(
    [],
  );
  const states = `('succeeded', 'failed', 'cancelled')`;
  expect(await ask(`SELECT key, state FROM runs WHERE state NOT IN ${states}`)).toEqual([]);
}

interface Said {
  readonly word: string;
  /** A host, or for an agent its home. */
  readonly who: string;
  /** For an agent the key of its run, which is the same on each host. */
  readonly run: string;
}

export function readLines(text: string): Said[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [word = '', who = '', run = ''] = line.split(' ');
      return { word, who, run: run.replace(/@[^@]*$/, '') };
    });
}

/**
 * A run begins once, on one host. While a run works, no other run of its task does, with one exception: its host was dead or stopped since it began,
 * and so could neither freeze nor end it.
 */
export function expectRunsAlone(lines: readonly Said[]): void {
  const begun = new Map<string, { readonly who: string; isLoose: boolean }>();
  /** The newest run of each task. */
  const newest = new Map<string, string>();
  const down = new Set<string>();
  const wrong: string[] = [];
  for (const { word, who, run } of lines) {
    const task = run.slice(0, run.lastIndexOf('#'));
    if (word === 'down') {
      down.add(who);
      for (const one of begun.values()) if (one.who === who) one.isLoose = true;
    } else if (word === 'up') down.delete(who);
    else if (word === 'begin') {
      const before = begun.get(run);
      if (before !== undefined) wrong.push(`${run} began on ${before.who}, and again on ${who}`);
      begun.set(run, { who, isLoose: down.has(who) });
      newest.set(task, run);
    } else if (word === 'tick' || word === 'end') {
      const own = begun.get(run);
      if (own?.who !== who) wrong.push(`${run} works on ${who}, and began on ${own?.who}`);
      const last = newest.get(task) ?? run;
      const isAllowed = own?.isLoose === true && begun.get(last)?.who !== who;
      if (last !== run && !isAllowed)
        wrong.push(`${run} works on ${who}, and ${last} has begun on ${begun.get(last)?.who}`);
    }
  }
  expect(wrong.slice(0, 20)).toEqual([]);
}

/** For every task one run is merged, once: the only one that the store calls a success. */
export async function expectTasksOnce(
  ask: Ask,
  { path, plan, files }: { readonly path: string; readonly plan: PlanName; readonly files: readonly string[] },
): Promise<void> {
  const branch = `plan/${plan.plan}`;
  const merges = git(path, 'log', '--merges', '--format=%s', `main..${branch}`).split('\n');
  expect([merges.length, new Set(merges).size], merges.join('\n')).toEqual([files.length, files.length]);
  const merged = files.map((file) => git(path, 'show', `${branch}:${file}`).replaceAll(/@\S*/g, ''));
  const good = await ask(
    `SELECT key FROM runs WHERE project = $1 AND plan = $2 AND state = 'succeeded' AND role = 'coder'`,
    [plan.project, plan.plan],
  );
  expect(merged.sort()).toEqual(good.map(({ key }) => String(key)).sort());
}
