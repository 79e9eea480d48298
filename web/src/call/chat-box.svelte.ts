/** The chat of a session: the lines as the server kept them, and those still on their way. */
import type { ChatLine, ChatPost } from '../lib/generated/events';
import { Refused } from '../lib/channel';
import { FILE_BYTES_MAX } from '../lib/limits';
import { smaller } from '../lib/picture';
import { randomId } from './tab';

/** A file on its way; `code` says why it was refused. */
export interface Upload {
  id: string;
  name: string;
  code: string | null;
  file: File;
}

export type SendFile = (content: Blob, name: string) => Promise<{ id: string; name: string }>;

export class ChatBox {
  lines: ChatLine[] = $state.raw([]);
  unread = $state(0);
  /** Beside the picture where there is room; otherwise it would cover it, and waits to be asked for. */
  isOpen = $state(matchMedia('(min-width: 60rem)').matches);
  hasFailed = $state(false);
  draft = $state('');
  uploads: Upload[] = $state.raw([]);
  private pending: ChatPost | null = null;

  constructor(
    private readonly post: (line: ChatPost) => Promise<ChatLine>,
    private readonly upload: SendFile,
  ) {}

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

  /** Send a file and say so in the chat. Pictures are made smaller first. */
  sendFile(file: File): Promise<void> {
    const upload = { id: randomId(), name: file.name, code: null, file };
    this.uploads = [...this.uploads, upload];
    return this.deliver(upload);
  }

  retry(id: string): Promise<void> {
    const upload = this.uploads.find((one) => one.id === id);
    if (upload === undefined) return Promise.resolve();
    this.note(id, null);
    return this.deliver(upload);
  }

  drop(id: string): void {
    this.uploads = this.uploads.filter((one) => one.id !== id);
  }

  private async deliver({ id, file }: Upload): Promise<void> {
    try {
      const content = await smaller(file);
      if (content.size > FILE_BYTES_MAX) throw new Refused('file_too_large', 'Too large.');
      const kept = await this.upload(content, file.name);
      const line = await this.post({ client_id: id, text: kept.name, file_id: kept.id });
      this.add(line, line.role);
      this.drop(id);
    } catch (error) {
      this.note(id, error instanceof Refused ? error.code : 'timeout');
    }
  }

  private note(id: string, code: string | null): void {
    this.uploads = this.uploads.map((one) => (one.id === id ? { ...one, code } : one));
  }
}
