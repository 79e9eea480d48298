import { describe, expect, it } from 'vitest';
import { connectionState, type Facts } from './connection-state';

const IN_CALL: Facts = {
  isClosed: false,
  isJoined: true,
  isFarJoined: true,
  hasFarLeft: false,
  isAdmitted: true,
  hasFlowed: true,
  isFlowing: true,
};

describe('the state of the connection', () => {
  it.each<[string, Partial<Facts>, string]>([
    ['media arrives', {}, 'connected'],
    ['the session is closed', { isClosed: true }, 'ended'],
    ['one has not joined', { isJoined: false }, 'waiting'],
    ['nobody was admitted yet', { isAdmitted: false, isFlowing: false }, 'waiting'],
    [
      'the far side said good-bye, even if its last packets still count',
      { hasFarLeft: true },
      'waiting',
    ],
    ['media stopped', { isFlowing: false }, 'reconnecting'],
    ['the far side was lost', { isFlowing: false, isFarJoined: false }, 'reconnecting'],
    ['the first media is still to come', { isFlowing: false, hasFlowed: false }, 'connecting'],
    [
      'admitted earlier, and one comes back before the other',
      { isFlowing: false, hasFlowed: false, isFarJoined: false },
      'waiting',
    ],
  ])('when %s', (_when, facts, state) => {
    expect(connectionState({ ...IN_CALL, ...facts })).toBe(state);
  });
});
