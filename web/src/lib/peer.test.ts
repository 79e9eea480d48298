import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Description, SplicePlan } from './generated/events';
import { type LocalTracks, Peer, type RemoteTracks } from './peer';
import { FakeConnection, FakeStream, FakeTrack, settle } from './fake-connection';

vi.stubGlobal('MediaStream', FakeStream);

/** Two peers and the server between them, which carries descriptions unless told to drop them. */
class Side {
  readonly connections: FakeConnection[] = [];
  readonly sent: Description[] = [];
  readonly peer: Peer;
  remote: RemoteTracks = { audio: null, camera: null, screen: null };
  isGuideOpen = false;
  refuse: string | null = null;
  local: { audio: FakeTrack; camera: FakeTrack | null; screen: FakeTrack | null } = {
    audio: new FakeTrack('audio'),
    camera: new FakeTrack('video'),
    screen: null,
  };
  far: Side | null = null;

  constructor() {
    this.peer = new Peer({
      send: (description) => this.carry(description),
      local: () =>
        ({
          ...this.local,
          screenStream: this.local.screen === null ? null : new FakeStream(),
        }) as unknown as LocalTracks,
      onRemote: (tracks) => (this.remote = tracks),
      onState: () => {},
      onGuide: (isOpen) => (this.isGuideOpen = isOpen),
      create: () => {
        const made = new FakeConnection();
        this.connections.push(made);
        return made as unknown as RTCPeerConnection;
      },
    });
  }

  get connection(): FakeConnection {
    const last = this.connections.at(-1);
    if (last === undefined) throw new Error('no connection yet');
    return last;
  }

  private carry(description: Description): Promise<void> {
    this.sent.push(description);
    if (this.refuse !== null)
      return Promise.reject(Object.assign(new Error(), { code: this.refuse }));
    void this.far?.peer.deliver(description);
    return Promise.resolve();
  }
}

function plan(generation: number, isOfferer: boolean): SplicePlan {
  return { generation, polite: !isOfferer, offerer: isOfferer, ice_servers: [] };
}

let customer: Side;
let technician: Side;

async function begin(generation = 1): Promise<void> {
  customer.peer.start(plan(generation, false));
  technician.peer.start(plan(generation, true));
  await settle();
}

beforeEach(() => {
  customer = new Side();
  technician = new Side();
  customer.far = technician;
  technician.far = customer;
});

describe('a generation', () => {
  it('begins with the offerer, whom the other side answers with its own tracks', async () => {
    await begin();
    expect(technician.sent.map((d) => d.type)).toEqual(['offer']);
    expect(customer.sent.map((d) => d.type)).toEqual(['answer']);
    for (const side of [customer, technician]) {
      expect(side.connection.signalingState).toBe('stable');
      expect(side.connection.sending()).toEqual(['audio', 'video']);
      expect(side.remote.audio).not.toBeNull();
      expect(side.remote.camera).not.toBeNull();
      expect(side.remote.screen).toBeNull();
    }
  });

  it('lets the non-offerer add nothing before the first offer', async () => {
    customer.peer.start(plan(1, false));
    await settle();
    expect(customer.connection.getTransceivers()).toEqual([]);
    expect(customer.sent).toEqual([]);
  });

  it('has a line for the picture even without a camera', async () => {
    technician.local.camera = null;
    await begin();
    technician.local.camera = new FakeTrack('video');
    await technician.peer.refresh();
    await settle();
    expect(technician.sent).toHaveLength(1);
    expect(technician.connection.sending()).toEqual(['audio', 'video']);
  });

  it('ends when a newer one starts, and the same tracks go on in it', async () => {
    await begin(1);
    const before = customer.connection;
    await begin(2);
    expect(before.connectionState).toBe('closed');
    expect(customer.peer.generation).toBe(2);
    expect(customer.local.camera?.readyState).toBe('live');
    expect(customer.connection.sending()).toEqual(['audio', 'video']);
  });

  it('ignores a plan that is not newer', async () => {
    await begin(3);
    customer.peer.start(plan(2, false));
    customer.peer.start(plan(3, false));
    expect(customer.connections).toHaveLength(1);
  });

  it('drops descriptions of other generations', async () => {
    await begin(2);
    await customer.peer.deliver({ generation: 1, type: 'offer', sdp: 'old' });
    expect(customer.connection.signalingState).toBe('stable');
    expect(customer.sent).toHaveLength(1);
  });
});

describe('renegotiation', () => {
  it('adds a screen and takes it away again', async () => {
    await begin();
    customer.local.screen = new FakeTrack('video');
    await customer.peer.refresh();
    await settle();
    expect(technician.remote.screen).not.toBeNull();
    customer.local.screen = null;
    await customer.peer.refresh();
    await settle();
    expect(technician.remote.screen).toBeNull();
    customer.local.screen = new FakeTrack('video');
    await customer.peer.refresh();
    await settle();
    expect(technician.remote.screen).not.toBeNull();
    expect(customer.connection.getTransceivers()).toHaveLength(3);
  });

  it('is settled when both offer at once: the polite side gives way, then offers again', async () => {
    await begin();
    customer.local.screen = new FakeTrack('video');
    technician.local.screen = new FakeTrack('video');
    await Promise.all([customer.peer.refresh(), technician.peer.refresh()]);
    await settle();
    expect(customer.connection.signalingState).toBe('stable');
    expect(technician.connection.signalingState).toBe('stable');
    expect(technician.remote.screen).not.toBeNull();
    expect(customer.remote.screen).not.toBeNull();
  });

  it('takes a refusal for glare calmly', async () => {
    await begin();
    customer.refuse = 'glare';
    customer.local.screen = new FakeTrack('video');
    await customer.peer.refresh();
    await settle();
    expect(customer.connection.signalingState).toBe('have-local-offer');
    customer.refuse = null;
    await customer.peer.repeat();
    await settle();
    expect(customer.connection.signalingState).toBe('stable');
    expect(technician.remote.screen).not.toBeNull();
  });

  it('restarts the path with an offer of the same generation', async () => {
    await begin();
    technician.peer.restart();
    await settle();
    expect(technician.sent.map((d) => [d.type, d.generation])).toEqual([
      ['offer', 1],
      ['offer', 1],
    ]);
    expect(customer.connection.signalingState).toBe('stable');
  });

  it('ignores an answer that nobody waits for', async () => {
    await begin();
    await technician.peer.deliver({ generation: 1, type: 'answer', sdp: '[]' });
    expect(technician.connection.signalingState).toBe('stable');
  });

  it('replaces the microphone without negotiating', async () => {
    await begin();
    customer.local.audio = new FakeTrack('audio');
    await customer.peer.refresh();
    await settle();
    expect(customer.sent).toHaveLength(1);
    expect(
      customer.connection.getTransceivers().find((t) => t.kind === 'audio')?.sender.track,
    ).toBe(customer.local.audio);
  });
});
