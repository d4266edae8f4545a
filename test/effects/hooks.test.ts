/** Hooks over a real engine: what happens to a plan is told, in order, again where it has to be, and for no other repo. */
import { describe, expect, it } from 'vitest';
import { afterwards, begin, ground, planText, startEngine, untilStatus } from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { openReceiver, putHooks, type Receiver, webhook } from '../support/hooks.ts';

async function receiver(): Promise<Receiver> {
  const made = await openReceiver();
  afterwards(made.close);
  return made;
}

function eventsOf({ got }: Receiver): string[] {
  return got.map(({ body }) => body.event);
}

async function untilGot(sink: Receiver, count: number): Promise<void> {
  await until(
    () => sink.got.length >= count,
    30_000,
    () => JSON.stringify(eventsOf(sink)),
  );
}

describe('a webhook', () => {
  it('is told of a whole plan in order, each body with its number', async () => {
    const sink = await receiver();
    const on = ground();
    putHooks(on.repo, webhook(sink.url));
    const engine = await startEngine({ on });
    await begin(engine, 'p', planText(['echo a > a'], ['echo b > b']));
    await untilStatus(engine, 'p', 'done');
    await untilGot(sink, 6);
    expect(sink.got.map(({ body }) => [body.event, body.from_status, body.to_status, body.sequence])).toEqual([
      ['implement_start', 'ready', 'implementing', 1],
      ['wave_started', 'implementing', 'implementing', 2],
      ['wave_finished', 'implementing', 'implementing', 3],
      ['wave_started', 'implementing', 'implementing', 4],
      ['wave_finished', 'implementing', 'implementing', 5],
      ['implement_finished', 'implementing', 'done', 6],
    ]);
  });
});
