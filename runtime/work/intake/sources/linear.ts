/** The issues of a team at Linear. */
import { trackerSource } from '../tracker-source.ts';
import { openLinear } from '../trackers/linear.ts';

export const createLinearSource = trackerSource(openLinear);
