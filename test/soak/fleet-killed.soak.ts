import { describe, expect, it } from 'vitest';
import { killUnderLoad } from '../support/fleet-kills.ts';
import { isShort } from './length.ts';

const rounds = Number(process.env.STATOR_SOAK_FLEET ?? (isShort ? 3 : 20));

describe('a daemon under load from its socket, its folders and other programs', () => {
  it(`is killed ${rounds} times, and nothing is lost, and nothing happens twice`, async () => {
    await killUnderLoad(rounds);
    expect.hasAssertions();
  });
});
