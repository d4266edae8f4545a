/** Every life that is played: in one go, and with its engine killed on the way. */
import { smallLives } from './lives-small.ts';
import { wholeLives } from './lives-whole.ts';
import type { Life } from './lives-words.ts';

export const lives: readonly Life[] = [...wholeLives, ...smallLives];

/** For those in which somebody has something to play. */
export const playedLives: readonly Life[] = lives.filter(({ script }) => Object.keys(script).length > 0);
