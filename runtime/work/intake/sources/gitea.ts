/** The issues of the project's repository at Gitea. */
import { giteaRest } from '../../forges/rest-call.ts';
import { trackerSource } from '../tracker-source.ts';
import { openForgeTracker } from '../trackers/forge-tracker.ts';
import { giteaTracker } from '../trackers/github.ts';

export const createGiteaSource = trackerSource((config, parts, etags) =>
  openForgeTracker(config, { parts, etags, kinds: ['gitea', 'forgejo'], rest: giteaRest, tracker: giteaTracker }),
);
