import { describe, expect, it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { tryFleet } from '../support/fleet-trial.ts';
import { isShort } from './length.ts';

/** `STATOR_SOAK_MINUTES`: how long agents work; unfinished plans come to rest afterwards. */
const minutes = Number(process.env.STATOR_SOAK_MINUTES ?? (isShort ? 1.5 : 30));
/** The limits of growth per minute. A process that is a minute old still grows; over half an hour nothing may. */
const limits = minutes < 10 ? { residentKib: 250_000, files: 20 } : { residentKib: 2_000, files: 0.5 };
/** The limit for any duration. */
const mostResidentKib = 600_000;

describe('agents that crash, hang, conflict, ask and succeed at random, in three repositories', () => {
  it(`for ${minutes} minutes: every plan ends or says what it waits for, and the daemon stays as large as it was`, async () => {
    const facts = await tryFleet({ lengthMs: minutes * 60_000, seed: seedOf('fleet') });
    console.log(JSON.stringify(facts));
    expect(facts.kills).toBeGreaterThan(1);
    expect(facts.slope.residentKib, 'KiB a minute').toBeLessThan(limits.residentKib);
    expect(facts.slope.files, 'open files a minute').toBeLessThan(limits.files);
    expect(facts.last.residentKib).toBeLessThan(mostResidentKib);
  });
});
