/** The background services of an engine: started in order, stopped in the opposite order. */
import { messageOf } from '../../machines/vocabulary/errors.ts';
import type { Log } from '../base/platform/log.ts';

export interface Service {
  readonly name: string;
  /** A rejection here ends the start of the engine. */
  start(): void | Promise<void>;
  /** May be called twice, and before `start`. Resolves when all of its work has ended. */
  stop(): void | Promise<void>;
}

export async function startServices(services: readonly Service[]): Promise<void> {
  for (const service of services) await service.start();
}

/** Ends all of them, also where one fails, and then throws the first failure. */
export async function stopServices(services: readonly Service[], log: Pick<Log, 'warn'>): Promise<void> {
  const failures: unknown[] = [];
  for (const { name, stop } of [...services].reverse()) {
    try {
      await stop();
    } catch (thrown) {
      failures.push(thrown);
      log.warn(`${name} did not end as it should: ${messageOf(thrown)}`);
    }
  }
  if (failures.length > 0) throw failures[0];
}
