/** A house for one question, read-only. Apart from the house of a moment, because what carries out effects takes longer to load than a question to answer. */
import { existsSync } from 'node:fs';
import { EngineError } from '../machines/errors.ts';
import { systemClock } from './clock.ts';
import { type Client, createClient } from './control/api-client.ts';
import { callApp } from './control/call.ts';
import { createHouse } from './house.ts';
import { createLog } from './log.ts';
import { storeFile } from './store/store.ts';

/** A reader changes nothing, so it has nothing to tell but its answer. */
const quiet = createLog(() => {}, 'error');

/** A client that reads the store as it lies; null where there is none yet, or where it must be brought up to date first. */
export async function openReader(home: string, env: NodeJS.ProcessEnv): Promise<Client | null> {
  if (!existsSync(storeFile(home))) return null;
  try {
    const watch = () => () => {};
    const refuse = async () => {
      throw new EngineError(
        'unavailable',
        'the store is open for reading only',
        'start an engine: stator run <plan.md>',
      );
    };
    const house = createHouse({
      home,
      clock: systemClock,
      log: quiet,
      readonly: true,
      onEffects: () => {},
      settled: refuse,
      watch,
      mayStart: () => false,
    });
    const close = async () => house.store.close();
    return createClient(callApp(house.app, env.STATOR_TOKEN), { note: 'no engine runs', close });
  } catch (thrown) {
    if (thrown instanceof EngineError && thrown.code === 'store_unreadable') return null;
    throw thrown;
  }
}
