/** The chat of a session: the lines as the server kept them, and those still on their way. */
import type { ChatLine, ChatPost } from '../lib/generated/events';
import { randomId } from './tab';

export class ChatBox {
  lines: ChatLine[] = $state.raw([]);
  unread = $state(0);
  /** Beside the picture where there is room; otherwise it would cover it, and waits to be asked for. */
  isOpen = $state(matchMedia('(min-width: 60rem)').matches);
  hasFailed = $state(false);
  draft = $state('');
  private pending: ChatPost | null = null;

  constructor(private readonly post: (line: ChatPost) => Promise<ChatLine>) {}

  /** Take all lines anew, after a (re)connect. */
  replace(lines: readonly ChatLine[], me: string | null): void {
    for (const line of lines) this.add(line, me);
  }

  add(line: ChatLine, me: string | null): void {
    if (this.lines.some((known) => known.n === line.n)) return;
    this.lines = [...this.lines, line].sort((a, b) => a.n - b.n);
    if (line.role !== me && !this.isOpen) this.unread += 1;
  }

  toggle(): void {
    this.isOpen = !this.isOpen;
    if (this.isOpen) this.unread = 0;
  }

  /** Send the draft. The same draft sent again after a failure counts once. */
  async send(): Promise<void> {
    const text = this.draft.trim();
    if (text === '') return;
    if (this.pending?.text !== text) this.pending = { client_id: randomId(), text };
    try {
      const line = await this.post(this.pending);
      this.add(line, line.role);
      this.pending = null;
      this.draft = '';
      this.hasFailed = false;
    } catch {
      this.hasFailed = true;
    }
  }
}
