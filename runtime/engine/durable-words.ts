/** Errors of an engine without a command line: their hints name calls of its program. */
import { EngineError, type ErrorCode } from '../../machines/vocabulary/errors.ts';
import type { MachineClient } from './machines.ts';

const hints: Partial<Record<ErrorCode, string>> = {
  not_found: 'see those that there are with list(), begin one with start(id)',
  conflict: 'see what would end it with explain(id), or give up all that it waits for with delete(id, { force: true })',
  refused: 'what its machine threw is in the log of the engine; correct the machine, then: await engine.retry(signal)',
  machine_unknown: 'give it to createEngine({ machines })',
  snapshot_unknown: 'give its definition the upgrade from that version; the stored row is untouched',
  store_corrupt: 'the file stays as it is: put a copy in its place',
  store_newer: 'install the version that wrote it, or a newer one; the file is as it was',
  store_unreadable: 'look at the file, its folder and its disk, or give createEngine another one',
  owner_taken: 'one engine works with it at a time: stop the other one first',
  home_unusable: 'make the folder of the file writable for this user',
};
const ofCommandLine = /\bstator [a-z]|STATOR_HOME|daemon\.toml/;
const other = 'see the log of the engine';

/** The same error, with a hint that its program can follow. */
function inItsWords(thrown: unknown): unknown {
  if (!(thrown instanceof EngineError) || !ofCommandLine.test(thrown.hint)) return thrown;
  return new EngineError(thrown.code, thrown.message, hints[thrown.code] ?? other, { cause: thrown });
}

export async function inOwnWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw inItsWords(thrown);
  }
}

/** Its facts fail as what was read of them fails. */
export function clientInOwnWords({ events, ...asked }: MachineClient): MachineClient {
  const worded = Object.entries(asked).map(([name, ask]) => [
    name,
    (...given: unknown[]) => inOwnWords(() => (ask as (...given: unknown[]) => Promise<unknown>)(...given)),
  ]);
  return { events, ...Object.fromEntries(worded) } as MachineClient; // the same functions
}
