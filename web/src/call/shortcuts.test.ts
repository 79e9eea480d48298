import { describe, expect, it } from 'vitest';
import { actionOf, SHORTCUTS } from './shortcuts';

/** Press a key on an element of this kind. */
function press(
  key: string,
  on = 'button',
  init: KeyboardEventInit = {},
): ReturnType<typeof actionOf> {
  const element = document.body.appendChild(document.createElement(on));
  let action: ReturnType<typeof actionOf> = null;
  element.addEventListener('keydown', (event) => (action = actionOf(event)));
  element.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, ...init }));
  element.remove();
  return action;
}

describe('shortcuts', () => {
  it('are one key each', () => {
    for (const [key, action] of SHORTCUTS) expect(press(key)).toBe(action);
    expect(new Set(SHORTCUTS.map(([key]) => key)).size).toBe(SHORTCUTS.length);
    expect(press('M')).toBe('mute');
    expect(press('x')).toBeNull();
  });

  it.each(['input', 'textarea', 'select', 'dialog'])('are off in a %s', (on) => {
    expect(press('m', on)).toBeNull();
  });

  it('leave the keys of the browser alone', () => {
    expect(press('m', 'button', { ctrlKey: true })).toBeNull();
    expect(press('m', 'button', { metaKey: true })).toBeNull();
    expect(press('m', 'button', { repeat: true })).toBeNull();
  });
});
