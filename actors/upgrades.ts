/**
 * From the states that earlier releases stored to those of this one, by the name of the kind. Each step is tested with a snapshot that its release wrote.
 * There is none so far: no release has changed what an earlier one stored.
 */
import type { Upgrades } from './compatibility.ts';

export const upgrades: Upgrades = {};
