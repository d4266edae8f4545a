/** `Retry-After`, as services write it. */
import { expect, it } from 'vitest';
import { pauseMs, retryAfterMs } from '../../runtime/base/platform/retry-after.ts';

const nowMs = Date.parse('2026-11-27T09:00:00Z');

it.each([
  [undefined, null],
  ['', null],
  ['soon', null],
  ['-5', null],
  ['1e9', null],
  ['0', 0],
  ['30', 30_000],
  [' 30 ', 30_000],
  ['0.25', 250],
  ['999999999', 3_600_000],
  ['9999999999999', null],
  ['Fri, 27 Nov 2026 09:00:10 GMT', 10_000],
  ['Friday, 27-Nov-26 09:00:10 GMT', 10_000],
  ['Fri, 27 Nov 2026 08:00:00 GMT', 0],
  ['Sat, 27 Nov 2027 09:00:10 GMT', 3_600_000],
])('%j is a pause of %j ms', (header, ms) => expect(retryAfterMs(header, nowMs)).toBe(ms));

it.each([
  ['11.054s. Visit https://example.com', 11_054],
  ['7m12s', 432_000],
  ['6m0s.', 360_000],
  ['250ms', 250],
  ['3h22m5s', 12_125_000],
  ['3 days 2 hours 5 minutes', 266_700_000],
  ['1 hour, 5 min', 3_900_000],
  ['5 Seconds', 5_000],
  ['0s', 0],
  ['a while', null],
  ['5 miles', null],
  ['', null],
])('%j is a pause of %j ms', (text, ms) => expect(pauseMs(text)).toBe(ms));
