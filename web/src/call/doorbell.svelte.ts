/** Call a person to the page when somebody waits: by sound, by the window's title, by a notification. */
import { ring } from '../lib/ring';

const BLINK_MS = 1_000;

class Doorbell {
  /** Whether the browser could show notifications and has not been asked yet. */
  canAsk = $state(typeof Notification !== 'undefined' && Notification.permission === 'default');

  async ask(): Promise<void> {
    const answer = await Notification.requestPermission().catch(() => 'default');
    this.canAsk = answer === 'default';
  }

  /** Ring until the returned function is called, or the person does anything on the page. */
  ring(words: string, times?: number): () => void {
    const silence = ring(times);
    const notification = document.visibilityState === 'visible' ? null : notify(words);
    const title = document.title;
    let isShown = false;
    const blink = setInterval(() => {
      isShown = !isShown;
      document.title = isShown ? `\u{1F514} ${words}` : title;
    }, BLINK_MS);
    addEventListener('pointerdown', silence, { once: true });
    addEventListener('keydown', silence, { once: true });
    return () => {
      silence();
      clearInterval(blink);
      removeEventListener('pointerdown', silence);
      removeEventListener('keydown', silence);
      notification?.close();
      document.title = title;
    };
  }
}

export const doorbell = new Doorbell();

function notify(words: string): Notification | null {
  if (typeof Notification === 'undefined' || Notification.permission !== 'granted') return null;
  try {
    const shown = new Notification(words, { tag: 'waiting' });
    shown.onclick = () => window.focus();
    return shown;
  } catch {
    // Chrome for Android shows notifications of service workers only; this page has none.
    return null;
  }
}
