import { expect, it } from 'vitest';
import { type Service, startServices, stopServices } from '../../runtime/engine/services.ts';

function recorded(names: readonly string[], failing: readonly string[] = []) {
  const told: string[] = [];
  const services = names.map(
    (name): Service => ({
      name,
      async start() {
        told.push(`${name} starts`);
        if (failing.includes(`${name} starts`)) throw new Error(`${name} cannot start`);
      },
      async stop() {
        told.push(`${name} stops`);
        if (failing.includes(`${name} stops`)) throw new Error(`${name} cannot stop`);
      },
    }),
  );
  const log = { warn: (line: string) => void told.push(line) };
  return { services, told, log };
}

it('services begin in order and end in the opposite one', async () => {
  const { services, told, log } = recorded(['a', 'b']);
  await startServices(services);
  await stopServices(services, log);
  expect(told).toEqual(['a starts', 'b starts', 'b stops', 'a stops']);
});

it('what cannot start ends the start, and what follows is not begun', async () => {
  const { services, told } = recorded(['a', 'b', 'c'], ['b starts']);
  await expect(startServices(services)).rejects.toThrow('b cannot start');
  expect(told).toEqual(['a starts', 'b starts']);
});

it('all of them are ended where one fails to, and the first failure is thrown', async () => {
  const { services, told, log } = recorded(['a', 'b', 'c'], ['c stops', 'a stops']);
  await expect(stopServices(services, log)).rejects.toThrow('c cannot stop');
  expect(told).toEqual([
    ...['c stops', 'c did not end as it should: c cannot stop', 'b stops'],
    ...['a stops', 'a did not end as it should: a cannot stop'],
  ]);
});
