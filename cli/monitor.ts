/** `stator monitor`: a board on a terminal; elsewhere one line for each fact. */
import { setTimeout as delay } from 'node:timers/promises';
import { EngineError } from '../machines/vocabulary/errors.ts';
import type { Client } from '../runtime/api/client/client.ts';
import { durationMs } from '../runtime/base/config/duration.ts';
import { homeFolder } from '../runtime/base/platform/home.ts';
import { absentStep, absentText } from '../runtime/base/platform/home-engine.ts';
import { attach, readStored } from '../runtime/engine/attach.ts';
import { isAbsence } from './absence.ts';
import { type Call, defineVerb } from './command.ts';
import { engineHere } from './daemon/presence.ts';
import { createFactPrinter, type FactPrinter } from './monitor/fact-printer.ts';
import { requireProject, saidPlan } from './place.ts';
import { planNamed } from './session.ts';

interface Since {
  /** undefined: only new facts. */
  readonly seq: number | undefined;
  readonly ms: number;
}

/** Throws `usage`. */
function sinceOf(text: string | undefined, nowMs: number): Since {
  if (text === undefined) return { seq: undefined, ms: nowMs };
  if (/^\d{1,15}$/.test(text)) return { seq: Number(text), ms: 0 };
  const agoMs = durationMs(text);
  if (agoMs !== null) return { seq: 0, ms: nowMs - agoMs };
  throw new EngineError(
    'usage',
    `--since is "${text}"`,
    'give the number of a fact, or a duration such as 90s, 30m, 2h or 7d',
  );
}

/** An engine that restarts is back within this time or a little more. */
const retryMs = 500;

export default defineVerb({
  summary:
    'Show a full-screen board of plans and agents, with keys to act on them; in a pipe print one line for each event.',
  args: {
    since: {
      type: 'string',
      valueHint: 'when',
      description: 'also print past events: after that event number, or of the last 30m, 2h, …',
    },
    plan: { type: 'string', valueHint: 'name', description: 'of one plan of this repo only' },
    lines: { type: 'boolean', description: 'print lines on a terminal too' },
  },
  examples: [
    'stator monitor',
    'stator monitor --since 1h',
    'stator monitor --plan login',
    'stator monitor --json --project shop',
  ],
  more: `It shows all repos, or that of --project. If the engine restarts, it continues with the next one.
  Without an engine the board shows the stored state, and changes nothing.
  ? lists the keys of the board. Exit code 0 after q, 130 after Ctrl-C.
  With --lines, --since, --verbose or --json, in a pipe, and with TERM=dumb it prints lines until Ctrl-C;
  --verbose also prints internal steps.`,
  async run({ since, plan, lines }, call) {
    const start = sinceOf(since, Date.now());
    const said = plan === undefined ? projectOf(call) : { project: requireProject(call), plan: saidPlan(call, plan) };
    const first = await attached(call);
    const isBoard = lines !== true && since === undefined && mayDraw(call);
    const seen = first ?? (isBoard ? await readStored(homeFolder(call.env), call.env) : null);
    if (seen === null) {
      const engine = engineHere(call.env);
      const hint = `${absentStep(engine)}; what happened before: stator plan history <plan>`;
      throw new EngineError('no_daemon', `${absentText(engine)}, so nothing can be shown as it happens`, hint);
    }
    const filter = await checkedFilter(call, seen, said);
    if (isBoard || first === null) {
      if (first === null) await seen.close();
      const { runBoard } = await import('./monitor/board/board.ts');
      const near =
        filter.project === undefined || filter.plan === undefined
          ? null
          : { project: filter.project, plan: filter.plan };
      const stored = () => readStored(homeFolder(call.env), call.env);
      return runBoard({ call, first, attach: () => attached(call), stored, near });
    }
    const { waiting } = await first.status();
    if (waiting !== null) call.out.note(`the daemon waits: ${waiting}; facts are printed as soon as it goes on`);
    let following: Following = { call, filter, ...start };
    for (let client = waiting === null ? first : null; ; client = await reach(call)) {
      if (client === null) await delay(retryMs);
      else following = await followOne(following, client, client !== first);
    }
  },
});

/** Whether there is a terminal, and a person at it. */
function mayDraw({ out, stdin, env }: Call): boolean {
  const isTerminal = out.stdout.isTTY === true && stdin.isTTY === true && env.TERM !== 'dumb';
  return isTerminal && !out.json && !out.verbose;
}

type Filter = { readonly project?: string; readonly plan?: string };

interface Following {
  readonly call: Call;
  readonly filter: Filter;
  /** The number of the last fact; undefined: none yet, and only new facts are printed. */
  readonly seq: number | undefined;
  /** Facts before this time are not printed. */
  readonly ms: number;
}

/** Replaces a file's path by the name of its plan. Throws `plan_not_found`. */
async function checkedFilter(call: Call, client: Client, said: Filter): Promise<Filter> {
  const { project, plan } = said;
  if (project === undefined || plan === undefined) return said;
  const named = await planNamed(call, client, project, plan);
  await client.plan(project, named);
  return { project, plan: named };
}

function projectOf({ project }: Call): Filter {
  return project === undefined ? {} : { project };
}

/** An engine that reports facts; null: there is none, or a daemon waits for its store or does not answer. */
async function reach(call: Call): Promise<Client | null> {
  try {
    const client = await attached(call);
    if (client === null || (await client.status()).waiting === null) return client;
    await client.close();
  } catch (thrown) {
    if (!isAbsence(thrown)) throw thrown;
  }
  return null;
}

async function attached({ env }: Call): Promise<Client | null> {
  return attach(homeFolder(env), env);
}

/** Prints facts until the engine goes away; returns the last one's number. Ends with the process otherwise. */
async function followOne(following: Following, client: Client, isAgain: boolean): Promise<Following> {
  const { call, filter, ms } = following;
  const printer: FactPrinter = createFactPrinter(call, client);
  // Facts from the time without a connection are read from the journal.
  let seq = following.seq ?? (isAgain ? 0 : undefined);
  try {
    if (isAgain) await printer.connection('connected');
    const onStart = (since: number) => {
      seq = since;
    };
    const since = seq === undefined ? {} : { since: seq };
    for await (const fact of client.events({ ...filter, ...since, onStart, signal: new AbortController().signal })) {
      seq = fact.seq;
      if (Date.parse(fact.at) >= ms) await printer.fact(fact);
    }
  } catch (thrown) {
    if (!isAbsence(thrown)) throw thrown;
  }
  await client.close();
  await printer.connection('gone');
  return { ...following, seq };
}
