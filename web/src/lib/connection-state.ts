/** What the page says about the connection, as one word and as a sentence key. */
import type { MessageKey } from './catalogue';

export type ConnectionState = 'waiting' | 'connecting' | 'connected' | 'reconnecting' | 'ended';

export interface Facts {
  isClosed: boolean;
  isJoined: boolean;
  isFarJoined: boolean;
  /** The far side said good-bye, as against having been lost. */
  hasFarLeft: boolean;
  isAdmitted: boolean;
  /** Media has arrived at some time since joining. */
  hasFlowed: boolean;
  /** Media arrives now. */
  isFlowing: boolean;
}

export function connectionState(facts: Facts): ConnectionState {
  if (facts.isClosed) return 'ended';
  if (!facts.isJoined || !facts.isAdmitted) return 'waiting';
  if (facts.hasFarLeft) return 'waiting';
  if (facts.isFlowing) return 'connected';
  if (facts.hasFlowed) return 'reconnecting';
  return facts.isFarJoined ? 'connecting' : 'waiting';
}

export const STATE_KEYS: Readonly<Record<ConnectionState, MessageKey>> = {
  waiting: 'state.waiting',
  connecting: 'state.connecting',
  connected: 'state.connected',
  reconnecting: 'state.reconnecting',
  ended: 'state.ended',
};
