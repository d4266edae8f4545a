/** Finds a short list of happenings that still fails, by leaving some out; and the report about a failed seed. */
import { type Played, type PlayOptions, play } from './run.ts';
import type { Story } from './story.ts';

/** The most stories that are played to find a shorter one. */
const tryLimit = 150;

export async function shrink(story: Story, options: PlayOptions = {}): Promise<Story> {
  let shortest = story;
  let tries = 0;
  for (let size = Math.ceil(story.happenings.length / 2); size >= 1; ) {
    let isShorter = false;
    for (let from = 0; from < shortest.happenings.length && tries < tryLimit; ) {
      const happenings = shortest.happenings.filter((_, index) => index < from || index >= from + size);
      tries += 1;
      if ((await play({ ...shortest, happenings }, options)).failure === null) from += size;
      else {
        shortest = { ...shortest, happenings };
        isShorter = true;
      }
    }
    if (!isShorter || tries >= tryLimit) size = size === 1 ? 0 : Math.floor(size / 2);
  }
  return shortest;
}

/** Its number, the command that plays it again, and the happenings that it needs to fail. */
export async function storyText(story: Story, { failure }: Played): Promise<string> {
  const { happenings, plans, limits, ending, disk } = await shrink(story);
  return [
    `seed ${story.seed}: ${failure}`,
    `play it again: STATOR_SEED=${story.seed} npx vitest run test/simulation/seeds.test.ts`,
    `it fails with these of its ${story.happenings.length} happenings:`,
    ...happenings.map((one) => `  ${JSON.stringify(one)}`),
    `of ${JSON.stringify({ disk, limits, ending, plans: plans.map(({ project, plan }) => `${project}/${plan}`) })}`,
  ].join('\n');
}
