import { beforeEach, describe, expect, it } from 'vitest';
import type { ChatLine, ChatPost } from '../lib/generated/events';
import { Refused } from '../lib/channel';
import { ChatBox } from './chat-box.svelte';

let posted: ChatPost[];
let isFailing: boolean;
let chat: ChatBox;

function line(n: number, role: 'customer' | 'technician', text = `line ${n}`): ChatLine {
  return { n, at_ms: n, role, text, client_id: `c${n}`, file: null };
}

/** A server that takes pictures only. */
function uploaded(_content: Blob, name: string): Promise<{ id: string; name: string }> {
  if (!name.endsWith('.txt')) return Promise.reject(new Refused('file_type_refused', ''));
  return Promise.resolve({ id: `id of ${name}`, name });
}

beforeEach(() => {
  posted = [];
  isFailing = false;
  chat = new ChatBox((post) => {
    posted.push(post);
    return isFailing
      ? Promise.reject(new Error('timeout'))
      : Promise.resolve({ ...line(9, 'customer', post.text), client_id: post.client_id });
  }, uploaded);
  chat.isOpen = false;
});

describe('the chat', () => {
  it('posts a file once it is kept', async () => {
    const sending = chat.sendFile(new File(['x'], 'log.txt'));
    expect(chat.uploads.map((one) => one.name)).toEqual(['log.txt']);
    await sending;
    expect(posted).toMatchObject([{ text: 'log.txt', file_id: 'id of log.txt' }]);
    expect(chat.uploads).toEqual([]);
  });

  it('says why a file was refused, and lets go of it', async () => {
    await chat.sendFile(new File(['x'], 'evil.exe'));
    expect(chat.uploads.map((one) => one.code)).toEqual(['file_type_refused']);
    await chat.sendFile(new File([new Uint8Array(10 * 1024 * 1024 + 1)], 'big.txt'));
    expect(chat.uploads.map((one) => one.code)).toEqual(['file_type_refused', 'file_too_large']);
    for (const { id } of chat.uploads) chat.drop(id);
    expect([chat.uploads, posted]).toEqual([[], []]);
  });

  it('sends a file again under the same id', async () => {
    isFailing = true;
    await chat.sendFile(new File(['x'], 'log.txt'));
    isFailing = false;
    await chat.retry(chat.uploads[0]?.id ?? '');
    expect(new Set(posted.map((post) => post.client_id)).size).toBe(1);
    expect(chat.uploads).toEqual([]);
  });

  it('keeps the server’s order and takes each line once', () => {
    for (const n of [2, 1, 2]) chat.add(line(n, 'technician'), 'customer');
    expect(chat.lines.map((one) => one.n)).toEqual([1, 2]);
  });

  it('counts what the other side wrote while it was closed', () => {
    chat.replace([line(1, 'technician'), line(2, 'customer'), line(3, 'technician')], 'customer');
    expect(chat.unread).toBe(2);
    chat.toggle();
    expect(chat.unread).toBe(0);
    chat.add(line(4, 'technician'), 'customer');
    expect(chat.unread).toBe(0);
  });

  it('empties the draft once the line is kept', async () => {
    chat.draft = '  hello ';
    await chat.send();
    expect(posted.map((post) => post.text)).toEqual(['hello']);
    expect(chat.draft).toBe('');
    expect(chat.lines).toHaveLength(1);
    expect(chat.unread).toBe(0);
  });

  it('sends a failed line again under the same id, so that it counts once', async () => {
    isFailing = true;
    chat.draft = 'hello';
    await chat.send();
    expect(chat.hasFailed).toBe(true);
    expect(chat.draft).toBe('hello');
    isFailing = false;
    await chat.send();
    expect(posted[0]?.client_id).toBe(posted[1]?.client_id);
    expect(chat.hasFailed).toBe(false);
  });

  it('sends nothing when there is nothing to say', async () => {
    chat.draft = '   ';
    await chat.send();
    expect(posted).toEqual([]);
  });
});
