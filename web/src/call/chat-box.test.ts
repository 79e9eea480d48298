import { beforeEach, describe, expect, it } from 'vitest';
import type { ChatLine, ChatPost } from '../lib/generated/events';
import { ChatBox } from './chat-box.svelte';

let posted: ChatPost[];
let isFailing: boolean;
let chat: ChatBox;

function line(n: number, role: 'customer' | 'technician', text = `line ${n}`): ChatLine {
  return { n, at_ms: n, role, text, client_id: `c${n}` };
}

beforeEach(() => {
  posted = [];
  isFailing = false;
  chat = new ChatBox((post) => {
    posted.push(post);
    return isFailing
      ? Promise.reject(new Error('timeout'))
      : Promise.resolve({ ...line(9, 'customer', post.text), client_id: post.client_id });
  });
  chat.isOpen = false;
});

describe('the chat', () => {
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
