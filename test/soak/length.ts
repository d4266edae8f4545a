/** `STATOR_SOAK=short`: every kind of kill, a few times each, in some minutes. Otherwise all of them, in some twenty minutes. */
export const isShort = process.env.STATOR_SOAK === 'short';
