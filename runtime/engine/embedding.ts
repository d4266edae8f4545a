/** What an embedding program asks an engine for, over the same client that the command line uses. */
import { realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import { decodePlan } from '../../machines/document/plan-document.ts';
import { type FamilyName, familyNames, readPlan } from '../../machines/document/read-plan.ts';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { planNameOf } from '../../machines/vocabulary/ids.ts';
import { isOver as isEnded } from '../../machines/vocabulary/plan-status.ts';
import { finalStates } from '../../machines/vocabulary/run-state.ts';
import type { PublicSignal } from '../../machines/vocabulary/signal.ts';
import type { Client, SendRequest } from '../api/client/client.ts';
import {
  aFlag,
  aSignal,
  aText,
  aWholeNumber,
  checkOptions,
  type KnownOptions,
  required,
} from '../api/client/options.ts';
import type { FactEntry, PlanEntry, PlanShow } from '../api/contract/plans.ts';
import type { SignalAnswer } from '../api/contract/signals.ts';
import { planSourceOf } from '../base/platform/plan-source.ts';
import { textDigest } from '../base/platform/text-digest.ts';
import { refuseWayOut } from '../base/platform/way-out.ts';
import { leavable } from './leavable.ts';

/** A plan, and the file that it is registered from. */
export interface PlanFile {
  project: string;
  /** Relative to the repo, or absolute. */
  path: string;
  /** The plan's name. Default: made from the file's. */
  name?: string;
  /** The same as `name`, which comes first. */
  plan?: string;
  branch?: string;
  topic?: string;
  /** A file whose name does not end in `.md` or `.markdown`, too. */
  force?: boolean;
  /** The family that the file is read as, now and later, such as `spec-kit`. Default: the family given earlier, else what it looks like. */
  as?: string;
}

/** A plan by its names, or as `plans.register` answered it. */
export type PlanName = { project: string; plan: string };

/** The functions of an engine for a program in the same process. `engine.client` has everything else. */
export interface Embedding {
  readonly plans: {
    /** Registers the document, or brings the plan that is registered under its name up to date with it. */
    register(file: PlanFile): Promise<PlanShow & { name: string }>;
  };
  /** A signal of a person, and the verdict on it. */
  send(request: SendRequest & { type: PublicSignal }): Promise<SignalAnswer>;
  /**
   * From the plan's first fact on, or from the one after `after`, live. Ends when the plan is final, or needs a person and none of its agents runs; when `signal`
   * aborts, and when the loop is left. Its agents may start meanwhile. Throws `plan_not_found`.
   */
  facts(of: { plan: PlanName; after?: number; signal?: AbortSignal }): AsyncIterable<FactEntry>;
}

const fileOptions: KnownOptions<PlanFile> = {
  project: required(aText),
  path: required(aText),
  name: aText,
  plan: aText,
  branch: aText,
  topic: aText,
  force: aFlag,
  as: aText,
};

export function createEmbedding(client: Client): Embedding {
  return {
    plans: {
      register: async (file) => {
        checkOptions('plans.register', file, fileOptions);
        return registerFile(client, file);
      },
    },
    send: (request) => client.send(request),
    facts: (of) => {
      checkOptions('facts', of, { plan: true, after: aWholeNumber, signal: aSignal });
      const { plan, after = 0, signal } = of;
      mustBePlan(plan);
      return leavable(signal, (left) => factsOf(client, plan, { after, left }));
    },
  };
}

/** A name alone is not enough: projects may have plans of one name. Throws `bad_request`. */
function mustBePlan(plan: unknown): void {
  const { project, plan: name } = (typeof plan === 'object' && plan !== null ? plan : {}) as Partial<PlanName>; // checked below
  if (typeof project === 'string' && typeof name === 'string') return;
  throw new EngineError(
    'bad_request',
    `facts: "plan" is ${plan === undefined ? 'missing' : JSON.stringify(plan)}`,
    'give it as plans.register answered it, or as { project: "app", plan: "my-plan" }',
  );
}

async function registerFile(
  client: Client,
  { project, path, ...given }: PlanFile,
): Promise<PlanShow & { name: string }> {
  const repo = (await client.repos()).find((candidate) => candidate.project === project);
  if (repo === undefined) {
    // A path that was given and cannot be registered stops no engine, so the reason is said here.
    const { problems } = await client.status();
    throw new EngineError(
      'repo_not_found',
      `repo not registered: ${[project, ...problems].join('; ')}`,
      'name its absolute path in createEngine({ repos })',
    );
  }
  const file = isAbsolute(path) ? path : join(repo.path, path);
  if (given.force !== true && !/\.(?:md|markdown|json)$/i.test(path)) throw otherKind(path);
  refuseWayOut(file, path);
  const decoded = decodePlan(await bytesOf(file));
  if ('problem' in decoded)
    throw new EngineError(
      'bad_plan',
      `${file}: ${decoded.problem.message}`,
      'see what a document may be with: stator plan check <file>',
    );
  const bound = boundPath(repo.path, file);
  const plans = await client.plans(project);
  const before = given.as === undefined ? plans.find((plan) => plan.file === bound) : undefined;
  const said = given.as ?? (before === undefined ? null : (await client.plan(project, before.plan)).file_as);
  const source = planSourceOf(file, decoded.content);
  const { content, name, family } = readPlan(source, said === null ? undefined : familyOf(said));
  if (given.force !== true && family === 'stator' && /\.json$/i.test(path)) throw otherKind(path);
  const plan = given.name ?? given.plan ?? name ?? planNameOf(path);
  if (plan === null)
    throw new EngineError('bad_request', `${path} gives no name for a plan`, 'give one: { name: "my-plan" }');
  const fileAs = given.as;
  if (plans.some((entry) => entry.plan === plan)) await update(client, { project, plan, content, file: bound, fileAs });
  else {
    const { branch, topic } = given;
    await client.registerPlan({
      project,
      plan,
      content,
      file: bound,
      as: 'stator',
      fileAs,
      branch,
      topic,
    });
  }
  return { ...(await client.plan(project, plan)), name: plan };
}

function familyOf(said: string): FamilyName {
  const family = familyNames.find((name) => name === said);
  if (family !== undefined) return family;
  throw new EngineError(
    'bad_request',
    `"${said}" is no family of plan documents`,
    `one of ${familyNames.join(', ')}: { as: "spec-kit" }`,
  );
}

function otherKind(path: string): EngineError {
  return new EngineError(
    'bad_request',
    `${path} is no plan by its name: a plan's file ends in .md or .markdown, or in .json where a family of plans is written so`,
    'name that file; or take this one for a plan all the same: { force: true }',
  );
}

/** From the repo's root with `/`, absolute outside of it. */
function boundPath(repo: string, file: string): string {
  const inside = relative(repo, realpathSync(file));
  return inside.startsWith('..') || isAbsolute(inside) ? realpathSync(file) : inside;
}

async function bytesOf(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new EngineError('bad_file', `${file} cannot be read`, 'name a file that exists', { cause });
  }
}

interface Updating {
  readonly project: string;
  readonly plan: string;
  readonly content: string;
  readonly file: string;
  readonly fileAs: string | undefined;
}

async function update(client: Client, { project, plan, content, file, fileAs }: Updating): Promise<void> {
  const shown = await client.plan(project, plan);
  // The text that was registered before is no edit, whatever a planner has made of it since.
  if (shown.content === content || shown.file_digest === textDigest(content)) {
    await client.takeFile(project, plan, { file, content, as: 'stator', fileAs });
    return;
  }
  const { signal } = await client.updateContent(project, plan, content, { file, as: 'stator', fileAs });
  if (signal.status !== 'failed') return;
  throw new EngineError(
    'refused',
    `the document of ${plan} was not taken: ${signal.refused?.guard ?? signal.status}`,
    `see what it accepts with: stator plan explain ${plan}`,
  );
}

async function* factsOf(
  client: Client,
  { project, plan }: PlanName,
  { after, left }: { readonly after: number; readonly left: AbortSignal },
): AsyncGenerator<FactEntry, void> {
  /** Facts up to this number exist and were not yielded yet, so none before it is the last. */
  let known = 0;
  await client.plan(project, plan);
  if (after > 0 && (await isOver(client, { project, plan }, after))) return;
  for await (const fact of client.events({ since: after, project, plan, watch: true, signal: left })) {
    yield fact;
    if (fact.seq < known) continue;
    const later = (await client.history(project, plan, { after: fact.seq })).at(-1);
    if (later !== undefined) known = later.seq;
    else if (await isOver(client, { project, plan }, fact.seq)) return;
  }
}

/** Whether nothing will come after the fact of that number unless a person acts. */
async function isOver(client: Client, { project, plan }: PlanName, seq: number): Promise<boolean> {
  const entry: PlanEntry = await client.plan(project, plan);
  const needsPerson = entry.blocked?.scope === 'plan' || entry.paused || entry.phase === 'wave_waiting';
  if (!isEnded(entry.status) && !needsPerson) return false;
  if ((await client.history(project, plan, { after: seq })).length > 0) return false;
  const instances = await client.instances({ project, plan });
  // Queued agents do not start before a person has acted.
  const resting = [...finalStates, 'waiting', 'paused', 'queued'];
  return instances.every(({ state }) => resting.includes(state));
}
