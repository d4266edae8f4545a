/** The notification channel `notify`: a notification on the desktop of the daemon's machine. It has no settings. */
import { channel } from './channel.ts';

export const notify = channel({
  type: 'notify',
  is: 'a notification on the desktop',
  keys: {},
  words: {},
  settings: () => ({}),
});
