/** `stator signal emit`: the only command that agents need to know. Inside a run it needs no names. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { EngineError, errorClasses } from '../../machines/vocabulary/errors.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import { nearest } from '../../runtime/base/config/nearest.ts';
import { homeFolder } from '../../runtime/base/platform/home.ts';
import { type Call, defineVerb } from '../command.ts';
import { requireProject, saidPlan } from '../place.ts';
import { type PlanSignal, sendToPlan, waitArg } from '../plan/signals.ts';
import { isFilePath, planNamed } from '../session.ts';
import { readStdin } from '../sure.ts';
import { brief } from '../text.ts';
import { printVerdict } from '../verdict.ts';
import { isUnwritable, leaveWord } from './left-file.ts';

export default defineVerb({
  summary: 'Send a signal to a plan. Inside a run the plan is known.',
  args: {
    type: { type: 'positional', description: 'such as implement_finished; - and _ are the same' },
    plan: {
      type: 'positional',
      required: false,
      description: 'its name or its file, or <machine>:<id> for a tree of your own machine',
    },
    payload: {
      type: 'string',
      valueHint: 'JSON or text',
      description: 'a JSON object or text; - reads it from standard input',
    },
    ...waitArg,
  },
  mayBeEmpty: ['payload', 'plan'],
  examples: [
    'stator signal emit implement_finished login',
    'stator signal emit review_changes --payload "the tests are missing"',
  ],
  async run({ type, plan, payload, wait }, call) {
    if (payload === undefined && plan !== undefined && /\s/.test(plan) && !existsSync(resolve(call.cwd, plan)))
      throw noPlan(type, plan);
    const text = payload === '-' ? await readStdin(call, 'the payload') : payload;
    const said = withPlace(call.env, type, text === undefined || text.trim() === '' ? undefined : payloadOf(text));
    const body = said === undefined ? {} : { payload: said };
    if (plan?.includes(':') && !isFilePath(plan)) return sendToMachine(call, plan, { type, ...body });
    const signal = { plan: await planOf(call, plan, type), type, ...body };
    const keyed = { ...signal, dedupeKey: `emit:${crypto.randomUUID()}`, wait };
    try {
      return await sendOnce(call, keyed);
    } catch (thrown) {
      if (isBrokenJson(said) && thrown instanceof EngineError && thrown.code === 'bad_payload') throw asText(thrown);
      if (!isUnwritable(thrown)) throw thrown;
      const code = await record(call, keyed, thrown);
      // Only the store knows which plan a file has.
      if (code === null && isFilePath(signal.plan)) throw thrown;
      return code ?? leaveWord(call, signal, thrown);
    }
  },
});

/** No name of a plan has a space: it is the text of the signal. */
function noPlan(type: string, said: string): EngineError {
  const hint = `a text is the payload: stator signal emit ${shellWord(type)} --payload ${shellWord(said)}`;
  return new EngineError('usage', `"${brief(said)}" is no plan`, hint);
}

/**
 * The plan of the signal. Without a known plan a wrong type is reported first: `signal emit nope` is about the type. Throws `unknown_signal` and
 * `usage`.
 */
async function planOf(call: Call, plan: string | undefined, type: string): Promise<string> {
  if (!plan && !call.env.STATOR_PLAN) {
    const { publicSignalTypes, signalTypeOf, unknownSignal } = await import('../../machines/vocabulary/signal.ts');
    if (signalTypeOf(type) === null) throw unknownSignal(type, publicSignalTypes, nearest);
  }
  return saidPlan(call, plan);
}

/** A name with a colon is a tree of a user-defined machine: names of plans have no colon. */
async function sendToMachine(call: Call, tree: string, message: { type: string; payload?: unknown }): Promise<number> {
  const [{ verdictText }, { withMachines }] = await Promise.all([
    import('../views/machine.ts'),
    import('../session.ts'),
  ]);
  const colon = tree.indexOf(':');
  const [machine, id] = [tree.slice(0, colon), tree.slice(colon + 1)];
  const verdict = await withMachines(call, (client) => client.sendMachine({ name: machine, id, ...message }));
  call.out.outcome(verdict, () => [verdictText(verdict)]);
  return 0;
}

type KeyedSignal = PlanSignal & { readonly dedupeKey: string };

/** The engine may have received the signal before it ended. The next engine gets it again with the same key, so it counts once. */
async function sendOnce(call: Call, keyed: KeyedSignal): Promise<number> {
  try {
    return await sendToPlan(call, keyed);
  } catch (thrown) {
    const isGone = thrown instanceof EngineError && thrown.code === 'unavailable' && thrown.cause !== undefined;
    if (!isGone) throw thrown;
    return sendToPlan(call, keyed);
  }
}

/**
 * Writes the signal into the inbox without an engine: the owner of the home is alive, does not answer, and will find the row. null: the inbox cannot
 * be written either.
 */
async function record(call: Call, { wait: _wait, ...signal }: KeyedSignal, cause: Error): Promise<number | null> {
  if (!(cause instanceof EngineError) || !errorClasses[cause.code].retry) return null;
  try {
    const { openSharedInbox } = await import('../../runtime/engine/shared-inbox.ts');
    const client = await openSharedInbox(homeFolder(call.env), call.env);
    try {
      const project = requireProject(call);
      const plan = await planNamed(call, client, project, signal.plan);
      const answer = await client.send({ ...signal, project, plan, waitMs: 0 });
      call.out.note(`${cause.message}; the signal is recorded, and the engine takes it when it goes on`);
      return printVerdict(call, answer);
    } finally {
      await client.close();
    }
  } catch (thrown) {
    if (isUnwritable(thrown)) return null;
    throw thrown;
  }
}

/** This signal also needs a wave and a task, which a run knows. */
function withPlace({ STATOR_WAVE: wave, STATOR_TASK: task }: NodeJS.ProcessEnv, type: string, said: unknown): unknown {
  if (type.trim().replaceAll('-', '_') !== 'implement_task_finished' || !wave || !task) return said;
  if (said !== undefined && (typeof said !== 'object' || said === null)) return said;
  return { wave_number: Number(wave), task_number: Number(task), ...said };
}

function isBrokenJson(said: unknown): boolean {
  return typeof said === 'string' && /^\s*[[{]/.test(said);
}

function asText({ code, message, hint }: EngineError): EngineError {
  return new EngineError(code, message, `the payload is no JSON object, so it was taken as a text; ${hint}`);
}

/** A JSON object if the text is one, otherwise the text itself. The inbox checks the shape for the type. */
function payloadOf(text: string): unknown {
  if (!text.trimStart().startsWith('{')) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text; // it is kept as text, since a message of an agent must not be lost
  }
}
