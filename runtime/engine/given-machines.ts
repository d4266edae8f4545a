/** The user-defined machines that an engine is given, by its program or by daemon.toml: loaded and checked. */
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { checkDefinition, checkedMachines } from '../../actors/define-machine.ts';
import type { AnyDefinition } from '../../actors/definition.ts';
import { tagsOfMachine } from '../../actors/own-machine.ts';
import { EngineError, messageOf } from '../../machines/vocabulary/errors.ts';
import {
  checkOwnHooks,
  type DaemonConfig,
  type OwnHooks,
  scheduleProblem,
  unheardEvents,
} from '../base/config/config.ts';

/** The machines of a program, and those of daemon.toml. Throws `bad_machine` with the file, and for a name that is given twice. */
export async function machinesFor(
  given: readonly AnyDefinition[],
  { machines: files }: Pick<DaemonConfig, 'machines'>,
): Promise<readonly AnyDefinition[]> {
  const loaded: AnyDefinition[] = [];
  for (const [name, file] of Object.entries(files)) loaded.push(await loadMachine(name, file));
  const machines = checkedMachines([...given, ...loaded]);
  for (const definition of machines) refuseOddSchedules(definition);
  return machines;
}

/** Throws `bad_machine` for a pattern that has no times, and for an unknown time zone. */
function refuseOddSchedules({ name, schedules = {} }: AnyDefinition): void {
  for (const [schedule, { cron, timezone = 'UTC' }] of Object.entries(schedules)) {
    const accepted = scheduleProblem({ schedule: cron, timezone });
    if (accepted === null) continue;
    const [key, value] = accepted.key === 'schedule' ? ['cron', cron] : ['timezone', timezone];
    throw new EngineError(
      'bad_machine',
      `machine "${name}": schedules.${schedule}: ${key}: found ${JSON.stringify(value) ?? 'nothing'}; accepted: ${accepted.accepted}`,
      `correct ${key} where the machine is defined`,
    );
  }
}

/** Throws `bad_request` for a hook of the program that names a machine, or a tag of one, that does not exist. */
export function refuseUnknownEvents(hooks: OwnHooks, machines: readonly AnyDefinition[]): void {
  checkOwnHooks(hooks);
  const named = Object.entries(hooks).map(([name, { on = [] }]) => ({ name, events: on }));
  const known = machines.map((each) => ({ name: each.name, tags: tagsOfMachine(each) }));
  const [unheard] = unheardEvents(named, known);
  if (unheard !== undefined)
    throw new EngineError('bad_request', `createEngine: ${unheard}`, 'name a tag of a state: <machine>.<tag>');
}

/** Throws `bad_machine` with the place of the file. */
function checkedAt(place: string, given: unknown): AnyDefinition {
  try {
    checkDefinition(given);
    return given;
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown;
    throw new EngineError(thrown.code, `${place}: the default export: ${thrown.message}`, thrown.hint, {
      cause: thrown,
    });
  }
}

async function loadMachine(name: string, file: string): Promise<AnyDefinition> {
  const place = `[machines] ${name} = "${file}"`;
  if (!existsSync(file))
    throw new EngineError(
      'bad_machine',
      `${place}: there is no such file`,
      'name a file that exists, from the folder of daemon.toml',
    );
  let loaded: { default?: unknown };
  try {
    loaded = await import(pathToFileURL(file).href);
  } catch (cause) {
    throw new EngineError('bad_machine', `${place} cannot be loaded: ${messageOf(cause)}`, 'correct the file', {
      cause,
    });
  }
  const definition = checkedAt(place, loaded.default);
  if (definition.name === name) return definition;
  throw new EngineError(
    'bad_machine',
    `${place}: the file's default export is called "${definition.name}"`,
    `write ${definition.name} = "${file}"`,
  );
}
