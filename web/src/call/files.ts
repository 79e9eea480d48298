/** Files of the chat over HTTP, with the participant's own token. */
import { Refused } from '../lib/channel';
import { FILE_TIMEOUT_MS } from '../lib/limits';

export interface SentFile {
  id: string;
  name: string;
}

export class FileRoute {
  constructor(
    private readonly base: string,
    private readonly sessionId: () => string,
    private readonly token: () => Promise<string>,
  ) {}

  async send(content: Blob, name: string): Promise<SentFile> {
    const url = this.url();
    url.searchParams.set('name', name.slice(-1000));
    return (await this.ask(url, { method: 'POST', body: content })).json() as Promise<SentFile>;
  }

  /** The bytes, as the type the server found in them. */
  async fetch(id: string): Promise<Blob> {
    return (await this.ask(this.url(id), {})).blob();
  }

  private url(id = ''): URL {
    const path = `api/v1/sessions/${encodeURIComponent(this.sessionId())}/files`;
    return new URL(id === '' ? path : `${path}/${encodeURIComponent(id)}`, this.base);
  }

  private async ask(url: URL, options: RequestInit): Promise<Response> {
    const response = await fetch(url, {
      ...options,
      headers: {
        Authorization: `Bearer ${await this.token()}`,
        'Content-Type': 'application/octet-stream',
      },
      signal: AbortSignal.timeout(FILE_TIMEOUT_MS),
    });
    if (response.ok) return response;
    const problem: unknown = await response.json().catch(() => null);
    const code = (problem as { code?: unknown } | null)?.code;
    throw new Refused(typeof code === 'string' ? code : 'other', 'The file was refused.');
  }
}
