/** The whole engine in one process, by a seed: with kills, failures, delays and duplicates, the promises of README hold. */
import { describe, expect, it } from 'vitest';
import { runsOf } from '../support/drawn.ts';
import { createCoverage } from './coverage.ts';
import { play } from './run.ts';
import { storyText } from './shrink.ts';
import { storyOf } from './story.ts';

/** `STATOR_SEED`: plays only this one. `STATOR_SEEDS`: the number of seeds. */
const one = process.env.STATOR_SEED;
const count = Number(process.env.STATOR_SEEDS ?? runsOf(10_000, 30));
const seeds = one === undefined ? Array.from({ length: count }, (_, index) => index + 1) : [Number(one)];
/** The most failing seeds that are reported. */
const toldLimit = 3;

describe('a night with everything that goes wrong in it', () => {
  it(`ends as it must, ${seeds.length} times`, async () => {
    const coverage = createCoverage();
    const failures: string[] = [];
    for (const seed of seeds) {
      const story = storyOf(seed);
      const played = await play(story, { coverage });
      if (played.failure !== null) failures.push(await storyText(story, played));
      if (failures.length >= toldLimit) break;
    }
    const { transitions, points, neverDiedAt } = coverage.reached();
    const counted = [...points].sort(([a], [b]) => (a < b ? -1 : 1)).map(([point, times]) => `${point}: ${times}`);
    process.stdout.write(
      `${transitions.reached} of ${transitions.all} transitions; ${counted.join(', ')}\nno seed died at: ${neverDiedAt.join(', ') || 'all reached'}\nno seed took:\n  ${transitions.never.join('\n  ')}\n`,
    );
    expect(failures.join('\n\n')).toBe('');
  }, 3_600_000);

  it.each([
    [890, 'a plan waits for one that there is not, after a wave of three tasks'],
    [997, 'the disk is full when an engine takes over an agent that works'],
    [2011, 'the disk is full when a second engine takes over an agent that works'],
    [2050, 'a plan comes to wait for one that there is not'],
    [2459, 'an agent that is paused holds a slot for which another plan waits'],
    [2637, 'a question is asked of a plan that is blocked as well'],
    [9442, 'a plan without waves is in its review'],
  ])('seed %i: %s', async (seed) => {
    expect((await play(storyOf(seed))).failure).toBeNull();
  });

  it('goes the same way for the same seed', async () => {
    const [first, again] = [await play(storyOf(7)), await play(storyOf(7))];
    expect(again).toEqual(first);
  });
});
