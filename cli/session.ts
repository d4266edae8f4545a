/** A client for the length of one verb, and the plan of the verb: by its typed name, or by the file that it is bound to. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EngineError, repoNotFound } from '../machines/vocabulary/errors.ts';
import { planNameOf } from '../machines/vocabulary/ids.ts';
import { shellWord } from '../machines/vocabulary/shell-word.ts';
import type { Client, PlanEntry } from '../runtime/api/client/client.ts';
import { nearest } from '../runtime/base/config/nearest.ts';
import { absentStep, engineName } from '../runtime/base/platform/home-engine.ts';
import { type ConnectOptions, connect } from '../runtime/engine/connect.ts';
import type { Call } from './command.ts';
import { bindingOf, boundPath, findPlan, isMovedTo } from './file-binding.ts';
import { formerRepoText } from './former-repo.ts';
import { impliedProject, isInRun, requireProject, saidPlan } from './place.ts';

/** Connects, notes if no engine runs, and always closes the client. Throws the errors of `connect` and `use`. */
export async function withClient<Answer>(
  { env, out }: Pick<Call, 'env' | 'out'>,
  mode: ConnectOptions['mode'],
  use: (client: Client) => Promise<Answer>,
): Promise<Answer> {
  const client = await connect({ env, mode });
  try {
    if (client.note !== null) out.noteOnce(client.note);
    return await use(client);
  } catch (thrown) {
    throw asOfEngine(thrown, client);
  } finally {
    await client.close();
  }
}

/** Where an engine answered that it does not reach its store, its error says that it runs. */
function asOfEngine(thrown: unknown, { note, engine }: Client): unknown {
  if (!(thrown instanceof EngineError) || thrown.code !== 'store_locked' || note !== null) return thrown;
  if (engine === null || engine === undefined || engine.kind === 'none') return thrown;
  const { code, message, hint } = thrown;
  return new EngineError(code, `${engineName(engine)} waits: ${message}`, hint, { cause: thrown });
}

/** A busy machine starts an engine within this: from the moment it has the home until it answers. */
const startMs = 5_000;
const startPollMs = 100;

/** A client for what only a running engine can do. An engine that has the home and may be starting is waited for; `note` is not null if none answers. */
async function connectToEngine(env: Call['env']): Promise<Client> {
  const untilMs = performance.now() + startMs;
  for (;;) {
    const client = await connect({ env, mode: 'read' });
    const { kind = 'none' } = client.engine ?? {};
    if (client.note === null || kind === 'none' || performance.now() > untilMs) return client;
    await client.close();
    await delay(startPollMs);
  }
}

/** What a verb says if no engine runs. */
interface WithoutEngine {
  /** Completes “no engine runs, so …”. */
  readonly so: string;
  /** What a person can do besides starting an engine, or what they should know. */
  readonly also: string;
}

/** Calls `use` with a client of the running engine, and closes it afterwards. Throws `no_daemon` if no engine runs, and the errors of `use`. */
export async function withEngine<Answer>(
  { env }: Pick<Call, 'env'>,
  { so, also }: WithoutEngine,
  use: (client: Client) => Promise<Answer>,
): Promise<Answer> {
  const client = await connectToEngine(env);
  try {
    if (client.note === null) return await use(client);
    const hint = `${absentStep(client.engine ?? { kind: 'none' })}; ${also}`;
    throw new EngineError('no_daemon', `${client.note}, so ${so}`, hint);
  } finally {
    await client.close();
  }
}

/** Throws `no_daemon` if no engine runs: a temporary engine has no user-defined machines. */
export function withMachines<Answer>(
  call: Pick<Call, 'env'>,
  use: (client: Client) => Promise<Answer>,
): Promise<Answer> {
  const also = 'its daemon.toml is to have the machine under [machines]';
  return withEngine(call, { so: 'nobody carries a machine of your own', also }, use);
}

export const planArgs = {
  plan: {
    type: 'positional',
    required: false,
    description: 'its name or its file; default inside a run: the plan of the run',
  },
} as const;

export interface PlanAddress {
  readonly project: string;
  readonly plan: string;
}

/**
 * Opens a client for a verb of one plan: `given` is the typed name or path, or undefined inside a run. Throws `usage`, `bad_repo` and the errors of
 * `planNamed`.
 */
export async function withPlan<Answer>(
  call: Call,
  mode: ConnectOptions['mode'],
  given: string | undefined,
  use: (client: Client, address: PlanAddress) => Promise<Answer>,
): Promise<Answer> {
  const said = saidPlan(call, given);
  if (!said.includes('/')) requireProject(call); // before a client is opened
  return withClient(call, mode, async (client) => {
    const project = await projectNamed(call, client, said);
    if (project !== impliedProject(call)) call.out.about(project);
    const plan = await planNamed(call, client, project, said);
    try {
      return await use(client, { project, plan });
    } catch (thrown) {
      const isMissing = thrown instanceof EngineError && missing.has(thrown.code);
      const former = isMissing ? await formerRepoText(call, client) : null;
      if (isMissing && former !== null) throw new EngineError(thrown.code, thrown.message, former, { cause: thrown });
      throw await withNearest(thrown, { client, project, plan });
    }
  });
}

const missing: ReadonlySet<string> = new Set(['plan_not_found', 'repo_not_found']);

/** The project of this folder, or the one that is typed before the plan, as `status` prints it: `shop/login`. Throws `bad_repo`. */
async function projectNamed(call: Call, client: Client, said: string): Promise<string> {
  const [, before = null] = /^([^/]+)\/[^/]+$/.exec(said) ?? [];
  const mayBe = before !== null && call.project === undefined && !isInRun(call) && !existsSync(resolve(call.cwd, said));
  const isNamed = mayBe && (await client.repos()).some(({ project }) => project === before);
  return isNamed ? before : requireProject(call);
}

/** Adds a suggestion to the error about a plan that does not exist; of a project that is not registered, that is the error. */
export async function withNearest(
  thrown: unknown,
  { client, project, plan }: PlanAddress & { readonly client: Client },
): Promise<unknown> {
  if (!(thrown instanceof EngineError) || thrown.code !== 'plan_not_found') return thrown;
  if (!(await client.repos()).some((repo) => repo.project === project)) return repoNotFound(project);
  const names = (await client.plans(project)).map((entry) => entry.plan);
  const near = nearest(plan, names);
  if (near === null || near === plan) return thrown;
  return new EngineError(thrown.code, thrown.message, `did you mean ${near}? all of them: stator plan list`, {
    cause: thrown,
  });
}

/** Whether the typed word is a file's path, not a plan's name. */
export function isFilePath(said: string): boolean {
  return /\/|\.(md|markdown|json)$/i.test(said);
}

/** The typed name, whether or not that plan exists, or the name of the file's plan. Throws `plan_not_found` and `conflict` for a file. */
export async function planNamed(call: Call, client: Client, project: string, said: string): Promise<string> {
  if (!isFilePath(said)) return said;
  // Lists print a plan as `demo/login`.
  if (said.startsWith(`${project}/`) && !existsSync(resolve(call.cwd, said)) && !/\.(md|markdown)$/i.test(said))
    return said.slice(project.length + 1);
  // An agent sees only its own plan, so that plan is recognized by its file's name.
  const own = isInRun(call) ? call.env.STATOR_PLAN : undefined;
  if (own !== undefined && planNameOf(said) === own) return own;
  const plans = await client.plans(project);
  if (plans.some(({ plan }) => plan === said)) return said;
  const path = resolve(call.cwd, said);
  const bound = boundPath(call, (await client.repo({ project })).path, path);
  // A path that does not exist here may be a path as `plan show` or a refusal prints it. A folder means its plan: `specs/001-cart` means
  // `specs/001-cart/tasks.md`.
  const isMeant = (file: string) =>
    file === bound || file.startsWith(`${bound}/`) || (file === said && !existsSync(path));
  const bindings = plans.filter(({ file }) => file !== null && isMeant(file));
  const [first, ...more] = bindings.map(({ plan }) => plan);
  if (first !== undefined && more.length === 0) return first;
  if (first !== undefined) {
    const message = `${said} is the file of several plans: ${[first, ...more].join(', ')}`;
    throw new EngineError('conflict', message, 'name the one that is meant instead of the file');
  }
  const namesake = plans.find(({ plan }) => plan === planNameOf(said));
  if (namesake !== undefined && (await isOwnedBy(call, client, namesake, path))) return namesake.plan;
  throw unbound(said, existsSync(path), namesake);
}

/** A plan without a file belongs to the file of its name, and a plan follows a file that was moved, as with `run`. */
async function isOwnedBy(
  call: Call,
  client: Client,
  { project, plan, file }: PlanEntry,
  path: string,
): Promise<boolean> {
  if (file === null) return true;
  const repo = (await client.repo({ project })).path;
  if (!existsSync(path) || existsSync(resolve(repo, file))) return false;
  const shown = await findPlan(client, project, plan);
  // Loaded only here: most verbs name a plan, and the reader of documents would be a third of the code that they load.
  const { readPlanFile } = await import('./plan-file.ts');
  return shown !== null && isMovedTo(bindingOf(call, repo, await readPlanFile(call.cwd, path)), shown, repo);
}

function unbound(said: string, isThere: boolean, namesake: PlanEntry | undefined): EngineError {
  const asNew = `stator run ${shellWord(said)}${namesake === undefined ? '' : ' --name <plan>'}`;
  const begin = isThere ? `; to begin this file as a plan: ${asNew}` : '';
  if (namesake === undefined) {
    const message = isThere ? `no plan was made from ${said}` : `${said} does not exist, and no plan was made from it`;
    return new EngineError('plan_not_found', message, `the existing plans: stator plan list${begin}`);
  }
  const { plan, file } = namesake;
  const message = `no plan was made from ${said}; plan ${plan} was made from ${file}`;
  return new EngineError('plan_not_found', message, `if that one is meant, say its name: ${shellWord(plan)}${begin}`);
}
