/**
 * A peer connection for tests of negotiation: JSEP's signalling states, rollback, transceivers matched
 * by their place, and `negotiationneeded` when directions are not yet agreed. No media, no network.
 * The e2e tests run the same code on real ones. Source: W3C webrtc-pc, sections 4.4, 4.7 and 5.4.
 */
type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

export class FakeTrack {
  readyState = 'live';
  constructor(readonly kind: 'audio' | 'video') {}
}

export class FakeStream {
  readonly id = Math.random().toString(36).slice(2);
}

interface LineDescription {
  kind: 'audio' | 'video';
  direction: Direction;
}

export class FakeTransceiver {
  currentDirection: Direction | null = null;
  isAssociated = false;
  /** The direction that the last negotiation took note of. */
  noted: Direction | null = null;
  readonly receiver: { track: FakeTrack };
  readonly sender = {
    track: null as FakeTrack | null,
    replaceTrack: (track: FakeTrack | null): Promise<void> => {
      this.sender.track = track;
      return Promise.resolve();
    },
    setStreams: (): void => {},
  };
  private wanted: Direction;

  constructor(
    readonly kind: 'audio' | 'video',
    direction: Direction,
    private readonly changed: () => void,
  ) {
    this.wanted = direction;
    this.receiver = { track: new FakeTrack(kind) };
  }

  get direction(): Direction {
    return this.wanted;
  }

  set direction(direction: Direction) {
    this.wanted = direction;
    this.changed();
  }
}

const flip = (direction: Direction): Direction =>
  direction === 'sendonly' ? 'recvonly' : direction === 'recvonly' ? 'sendonly' : direction;
const both = (a: Direction, b: Direction): Direction => {
  const sends = /^send/.test(a) && /^send/.test(b);
  const receives = /recv/.test(a) && /recv/.test(b);
  return sends ? (receives ? 'sendrecv' : 'sendonly') : receives ? 'recvonly' : 'inactive';
};

export class FakeConnection {
  signalingState: 'stable' | 'have-local-offer' | 'have-remote-offer' = 'stable';
  connectionState = 'new';
  localDescription: { type: 'offer' | 'answer'; sdp: string } | null = null;
  pendingLocalDescription: { type: 'offer'; sdp: string } | null = null;
  onnegotiationneeded: (() => void) | null = null;
  onconnectionstatechange: (() => void) | null = null;
  ondatachannel: (() => void) | null = null;
  ontrack: (() => void) | null = null;
  private readonly transceivers: FakeTransceiver[] = [];
  private remoteLines: LineDescription[] = [];
  private wantsRestart = false;
  /** Fired, and not looked at again before the next stable state. */
  private hasFired = false;
  private offered = 0;

  getTransceivers(): FakeTransceiver[] {
    return [...this.transceivers];
  }

  sending(): string[] {
    return this.transceivers
      .filter((t) => t.sender.track !== null && /^send/.test(t.currentDirection ?? ''))
      .map((t) => t.kind)
      .sort();
  }

  createDataChannel(): object {
    return { readyState: 'connecting' };
  }

  addTransceiver(
    what: FakeTrack | 'audio' | 'video',
    init: { direction?: Direction } = {},
  ): FakeTransceiver {
    const kind = typeof what === 'string' ? what : what.kind;
    const made = new FakeTransceiver(kind, init.direction ?? 'sendrecv', () => this.need());
    if (typeof what !== 'string') made.sender.track = what;
    this.transceivers.push(made);
    this.need();
    return made;
  }

  restartIce(): void {
    this.wantsRestart = true;
    this.need();
  }

  async setLocalDescription(): Promise<void> {
    await Promise.resolve();
    if (this.connectionState === 'closed') throw new Error('closed');
    if (this.signalingState === 'have-remote-offer') this.answer();
    else this.offer();
  }

  async setRemoteDescription({
    type,
    sdp,
  }: {
    type: 'offer' | 'answer';
    sdp: string;
  }): Promise<void> {
    await Promise.resolve();
    const lines = JSON.parse(sdp) as LineDescription[];
    if (type === 'offer') {
      if (this.signalingState === 'have-local-offer') this.rollback();
      this.remoteLines = lines;
      lines.forEach((line, n) => this.match(line, n));
      this.signalingState = 'have-remote-offer';
    } else {
      if (this.signalingState !== 'have-local-offer') throw new Error('InvalidStateError');
      this.agree(lines);
    }
  }

  close(): void {
    this.connectionState = 'closed';
  }

  private offer(): void {
    for (const t of this.transceivers) {
      t.isAssociated = true;
      t.noted = t.direction;
    }
    this.offered = this.transceivers.length;
    const sdp = JSON.stringify(
      this.transceivers.map(({ kind, direction }) => ({ kind, direction })),
    );
    this.localDescription = this.pendingLocalDescription = { type: 'offer', sdp };
    this.signalingState = 'have-local-offer';
    this.wantsRestart = false;
  }

  private answer(): void {
    const lines = this.remoteLines.map(({ kind, direction }, n) => {
      const own = this.transceivers[n]?.direction ?? 'inactive';
      return { kind, direction: both(own, flip(direction)) };
    });
    this.localDescription = { type: 'answer', sdp: JSON.stringify(lines) };
    for (const t of this.transceivers) if (t.isAssociated) t.noted = t.direction;
    lines.forEach(({ direction }, n) => this.setCurrent(n, direction));
    this.becomeStable();
  }

  private agree(lines: LineDescription[]): void {
    lines.forEach(({ direction }, n) => this.setCurrent(n, flip(direction)));
    this.becomeStable();
  }

  private rollback(): void {
    // What the withdrawn offer alone had placed is unplaced again, and goes behind the remote lines.
    const agreed = this.transceivers.filter((t) => t.currentDirection !== null);
    const loose = this.transceivers.filter((t) => t.currentDirection === null);
    for (const t of loose) {
      t.isAssociated = false;
      t.noted = null;
    }
    this.transceivers.splice(0, this.offered, ...agreed, ...loose);
    this.pendingLocalDescription = null;
    this.signalingState = 'stable';
  }

  private match(line: LineDescription, n: number): void {
    if (this.transceivers[n]?.isAssociated) return;
    const made = new FakeTransceiver(line.kind, 'recvonly', () => this.need());
    made.isAssociated = true;
    this.transceivers.splice(n, 0, made);
  }

  private setCurrent(n: number, direction: Direction): void {
    const transceiver = this.transceivers[n];
    if (transceiver !== undefined) transceiver.currentDirection = direction;
  }

  private becomeStable(): void {
    this.pendingLocalDescription = null;
    this.signalingState = 'stable';
    this.hasFired = false;
    this.need();
  }

  /** Whether anything is not yet agreed is looked at when the event would fire, not before. */
  private need(): void {
    queueMicrotask(() => {
      if (this.signalingState !== 'stable' || this.connectionState === 'closed') return;
      const isNeeded = this.wantsRestart || this.transceivers.some((t) => t.noted !== t.direction);
      if (!isNeeded || this.hasFired) return;
      this.hasFired = true;
      this.onnegotiationneeded?.();
    });
  }
}

/** Let everything that is already under way come to its end. */
export async function settle(): Promise<void> {
  for (let n = 0; n < 100; n += 1) await Promise.resolve();
}
