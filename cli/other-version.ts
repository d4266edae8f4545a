/** Whether a verb failed because the engine that it spoke with is of another version. */
import { EngineError, messageOf } from '../machines/vocabulary/errors.ts';
import { localTime } from '../runtime/platform/terminal-text.ts';
import { ownerHere } from './daemon/presence.ts';

/** What was thrown, or `other_version` where that is more likely the reason: the answer, or the question, was not understood. */
export function asOtherVersion(
  thrown: unknown,
  { env, version }: { env: NodeJS.ProcessEnv; version: string },
): unknown {
  if (!isMisunderstood(thrown)) return thrown;
  const owner = ownerOf(env);
  if (owner === null || owner.socketPath === null || owner.version === version) return thrown;
  const its = owner.version === null ? 'of an older version' : `version ${owner.version}`;
  return new EngineError(
    'other_version',
    `the engine (pid ${owner.pid}, since ${localTime(owner.since, Date.now())}) is ${its}, and this stator is version ${version}: they do not understand each other here (${messageOf(thrown)})`,
    owner.kind === 'daemon'
      ? 'start it anew with this one, and its agents go on: stator daemon restart'
      : 'most likely it is a `stator run`: let its plan end, or press Ctrl-C there and give the same command again',
    { cause: thrown },
  );
}

/** A bug of ours, as it seems; a route or a field that only one of the two has. */
function isMisunderstood(thrown: unknown): boolean {
  if (!(thrown instanceof EngineError) || thrown.code === 'internal') return true;
  if (thrown.code === 'not_found') return thrown.message.startsWith('no route ');
  return thrown.code === 'bad_request' && thrown.message.startsWith('unknown field ');
}

function ownerOf(env: NodeJS.ProcessEnv): ReturnType<typeof ownerHere>['owner'] {
  try {
    return ownerHere(env).owner;
  } catch {
    return null; // the home cannot be read: then there is nothing to compare, and what was thrown says why
  }
}
