/** The limits that user-defined machines give their effects: how many of a lane run at a time, how often each is tried, and on which hosts. */
import type { AnyDefinition } from '../../actors/definition.ts';
import { laneLimit, workOf } from '../../actors/own-machine.ts';
import type { MachineEffect } from '../../machines/vocabulary/effect.ts';
import type { EffectRow } from '../core/store/rows.ts';

export function machineLimits(machines: readonly AnyDefinition[]) {
  const definitionOf = (effect: MachineEffect) => machines.find(({ name }) => name === effect.machine);
  return {
    machineLimit(row: EffectRow): number {
      const effect = JSON.parse(row.payload) as MachineEffect; // of that lane
      const definition = definitionOf(effect);
      return definition === undefined ? 1 : laneLimit(definition, effect.lane);
    },
    triesOf(row: EffectRow): number | null {
      if (row.kind !== 'machine.effect') return null;
      const effect = JSON.parse(row.payload) as MachineEffect; // of that kind
      return workOf(definitionOf(effect), effect.effect)?.attempts ?? null;
    },
  };
}

/** Effects that name another host than this one, each as `<machine>/<effect>`. */
export function effectsOfOthers(machines: readonly AnyDefinition[], hostNames: readonly string[]): string[] {
  const [own = ''] = hostNames;
  return machines.flatMap((machine) =>
    Object.keys(machine.effects ?? {})
      .filter((effect) => !hostNames.includes(workOf(machine, effect)?.host ?? own))
      .map((effect) => `${machine.name}/${effect}`),
  );
}
