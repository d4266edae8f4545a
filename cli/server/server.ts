/** What the verbs of `server` have in common. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { type Environment, homeFolder } from '../../runtime/base/config/home.ts';
import { createServerList, type ServerEntry, type ServerList } from '../../runtime/work/forges/server-list.ts';
import type { Call } from '../command.ts';

/** The forges that a person knows, in a file of the home: no engine is needed. */
export function serverList(env: Environment): ServerList {
  return createServerList({ home: homeFolder(env), env });
}

/** Throws `not_allowed` inside a run: which servers get a token is a person's word. */
export function ownServers({ env }: Pick<Call, 'env'>): ServerList {
  if (env.STATOR_TOKEN === undefined) return serverList(env);
  throw new EngineError(
    'not_allowed',
    'an agent may not change the list of forges, only a person may',
    'ask for it with: stator signal emit needs_decision --payload "<why>"',
  );
}

/** One server by itself: its entry under --json, else that line. */
export function tell({ out }: Pick<Call, 'out'>, entry: ServerEntry, text: string): number {
  if (out.json) out.print(JSON.stringify(entry));
  else out.say(text);
  return 0;
}
