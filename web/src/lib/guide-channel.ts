/**
 * The data channel `assist` between the two pages, end to end through the relay.
 *
 * Guidance (pointing, drawing) will travel here. Until then each side pings the other once and
 * answers pings, so that "open" means that bytes came back.
 */
export const GUIDE_LABEL = 'assist';
const PING = '{"type":"ping"}';
const PONG = '{"type":"pong"}';

export class GuideChannel {
  private channel: RTCDataChannel | null = null;

  constructor(private readonly onOpen: (isOpen: boolean) => void) {}

  attach(channel: RTCDataChannel): void {
    this.channel = channel;
    channel.onopen = () => channel.send(PING);
    channel.onclose = () => this.onOpen(false);
    channel.onmessage = ({ data }) => {
      if (data === PING) channel.send(PONG);
      if (data === PONG) this.onOpen(true);
    };
    if (channel.readyState === 'open') channel.send(PING);
  }

  close(): void {
    if (this.channel === null) return;
    this.channel.onopen = this.channel.onclose = this.channel.onmessage = null;
    this.channel = null;
    this.onOpen(false);
  }
}
