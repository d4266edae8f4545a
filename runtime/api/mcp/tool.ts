/** The definition of a tool: its schemas, who may call it, its effect, and its function. */
import { basename } from 'node:path';
import type { z } from 'zod';
import { EngineError, repoNotFound } from '../../../machines/vocabulary/errors.ts';
import type { Client } from '../client/client.ts';
import type { SignalAnswer } from '../contract/signals.ts';
import { line } from '../control/requests.ts';
import { refusalOf } from '../control/route.ts';
import { type McpCaller, withCaller } from './caller.ts';

/** A field of every tool; an agent inside a run belongs to one repo. */
export const project = line(255).describe('name of the repo; needed where several are registered').optional();
/** A plan's name, with or without `.md`. Inside a run it may be left out. */
export const filename = line(256).describe('name of the plan, with or without .md');
export const title = line(255).describe('title of the agent, as instance_list shows it');

export interface Ask<Input> {
  readonly input: Input;
  readonly caller: McpCaller;
  /** The call was cancelled, or the connection is gone. */
  readonly signal: AbortSignal;
  /** Reports to a client that asked for progress that the call goes on. */
  progress(message: string): Promise<void>;
  /** Asks the person at the other end; null: that client cannot ask. */
  confirm(question: string): Promise<boolean | null>;
  /** Calls the engine. */
  with<Answer>(mode: 'read' | 'write', use: (client: Client, project: string) => Promise<Answer>): Promise<Answer>;
}

export interface Tool<Input extends z.ZodObject = z.ZodObject, Output extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  readonly does: string;
  readonly input: Input;
  readonly output: Output;
  /** `reads` changes nothing; `ends` may end work, delete something or move a branch of the person. */
  readonly kind: 'reads' | 'changes' | 'ends';
  /** true: an agent may call it inside its run, for its own plan. Default: false. */
  readonly inRuns?: boolean;
  /** The answer as text, if JSON would be hard to read. */
  readonly text?: (output: z.output<Output>) => string;
  readonly run: (ask: Ask<z.output<Input>>) => Promise<z.input<Output>>;
}

export interface AnyTool extends Omit<Tool, 'run' | 'text'> {
  /** Accepts values that the tool's own schemas have parsed. */
  readonly text?: (output: never) => string;
  readonly run: (ask: never) => Promise<unknown>;
}

export function tool<Input extends z.ZodObject, Output extends z.ZodObject>(
  definition: Tool<Input, Output>,
): Tool<Input, Output> {
  return definition;
}

/** Fields that an agent may leave out, because its run determines them. */
const ofRun = { filename: true, plan_file: true } as const;

/** The schema of what the caller may send. */
export function inputOf({ input }: Pick<AnyTool, 'input'>, { own }: Pick<McpCaller, 'own'>): z.ZodObject {
  const known = Object.keys(ofRun).filter((field) => field in input.shape);
  if (own === null || known.length === 0) return input;
  return input.extend(
    Object.fromEntries(known.map((field) => [field, filename.default(own.plan)])),
  ) as unknown as z.ZodObject; // fields of its own, with a default
}

/** The repo of a call: the named one, the one of the run or of the folder, or the only one. Throws `bad_request`. */
export async function projectOf(caller: McpCaller, client: Client, said: string | undefined): Promise<string> {
  const named = said ?? caller.own?.project;
  if (named !== undefined) return named;
  const repos = await client.repos();
  const [only] = repos;
  const isOfFolder = ({ path }: { readonly path: string }) => basename(path) === caller.project;
  const here = repos.find((repo) => repo.project === caller.project) ?? repos.find(isOfFolder);
  if (here !== undefined) return here.project;
  if (only !== undefined && repos.length === 1) return only.project;
  if (only === undefined)
    throw new EngineError('bad_request', 'no repo is registered', 'register one: repo_add, or stator repo add <path>');
  const names = repos.map((repo) => repo.project).join(', ');
  throw new EngineError('bad_request', 'project is required: several repos are registered', `one of ${names}`);
}

/** `withCaller` for a list of all repos, or of the named one: of a repo that does not exist there is no empty list. Throws `repo_not_found`. */
export function withKnown<Answer>(
  caller: Pick<McpCaller, 'open'>,
  { mode, said }: { readonly mode: 'read' | 'write'; readonly said: unknown },
  use: (client: Client) => Promise<Answer>,
): Promise<Answer> {
  return withCaller(caller, mode, async (client) => {
    const isSaid = ({ project, path }: { readonly project: string; readonly path: string }) =>
      project === said || basename(path) === said;
    if (typeof said === 'string' && !(await client.repos()).some(isSaid))
      throw repoNotFound(said, 'those that are registered: repo_list');
    return use(client);
  });
}

export function askOf<Input extends { project?: string | undefined }>(
  given: Pick<Ask<Input>, 'input' | 'caller' | 'signal' | 'progress' | 'confirm'>,
): Ask<Input> {
  const { caller, input } = given;
  return {
    ...given,
    with: (mode, use) =>
      withCaller(caller, mode, async (client) => use(client, await projectOf(caller, client, input.project))),
  };
}

export function planOf(said: string): string {
  return said.replace(/\.md$/i, '');
}

/** Throws `refused` if the signal was refused. */
export function accepted(answer: SignalAnswer): SignalAnswer {
  if (answer.signal.status === 'failed') throw refusalOf(answer);
  return answer;
}
