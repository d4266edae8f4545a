/** Registers the repo that a plan is for; what its configuration may start is shown first, and so is what of it has changed since. */
import { EngineError } from '../machines/vocabulary/errors.ts';
import type { Client, RepoAdded } from '../runtime/client/client.ts';
import { canAsk, confirm } from './ask.ts';
import type { Call } from './command.ts';
import { plain } from './text.ts';

export interface Registering {
  /** Any path inside of the repo. */
  readonly path: string;
  readonly trust: boolean;
  /** One that is registered is refused, and not brought up to date. */
  readonly mustBeNew?: boolean;
}

/**
 * Registers, or makes sure that it is; asks on a terminal where the repo's configuration starts programs that nobody has trusted yet.
 * A repo that is known goes on with what was trusted before, where nobody says yes to a change. Throws `untrusted` for one that is new,
 * and what registering throws.
 */
export async function addRepo(
  call: Call,
  client: Client,
  { path, trust, mustBeNew = false }: Registering,
): Promise<RepoAdded> {
  const added = await client.addRepo(path, { trust, mustBeNew }).catch(async (thrown: unknown) => {
    if (!isUntrusted(thrown) || !canAsk(call)) throw thrown;
    call.out.warn(thrown.message);
    if (!(await confirm(call, 'let it start these programs?'))) throw thrown;
    return client.addRepo(path, { trust: true, mustBeNew });
  });
  return added.untrusted.length === 0 ? added : askAgain(call, client, path, added);
}

/** What was registered, and what its configuration may start. */
export function tellAdded({ out }: Call, added: RepoAdded): void {
  if (out.json) {
    out.print(JSON.stringify(added));
    return;
  }
  out.say(`added ${added.project} (${added.path})`);
  for (const line of added.enables) out.say(`  ${plain(line)}`);
  for (const note of added.notes) out.note(note);
}

async function askAgain(call: Call, client: Client, path: string, added: RepoAdded): Promise<RepoAdded> {
  const lines = added.untrusted.map((line) => `  ${plain(line)}`).join('\n');
  call.out.note(`the configuration of ${added.project} has changed since it was trusted; it may now start:\n${lines}`);
  if (canAsk(call) && (await confirm(call, 'let it start these programs?')))
    return client.addRepo(path, { trust: true });
  call.out.note('not trusted: what was trusted before stays in force; --trust says yes');
  return added;
}

/** The same for a plan's main repository at `path`; answers the project's name. */
export async function ensureRegistered(call: Call, client: Client, registering: Registering): Promise<string> {
  const known = (await client.repos()).find(({ path }) => path === registering.path);
  const { project, path, notes } = await addRepo(call, client, registering);
  const where = call.out.verbose ? ` (${path})` : '';
  if (known === undefined) for (const line of [`registered ${project}${where}`, ...notes]) call.out.note(line);
  return project;
}

function isUntrusted(thrown: unknown): thrown is EngineError {
  return thrown instanceof EngineError && thrown.code === 'untrusted';
}
