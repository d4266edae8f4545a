/** All lives: played without interruption, and with the engine killed on the way. */
import { smallLives } from './lives-small.ts';
import { wholeLives } from './lives-whole.ts';
import type { Life } from './lives-words.ts';

export const lives: readonly Life[] = [...wholeLives, ...smallLives];

/** The lives with at least one scripted agent. */
export const playedLives: readonly Life[] = lives.filter(({ script }) => Object.keys(script).length > 0);
