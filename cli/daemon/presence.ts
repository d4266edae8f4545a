/** Whether a daemon runs, and how to reach it. The lock of the home decides that, not a pid file. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { localTime } from '../../machines/vocabulary/time-text.ts';
import type { Client } from '../../runtime/api/client/client.ts';
import { noAnswer } from '../../runtime/api/client/no-answer.ts';
import { homeFolder, refuseClosedHome } from '../../runtime/base/platform/home.ts';
import { absentStep, absentText, engineName, type HomeEngine } from '../../runtime/base/platform/home-engine.ts';
import { engineOf, type OwnerFacts, readOwner } from '../../runtime/core/store/sqlite/owner.ts';
import { attach } from '../../runtime/engine/attach.ts';
import type { Call } from '../command.ts';

/** A daemon that does not answer in this time hangs. */
export const answerMs = 5_000;

export interface Presence {
  readonly home: string;
  readonly owner: OwnerFacts;
  readonly client: Client;
}

/** Throws `home_unusable` where this user cannot see who owns the home. */
export function ownerHere(env: NodeJS.ProcessEnv): { home: string; owner: OwnerFacts | null } {
  const home = homeFolder(env);
  refuseClosedHome(home);
  return { home, owner: existsSync(join(home, 'owner.db')) ? readOwner(home) : null };
}

/** The engine that owns the home, before it was asked anything. */
export function engineHere(env: NodeJS.ProcessEnv): HomeEngine {
  return engineOf(ownerHere(env).owner, false);
}

/** The daemon of this home. Throws `no_daemon`; `unavailable` where it does not answer. */
export async function requireDaemon(call: Pick<Call, 'env'>): Promise<Presence> {
  const { home, owner } = ownerHere(call.env);
  if (owner?.kind !== 'daemon') throw noDaemon(owner);
  return answering(home, owner, call.env);
}

/** The daemon, or the engine of a `run` that can answer this too. Throws as `requireDaemon`. */
export async function requireEngine(call: Pick<Call, 'env'>): Promise<Presence> {
  const { home, owner } = ownerHere(call.env);
  if (owner === null || owner.socketPath === null) throw noDaemon(owner);
  return answering(home, owner, call.env);
}

async function answering(home: string, owner: OwnerFacts, env: NodeJS.ProcessEnv): Promise<Presence> {
  const client = await attach(home, env);
  if (client !== null) return { home, owner, client };
  if (ownerHere(env).owner === null) throw noDaemon(null); // it left just now
  throw noAnswer(owner, null);
}

export function noDaemon(owner: OwnerFacts | null): EngineError {
  const engine = engineOf(owner, owner?.socketPath !== null);
  if (owner === null || engine.kind === 'none')
    return new EngineError('no_daemon', 'no daemon runs', absentStep({ kind: 'none' }));
  const since = localTime(owner.since, Date.now());
  if (!engine.answers)
    return new EngineError('no_daemon', `no daemon runs; ${absentText(engine)}, since ${since}`, absentStep(engine));
  return new EngineError(
    'no_daemon',
    `no daemon runs; ${engineName(engine)} has this home since ${since}`,
    'it goes with its plans, or with Ctrl-C where it runs; then: stator daemon start',
  );
}
