/** An engine for one question, which reads only. It loads nothing that carries out effects: that takes longer than the answer. */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { callApp } from '../client/call.ts';
import { type Client, createClient } from '../client/client.ts';
import { systemClock } from '../platform/clock.ts';
import { silentLog } from '../platform/log.ts';
import { storeFile } from '../store/sqlite/store.ts';
import { createCore } from './core.ts';

/**
 * A client that reads the store as it lies; where there is none yet it reads an empty one, and makes none. null where it must be brought up to date
 * first, or the home is nothing that can be read.
 */
export async function openReader(home: string, env: NodeJS.ProcessEnv): Promise<Client | null> {
  const isAbsent = !existsSync(storeFile(home));
  if (isAbsent && !isReadable(home)) return null;
  try {
    const watch = () => () => {};
    const refuse = async () => {
      throw new EngineError(
        'unavailable',
        'the store is open for reading only',
        'start an engine: stator run <plan.md>',
      );
    };
    const core = await createCore({
      home,
      clock: systemClock,
      log: silentLog, // a reader changes nothing, so it has nothing to tell but its answer
      readonly: true,
      isAbsent,
      onEffects: () => {},
      settled: refuse,
      watch,
      mayStart: () => false,
    });
    const close = async () => core.close();
    return createClient(callApp(core.app, env.STATOR_TOKEN), { note: 'no engine runs', close });
  } catch (thrown) {
    if (thrown instanceof EngineError && thrown.code === 'store_unreadable') return null;
    throw thrown;
  }
}

/** A folder that can be looked into, or nothing at all yet. */
function isReadable(home: string): boolean {
  try {
    if (statSync(home, { throwIfNoEntry: false })?.isDirectory() === false) return false;
    if (existsSync(home)) accessSync(home, constants.R_OK | constants.X_OK);
    return true;
  } catch {
    return false; // whoever makes it says why
  }
}
