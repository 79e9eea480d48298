/** Ring like a telephone: two soft notes, again and again for a while. No file is loaded. */
const NOTES_HZ = [660, 880] as const;
const NOTE_S = 0.22;
const EVERY_MS = 2_500;
/** Nobody is rung longer than this. */
export const RING_MAX_MS = 40_000;

/** Start ringing; returns how to stop. Silent where the browser wants a tap first. */
export function ring(times: number = RING_MAX_MS / EVERY_MS): () => void {
  if (typeof AudioContext === 'undefined') return () => {};
  const context = new AudioContext();
  void context.resume().catch(() => {});
  let left = times;
  const strike = (): void => {
    if (left-- <= 0) stop();
    else if (context.state === 'running') NOTES_HZ.forEach((hz, n) => note(context, hz, n));
  };
  const timer = setInterval(strike, EVERY_MS);
  const soon = setTimeout(strike, 100);
  function stop(): void {
    clearInterval(timer);
    clearTimeout(soon);
    if (context.state !== 'closed') void context.close().catch(() => {});
  }
  return stop;
}

function note(context: AudioContext, frequencyHz: number, place: number): void {
  const startS = context.currentTime + place * NOTE_S;
  const tone = context.createOscillator();
  const gain = context.createGain();
  tone.frequency.value = frequencyHz;
  gain.gain.setValueAtTime(0, startS);
  gain.gain.linearRampToValueAtTime(0.25, startS + 0.03);
  gain.gain.linearRampToValueAtTime(0, startS + NOTE_S);
  tone.connect(gain).connect(context.destination);
  tone.start(startS);
  tone.stop(startS + NOTE_S);
}
