/** Whether a verb failed because the engine has another version. */

import { EngineError, messageOf } from '../machines/vocabulary/errors.ts';
import { localTime } from '../machines/vocabulary/time-text.ts';
import { isThisStator, statorBuild, statorVersion } from '../runtime/base/platform/version.ts';
import { ownerHere, type Presence } from './daemon/presence.ts';

/** The thrown error, or `other_version` if that is the more likely reason: one side did not understand the other. */
export function asOtherVersion(thrown: unknown, { env }: { env: NodeJS.ProcessEnv }): unknown {
  if (!isMisunderstood(thrown)) return thrown;
  const owner = ownerOf(env);
  if (owner === null || owner.socketPath === null || isThisStator(owner)) return thrown;
  return new EngineError(
    'other_version',
    `the engine (pid ${owner.pid}, since ${localTime(owner.since, Date.now())}) is ${differenceText(owner)}: they do not understand each other here (${messageOf(thrown)})`,
    owner.kind === 'daemon'
      ? 'start it anew with this one, and its agents go on: stator daemon restart'
      : 'most likely it is a `stator run`: let its plan end, or press Ctrl-C there and give the same command again',
    { cause: thrown },
  );
}

/** The version of an engine, and that of this stator, if they differ. */
export function differenceText({ version, build }: Pick<Presence['owner'], 'version' | 'build'>): string {
  const own = statorVersion();
  if (version !== own)
    return `${version === null ? 'of an older version' : `version ${version}`}, and this stator is version ${own}`;
  return `build ${build ?? 'unknown'} of version ${own}, and this stator is build ${statorBuild() ?? 'unknown'}`;
}

/** An error that looks like a bug of stator, or a route or field that only one side knows. */
function isMisunderstood(thrown: unknown): boolean {
  if (!(thrown instanceof EngineError) || thrown.code === 'internal') return true;
  if (thrown.code === 'not_found') return thrown.message.startsWith('no route ');
  return thrown.code === 'bad_request' && thrown.message.startsWith('unknown field ');
}

function ownerOf(env: NodeJS.ProcessEnv): ReturnType<typeof ownerHere>['owner'] {
  try {
    return ownerHere(env).owner;
  } catch {
    return null; // the home cannot be read: then there is nothing to compare, and the thrown error says why
  }
}
