/** The background services of an engine: started in order, stopped in the opposite order, with one follower of facts for all of them. */
import type { Kinds } from '../../actors/kind.ts';
import { messageOf } from '../../machines/vocabulary/errors.ts';
import type { Log } from '../base/platform/log.ts';
import { type Follows, followFacts, type Subscription } from '../core/inbox/facts.ts';

export interface Service {
  readonly name: string;
  /** A rejection here ends the start of the engine. */
  start(): void | Promise<void>;
  /** May be called twice, and before `start`. Resolves when all of its work has ended. */
  stop(): void | Promise<void>;
  /** The facts that it is called for. Default: none. */
  readonly follows?: Follows;
  /** The settings have changed. */
  configured?(): void;
}

/** The services, and before them the one that calls them for the facts that they follow. It is the last one to stop. */
export function withFacts(
  services: readonly Service[],
  { facts, kinds }: { readonly facts: Subscription; readonly kinds: Pick<Kinds, 'moveOf'> },
): Service[] {
  const followed = services.flatMap(({ follows = [] }) => follows);
  const start = () => void followFacts(facts, kinds, followed);
  return [{ name: 'the follower of facts', start, stop: () => facts.close() }, ...services];
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
