/** `source = "webhook"`: each signed delivery of a sender is an item. */
import { intakeSource } from './source.ts';
import { secretName, templateProblem, trackerKeys, trackerWords } from './tracker.ts';

const { work, message, template, env_file: envFile } = trackerKeys;

export const webhookSource = intakeSource({
  source: 'webhook',
  keys: { secret: secretName, env_file: envFile, work, message, template },
  words: {
    secret: [null, 'webhook: the variable with the secret that its sender signs with; required'],
    ...{ env_file: trackerWords.env_file, work: trackerWords.work, message: trackerWords.message },
    template: trackerWords.template,
  },
  problem: templateProblem,
  from: ({ work: made, template: path }) =>
    `signed deliveries, each a ${path === undefined ? made : 'plan of the template'}`,
});
