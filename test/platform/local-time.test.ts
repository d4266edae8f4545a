import { expect, it } from 'vitest';
import { localTime } from '../../runtime/base/platform/local-time.ts';

it('a time is said as the time of day where the person is, with its date on another day', () => {
  const at = new Date(2026, 10, 20, 14, 3, 59);
  expect(localTime(at.toISOString(), new Date(2026, 10, 20, 23, 0).getTime())).toBe('14:03');
  expect(localTime(at.toISOString(), new Date(2026, 10, 21, 0, 1).getTime())).toBe('2026-11-20 14:03');
  expect(localTime('some time', 0)).toBe('some time');
});
