/** Keys of the call. Single letters, so they are off while somebody types or holds a modifier. */
export type Action = 'mute' | 'camera' | 'screen' | 'chat' | 'notes' | 'help' | 'hangup';

export const SHORTCUTS: readonly (readonly [key: string, action: Action])[] = [
  ['m', 'mute'],
  ['v', 'camera'],
  ['s', 'screen'],
  ['c', 'chat'],
  ['n', 'notes'],
  ['q', 'hangup'],
  ['?', 'help'],
];

/** The action of a key press, or null when the press means something else. */
export function actionOf(event: KeyboardEvent): Action | null {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) {
    return null;
  }
  const target = event.target instanceof Element ? event.target : null;
  // A dialog and everything one can type into or choose from have their own keys.
  if (target?.closest('input, textarea, select, dialog, [contenteditable]')) return null;
  return SHORTCUTS.find(([key]) => key === event.key.toLowerCase())?.[1] ?? null;
}
