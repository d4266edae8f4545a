/** `STATOR_SOAK=short`: every kind of kill, each a few times, in some minutes. Otherwise each in every way, in some twenty. */
export const isShort = process.env.STATOR_SOAK === 'short';
