/** The subject of an operation's verb (a repo, a plan, an agent or a part of the queue), from its arguments, the run or the folder. */
import { shellWord } from '../machines/vocabulary/shell-word.ts';
import type { Client } from '../runtime/api/client/client.ts';
import { type AnyOperation, isRead, namesInPath, type TypedArgs } from '../runtime/api/operations/operation.ts';
import type { Call } from './command.ts';
import { asked, referenceArg } from './issue/ask.ts';
import { titleArg, withAgent } from './named-agent.ts';
import { requireProject, scopeOf } from './place.ts';
import { partArgs, withPart } from './queue/part.ts';
import { namedRepo, repoArg, repoOrFolderArg, whichRepo } from './repo/which.ts';
import { planArgs, withClient, withMachines, withPlan } from './session.ts';
import { isSure } from './sure.ts';

type Words = NonNullable<AnyOperation['verb']>;
type Address = Readonly<Record<string, unknown>>;

/** The arguments for the subject, which come before those of the verb. */
export const addressArgs = {
  plan: planArgs,
  repo: { repo: repoArg },
  repo_or_folder: { repo: repoOrFolderArg },
  agent: { title: titleArg },
  queue_part: partArgs,
  issue: { ref: referenceArg },
};

/** The repo for a verb without an argument for it. Throws `bad_repo`. */
export function placeOf(
  operation: AnyOperation,
  { of, takesAll = false, takesProject = false }: Words,
  { typed, call }: { readonly typed: TypedArgs; readonly call: Call },
): { readonly project?: string } {
  if (of === 'issue') return asked(call, String(typed.ref));
  if (of !== undefined) return {};
  if (namesInPath(operation).includes('project')) return { project: requireProject(call) };
  if (takesAll) return scopeOf(call, { all: typed.all === true });
  return takesProject && call.project !== undefined ? { project: call.project } : {};
}

interface About {
  readonly verb: Words;
  readonly operation: AnyOperation;
  readonly typed: TypedArgs;
  /** The tree of a user-defined machine that is named instead of a plan; null: there is none. */
  readonly tree: Address | null;
}

/** Opens a client, and returns the fields of the subject. null: a person did not confirm it. Throws the errors of the functions below. */
export function withAddress<Found>(
  call: Call,
  { verb, operation, typed, tree }: About,
  use: (client: Client, address: Address) => Promise<Found>,
): Promise<Found | null> {
  const { of, needsEngine = false } = verb;
  const mode = isRead(operation) ? 'read' : 'write';
  const textOf = (name: string) => (typeof typed[name] === 'string' ? typed[name] : undefined);
  if (tree !== null) return withMachines(call, (client) => use(client, tree));
  // The operation that is called instead may have a more specific subject.
  if (of === 'plan' && namesInPath(operation).includes('plan'))
    return withPlan(call, mode, textOf('plan'), (client, { ...address }) => use(client, address));
  if (of === 'repo')
    return withClient(call, mode, async (client) =>
      use(client, { project: await whichRepo(call, client, textOf('repo')) }),
    );
  if (of === 'repo_or_folder') {
    const project = namedRepo(call, textOf('repo') ?? '');
    return withClient(call, mode, (client) => use(client, { project }));
  }
  if (of === 'agent') return withConfirmedAgent(call, verb, typed, use);
  if (of === 'queue_part')
    return withPart(call, { plan: textOf('plan'), agent: textOf('agent') }, (client, { ...part }) => use(client, part));
  return needsEngine
    ? withMachines(call, (client) => use(client, {}))
    : withClient(call, mode, (client) => use(client, {}));
}

function withConfirmedAgent<Found>(
  call: Call,
  { name, act }: Words,
  { title, yes }: TypedArgs,
  use: (client: Client, address: Address) => Promise<Found>,
): Promise<Found | null> {
  if (act === undefined) throw new Error(`agent ${name} has no act`);
  return withAgent(call, { title: String(title), does: act.does }, async (client, { plan, ...address }) => {
    const about = { project: address.project, plan, type: act.type, payload: { title: address.title } };
    const command = `agent ${name} ${shellWord(address.title)}`;
    return (await isSure(call, client, about, { yes: yes === true, command })) ? use(client, address) : null;
  });
}
